import { checkKeys } from "../../arguments.js";
import { checkNames } from "../../known-names.js";
import { claimedTerm, isPast } from "../../protocol/forgotten.js";
import type { Lease } from "../../protocol/lease.js";
import { checkNextPause, checkNextTerm } from "../../protocol/next-term.js";
import type { History } from "../../protocol/observation.js";
import {
  checkSchemaVersion,
  isKnown,
  SESSION_SCHEMA_VERSION,
  type Versioned,
} from "../../protocol/schema-version.js";
import {
  acquired,
  askedToStepDown,
  awaited,
  committed,
  crashed,
  evicted,
  evictionAcknowledged,
  paused,
  placeholderCreated,
  renewed,
  resigned,
  sessionBuried,
  sessionNudged,
  sessionOpened,
  sessionSealed,
  ticksReset,
} from "../../protocol/transitions.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  Answer,
  AwaitRequest,
  BuryRequest,
  CandidateRow,
  CrashRequest,
  EvictRequest,
  NudgeRequest,
  OpenRequest,
  PauseRequest,
  PlaceholderRequest,
  Read,
  ReadMany,
  RenewRequest,
  ResignRequest,
  SealRequest,
  StepDownRequest,
  TermRange,
  TermRecord,
  TickResetRequest,
  Transacted,
  Written,
} from "../../protocol/verbs.js";
import type { LeaseStore, TransactRequest } from "../lease-store.js";
import { onePage } from "../row-pages.js";
import { LEASE_SORT_KEY } from "../schema.js";
import { CandidateRows } from "./candidate-rows.js";
import { HistoryRows } from "./history-rows.js";
import { removeExpired } from "./time-to-live.js";
import { TransactionTokens } from "./transaction-tokens.js";
import { UserTables } from "./user-tables.js";

/** The options of a `MemoryTable`. */
export interface MemoryTableOptions {
  /** The names of your own tables' key attributes, for `transact`: `{ ledger: ["id"] }`. @default no tables */
  keys?: Record<string, readonly string[]> | undefined;
  /** The table's clock, in milliseconds since the epoch. @default Date.now */
  serviceTimeMs?: (() => number) | undefined;
}

/** Typed, so that no option is forgotten. */
const NAMES: Record<keyof MemoryTableOptions, 0> = { keys: 0, serviceTimeMs: 0 };

/**
 * A lease table in memory, for unit tests and simulations. Candidates that share one object take part in the same
 * elections. It stores nothing on disk, and every request gets an answer. It passes the same tests as the real table.
 */
export class MemoryTable implements LeaseStore {
  /** Undefined: nothing outside this process can reach the table. */
  readonly signer = undefined;
  readonly answers = undefined;
  readonly #leases = new Map<string, Lease & Versioned>();
  readonly #history = new HistoryRows();
  readonly #candidates = new CandidateRows();
  readonly #tokens = new TransactionTokens();
  readonly #userTables: UserTables;
  readonly #serviceTimeMs: () => number;

  /**
   * @throws InvalidOptionError: an option cannot work.
   * @example
   * const store = new MemoryTable({ keys: { ledger: ["id"] } });
   * const election = new Election({ store, name: "billing/nightly" });
   */
  constructor(options: MemoryTableOptions = {}) {
    checkNames(options, Object.keys(NAMES), undefined, { keys: { ledger: ["id"] } });
    const { keys = {}, serviceTimeMs = Date.now } = options;
    checkKeys(keys);
    this.#userTables = new UserTables(keys);
    this.#serviceTimeMs = serviceTimeMs;
  }

  /**
   * Returns the items of one of your tables, in plain values.
   * @throws TableError: `keys` did not name this table.
   * @example
   * await leadership.transact([{ Put: { TableName: "ledger", Item: { id: "42" } } }]);
   * expect(store.items("ledger")).toEqual([{ id: "42" }]);
   */
  items(tableName: string): Array<Record<string, unknown>> {
    return this.#userTables.items(tableName);
  }

  /**
   * Deletes the lease row, as somebody might do by mistake. The history stays.
   * @throws nothing.
   * @example
   * store.deleteLease("billing/nightly");
   */
  deleteLease(election: string): void {
    this.#leases.delete(election);
  }

