import { type ActionRefusal, TableError } from "../errors.js";
import type { Lease } from "../lease.js";
import type { History } from "../sighting.js";
import { type Action, fromItem } from "./attributes.js";
import {
  applyUpdate,
  checkExpressions,
  ExpressionError,
  evaluateCondition,
  type Item,
} from "./expressions.js";
import type {
  AcquireRequest,
  Answer,
  EvictRequest,
  LeaseStore,
  Read,
  RenewRequest,
  ResignRequest,
  StepDownRequest,
  TermRecord,
  Transacted,
  TransactRequest,
  Written,
} from "./lease-store.js";

export interface MemoryTableOptions {
  /** Key attributes of your own tables, for `transact`: `{ ledger: ["id"] }`. */
  keys?: Record<string, readonly string[]> | undefined;
  /** The table's clock, epoch milliseconds. @default Date.now */
  serviceTimeMs?: (() => number) | undefined;
}

/** DynamoDB remembers a transaction's token for ten minutes. */
const TOKEN_MEMORY_MS = 600_000;

/**
 * The verbs in memory, for simulation and for users' unit tests: share one object between candidates.
 * Held to the same conformance suite as the real table. Nothing is persisted, and nothing ever fails.
 */
export class MemoryTable implements LeaseStore {
  readonly #leases = new Map<string, Lease>();
  readonly #terms = new Map<string, Map<number, TermRecord>>();
  readonly #items = new Map<string, Map<string, Item>>();
  readonly #tokens = new Map<string, number>();
  readonly #keys: Record<string, readonly string[]>;
  readonly #serviceTimeMs: () => number;

  constructor({ keys = {}, serviceTimeMs = Date.now }: MemoryTableOptions = {}) {
    this.#keys = keys;
    this.#serviceTimeMs = serviceTimeMs;
  }

  /** The items of one of your tables, in plain values. */
  items(tableName: string): Array<Record<string, unknown>> {
    return [...this.#table(tableName).values()].map((item) => fromItem(item, true) ?? {});
  }

  /** As an operator might: the lease row goes, its history stays. */
  deleteLease(election: string): void {
    this.#leases.delete(election);
  }

  /** The recorded terms of an election, oldest first. */
  terms(election: string): TermRecord[] {
    return [...(this.#terms.get(election)?.values() ?? [])].sort((a, b) => a.term - b.term);
  }

  async read(election: string): Promise<Read> {
    return { ...this.#answer(), lease: this.#leases.get(election) };
  }

  async readHistory(election: string): Promise<Answer & { history: History }> {
    const terms = this.terms(election);
    const history = {
      highestTerm: terms.at(-1)?.term ?? 0,
      longestLeaseMs: Math.max(0, ...terms.map((term) => term.leaseDurationMs ?? 0)),
      lastTick: terms
        .flatMap(({ lastTick }) => lastTick ?? [])
        .sort()
        .at(-1),
    };
    return { ...this.#answer(), history };
  }

  async acquire(request: AcquireRequest): Promise<Written> {
    const {
      election,
      basis,
      candidateId,
      attemptId,
      leaseDurationMs,
      renewIntervalMs,
      value,
      expiresAt,
      at,
    } = request;
    const absent = basis.kind === "absent";
    if (absent && this.#terms.get(election)?.has(basis.firstTerm)) {
      return { ...this.#answer(), done: false, lease: this.#leases.get(election) };
    }
    const written = this.#write(election, (row) => {
      const fits = absent ? row === undefined : row?.term === basis.term && row.revision === basis.revision;
      if (!fits) return undefined;
      return {
        term: absent ? basis.firstTerm : basis.term + 1,
        revision: absent ? 1 : basis.revision + 1,
        holder: candidateId,
        attemptId,
        leaseDurationMs,
        renewIntervalMs,
        value,
        expiresAt,
        electedAt: at,
        renewedAt: at,
        lastTick: absent ? basis.lastTick : row?.lastTick,
      };
    });
    if (absent && written.done) {
      const { term, holder, lastTick } = written.lease;
      await this.recordTerm(election, { term, holder, leaseDurationMs, electedAt: at, lastTick });
    }
    return written;
  }

  async renew(request: RenewRequest): Promise<Written> {
    const { election, candidateId, term, revision, renewIntervalMs, value, expiresAt, at } = request;
    return this.#write(election, (row) =>
      row?.holder === candidateId && row.term === term && row.revision < revision
        ? { ...row, revision, renewIntervalMs, value, expiresAt, renewedAt: at }
        : undefined,
    );
  }

  async resign({ election, candidateId, term, revision, reason, at, tick }: ResignRequest): Promise<Written> {
    return this.#write(election, (row) =>
      row?.holder === candidateId && row.term === term
        ? {
            ...row,
            holder: undefined,
            revision,
            endReason: reason,
            endedAt: at,
            lastTick: tick ?? row.lastTick,
          }
        : undefined,
    );
  }

  async requestStepDown({ election, term, by }: StepDownRequest): Promise<Written> {
    return this.#write(election, (row) =>
      row?.holder !== undefined && row.term === term ? { ...row, stepDown: { by } } : undefined,
    );
  }

  async evict({ election, term, at }: EvictRequest): Promise<Written> {
    return this.#write(election, (row) =>
      row?.term === term
        ? {
            ...row,
            holder: undefined,
            term: term + 1,
            revision: row.revision + 1,
            endReason: "evicted",
            endedAt: at,
          }
        : undefined,
    );
  }