  /**
   * Puts an older lease row back, as somebody might do from a backup, and the history too if it is given.
   * @throws nothing.
   * @example
   * store.restore("billing/nightly", lease);
   */
  restore(election: string, lease: Lease & Versioned, terms?: ReadonlyArray<TermRecord & Versioned>): void {
    this.#leases.set(election, lease);
    if (terms) this.#history.restore(election, terms);
  }

  /**
   * Deletes the rows whose `ttl` has passed, as DynamoDB does some time later.
   * @param atMs milliseconds since the epoch. @default now, by the table's clock
   * @throws nothing.
   * @example
   * store.removeExpired(Date.now() + 86_400_000);
   */
  removeExpired(atMs = this.#serviceTimeMs()): void {
    removeExpired(this.#leases, atMs);
    this.#history.removeExpired(atMs);
    this.#candidates.removeExpired(atMs);
  }

  /**
   * Returns the recorded terms of an election, oldest first.
   * @throws nothing.
   * @example
   * expect(store.terms("billing/nightly")).toHaveLength(2);
   */
  terms(election: string): Array<TermRecord & Versioned> {
    return this.#history.terms(election);
  }

  async read(election: string): Promise<Read> {
    return { dateMs: this.#dateMs(), lease: checked(election, this.#leases.get(election)) };
  }

  async readMany(elections: readonly string[]): Promise<ReadMany> {
    const rows = onePage(elections).map((election) => [election, this.#leases.get(election)] as const);
    const known = rows.filter((row): row is [string, Lease] => row[1] !== undefined && isKnown(row[1]));
    return { dateMs: this.#dateMs(), leases: new Map(known) };
  }

  async readHistory(election: string): Promise<Answer & { history: History }> {
    return { dateMs: this.#dateMs(), history: this.#history.of(election) };
  }

  async createPlaceholder(request: PlaceholderRequest): Promise<Written> {
    return this.#write(placeholderCreated, request);
  }

  async acquire(request: AcquireRequest): Promise<Written> {
    const { election, basis, at: electedAt, atErrorMs: electedErrorMs } = request;
    const { founding } = basis;
    checkNextTerm(election, request.term, basis);
    const isRefused = founding && isPast(founding, request.term, this.#history.recorded(election));
    if (isRefused && acquired(this.#leases.get(election), request)) {
      return { dateMs: this.#dateMs(), done: false, lease: undefined };
    }
    const written = this.#write(
      acquired,
      request,
      request.session === undefined ? undefined : SESSION_SCHEMA_VERSION,
    );
    if (founding && written.done) {
      await this.recordTerm(election, { term: claimedTerm(founding) });
      const { term, holder, leaseDurationMs } = written.lease;
      await this.recordTerm(election, {
        term,
        holder,
        leaseDurationMs,
        electedAt,
        electedErrorMs,
        lastTickBefore: founding.lastTick,
        tickResetTermBefore: founding.tickResetTerm,
      });
    }
    return written;
  }

  async raiseFloor(election: string, term: number): Promise<Answer> {
    this.#history.raiseFloor(election, term);
    return { dateMs: this.#dateMs() };
  }

  async renew(request: RenewRequest): Promise<Written> {
    return this.#write(renewed, request);
  }

  async resign(request: ResignRequest): Promise<Written> {
    return this.#write(resigned, request);
  }

  async crash(request: CrashRequest): Promise<Written> {
    return this.#write(crashed, request);
  }

  async markAwaited(request: AwaitRequest): Promise<Written> {
    return this.#write(awaited, request);
  }

  async requestStepDown(request: StepDownRequest): Promise<Written> {
    return this.#write(askedToStepDown, request);
  }

  async evict(request: EvictRequest): Promise<Written> {
    checkNextTerm(request.election, request.term + 1, request);
    return this.#write(evicted, request);
  }

  async resetTicks(request: TickResetRequest): Promise<Written> {
    checkNextTerm(request.election, request.seen.term + 1, request.seen);
    return this.#write(ticksReset, request);
  }

  async pause(request: PauseRequest): Promise<Written> {
    checkNextPause(request.election, request.seen);
    return this.#write(paused, request);
  }

  async openSession(request: OpenRequest): Promise<Written> {
    return this.#write(sessionOpened, request);
  }

  async sealSession(request: SealRequest): Promise<Written> {
    return this.#write(sessionSealed, request);
  }

  async burySession(request: BuryRequest): Promise<Written> {
    return this.#write(sessionBuried, request);
  }

  async nudgeSession(request: NudgeRequest): Promise<Written> {
    return this.#write(sessionNudged, request);
  }

  async acknowledgeEviction(request: AcknowledgeRequest): Promise<Written> {
    return this.#write(evictionAcknowledged, request);
  }

  async readTerms(election: string, range: TermRange): Promise<Answer & { terms: readonly TermRecord[] }> {
    return { dateMs: this.#dateMs(), terms: this.#history.page(election, range) };
  }

  async recordTerm(election: string, record: TermRecord): Promise<Answer> {
    this.#history.record(election, record);
    return { dateMs: this.#dateMs() };
  }

  async drawArrival(election: string): Promise<Answer & { arrival: number }> {
    return { dateMs: this.#dateMs(), arrival: this.#candidates.drawArrival(election) };
  }

  async writeCandidate(election: string, row: CandidateRow): Promise<Answer> {
    this.#candidates.write(election, row);
    return { dateMs: this.#dateMs() };
  }

  async deleteCandidate(
    election: string,
    row: Pick<CandidateRow, "candidateId" | "heartbeat">,
  ): Promise<Answer> {
    this.#candidates.delete(election, row);
    return { dateMs: this.#dateMs() };
  }

  async readCandidates(election: string): Promise<Answer & { candidates: readonly CandidateRow[] }> {
    return { dateMs: this.#dateMs(), candidates: this.#candidates.of(election) };
  }

  async transact(request: TransactRequest): Promise<Transacted> {
    const { election, actions } = request;
    const dateMs = this.#dateMs();
    const nowMs = this.#serviceTimeMs();
    if (this.#tokens.isKnown(request, nowMs)) return { dateMs, done: true };
    const changes = this.#userTables.plan(actions);
    const lease = this.#leases.get(election);
    const marked = committed(lease, request);
    if (marked === undefined) return { dateMs, done: false, fenced: true, lease: checked(election, lease) };
    const refusals = changes.map(({ refusal }) => refusal);
    if (refusals.some(({ code }) => code !== "None")) return { dateMs, done: false, fenced: false, refusals };
    for (const { apply } of changes) apply?.();
    this.#leases.set(election, marked);
    // A write of the lease row alone is no transaction, and has no token.
    if (actions.length > 0) this.#tokens.remember(request, nowMs);
    return { dateMs, done: true };
  }

  async readKeyNames(tableName: string): Promise<Answer & { names: readonly string[] }> {
    return { dateMs: this.#dateMs(), names: this.#userTables.keyNames(tableName) };
  }

  /**
   * Forgets the tokens of transactions, as DynamoDB does after ten minutes.
   * @throws nothing.
   * @example
   * store.forgetTokens();
   */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** As a `Date` header: whole seconds. */
  #dateMs(): number {
    return Math.floor(this.#serviceTimeMs() / 1_000) * 1_000;
  }

  #write<T extends { readonly election: string }, L extends Lease>(
    rule: (row: Lease | undefined, request: T) => L | undefined,
    request: T,
    raisedTo?: number,
  ): Written<L> {
    const { election } = request;
    const row = this.#leases.get(election);
    const changed = rule(row, request);
    if (changed === undefined) return { dateMs: this.#dateMs(), done: false, lease: checked(election, row) };
    const schemaVersion = raisedTo ?? row?.schemaVersion;
    const written = schemaVersion ? { ...changed, schemaVersion } : changed;
    this.#leases.set(election, written);
    return { dateMs: this.#dateMs(), done: true, lease: checked(election, written) };
  }
}

/** Rule 1h. */
function checked<T extends (Lease & Versioned) | undefined>(election: string, lease: T): T {
  if (lease) checkSchemaVersion(election, LEASE_SORT_KEY, lease);
  return lease;
}