  async recordTerm(election: string, record: TermRecord): Promise<Answer> {
    const terms = this.#terms.get(election) ?? new Map<number, TermRecord>();
    this.#terms.set(election, terms);
    const known = Object.entries(record).filter(([, fact]) => fact !== undefined);
    terms.set(record.term, {
      ...terms.get(record.term),
      ...(Object.fromEntries(known) as unknown as TermRecord),
    });
    return this.#answer();
  }

  async transact({ election, candidateId, term, actions, token }: TransactRequest): Promise<Transacted> {
    const answer = this.#answer();
    if (this.#isKnown(token)) return { ...answer, done: true };
    const lease = this.#leases.get(election);
    if (lease?.holder !== candidateId || lease.term !== term)
      return { ...answer, done: false, fenced: true, lease };
    const changes = actions.map((action) => this.#plan(action));
    const refusals = changes.map(({ refusal }) => refusal);
    if (refusals.some(({ code }) => code !== "None"))
      return { ...answer, done: false, fenced: false, refusals };
    for (const { apply } of changes) apply?.();
    this.#tokens.set(token, this.#serviceTimeMs());
    return { ...answer, done: true };
  }

  #answer(): Answer {
    return { dateMs: Math.floor(this.#serviceTimeMs() / 1_000) * 1_000 };
  }

  /** `change` gives the row anew, or undefined to refuse. */
  #write(election: string, change: (row: Lease | undefined) => Lease | undefined): Written {
    const row = this.#leases.get(election);
    const changed = change(row);
    if (changed === undefined) return { ...this.#answer(), done: false, lease: row };
    this.#leases.set(election, changed);
    return { ...this.#answer(), done: true, lease: changed };
  }

  #isKnown(token: string): boolean {
    const nowMs = this.#serviceTimeMs();
    for (const [known, atMs] of this.#tokens) {
      if (nowMs - atMs <= TOKEN_MEMORY_MS) break;
      this.#tokens.delete(known);
    }
    return this.#tokens.has(token);
  }

  #plan(action: Action): { refusal: ActionRefusal; apply?: () => void } {
    const table = this.#table(action.tableName);
    const names = this.#keys[action.tableName] as readonly string[];
    const key = Object.fromEntries(names.map((name) => [name, action.keyOrItem[name] as Item[string]]));
    const id = JSON.stringify(names.map((name) => key[name]));
    const item = table.get(id);
    const { conditionExpression, updateExpression, names: placeholders, values } = action;
    try {
      checkExpressions({ condition: conditionExpression, update: updateExpression }, placeholders, values);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new TableError(action.tableName, "request", "DynamoDB would refuse this as malformed.", {
        cause: error,
      });
    }
    try {
      if (conditionExpression && !evaluateCondition(conditionExpression, placeholders, values, item)) {
        const old = action.returnOld ? fromItem(item, action.plain) : undefined;
        return {
          refusal: { code: "ConditionalCheckFailed", message: "The conditional request failed", item: old },
        };
      }
      const none: ActionRefusal = { code: "None" };
      if (action.kind === "ConditionCheck") return { refusal: none };
      if (action.kind === "Delete") return { refusal: none, apply: () => table.delete(id) };
      const changed =
        action.kind === "Put" || !updateExpression
          ? { ...item, ...action.keyOrItem }
          : applyUpdate(updateExpression, placeholders, values, item, key);
      const whole = action.kind === "Put" ? action.keyOrItem : changed;
      return { refusal: none, apply: () => table.set(id, whole) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { refusal: { code: "ValidationError", message: error.message } };
    }
  }

  #table(name: string): Map<string, Item> {
    if (!this.#keys[name]) {
      const fix = `A MemoryTable must be told the key of each table that \`transact\` writes to: new MemoryTable({ keys: { "${name}": ["id"] } }).`;
      throw new TableError(name, "missing", fix);
    }
    const table = this.#items.get(name) ?? new Map<string, Item>();
    this.#items.set(name, table);
    return table;
  }
}
