import { hostname } from "node:os";
import { Campaign, type Outcome, type Won } from "./campaign.js";
import { recordSuccession, recordTick } from "./chronicle.js";
import { Commits } from "./commits.js";
import {
  AlreadyCampaigningError,
  type EndReason,
  FencedOutError,
  InvalidOptionError,
  LeaseLostError,
  TableUnavailableError,
} from "./errors.js";
import { type Emit, emitter } from "./events.js";
import { Leadership } from "./leadership.js";
import { type Leader, leaderOf, Observer } from "./observer.js";
import { type CandidateOptions, checkTick, type ResolvedOptions, resolveOptions } from "./options.js";
import { Requests } from "./requests.js";
import { DynamoDBLeaseStore, type DynamoDBLike } from "./store/dynamodb.js";
import type { LeaseStore } from "./store/lease-store.js";
import { DEFAULT_TABLE_NAME } from "./store/schema.js";
import { telemetry } from "./telemetry.js";
import { Tenure } from "./tenure.js";

export interface ElectionOptions extends CandidateOptions {
  /** Your own `DynamoDBClient` or `DynamoDBDocumentClient`; its configuration is left alone. */
  client?: DynamoDBLike | undefined;
  /** The lease table: partition key `pk` (S), sort key `sk` (S). @default "incumbent" */
  tableName?: string | undefined;
  /** Instead of `client` and `tableName`: a `MemoryTable` in unit tests and simulations. */
  store?: LeaseStore | undefined;
}

export type Work<T> = (leadership: Leadership) => T | Promise<T>;

export interface Signalled {
  /** Stops it: nothing more is begun, and a leadership that is held is given back. */
  signal?: AbortSignal | undefined;
}

/** What became of a tick. */
export type RunOnceResult<T> =
  | { readonly ran: true; readonly term: number; readonly value: T }
  /** `done`: some run already completed this tick, or a later one. `held`: another candidate leads now. */
  | { readonly ran: false; readonly because: "done" | "held"; readonly leader: Leader | undefined };

/**
 * One candidate of one election. Every object is a candidate of its own, with an id that no other process or
 * object shares. Throws `InvalidOptionError` for options that cannot work.
 */
export class Election {
  readonly #options: ResolvedOptions;
  readonly #requests: Requests;
  readonly #campaign: Campaign;
  readonly #emit: Emit;
  #campaigning = false;
  #tenure: Tenure | undefined;

  constructor(options: ElectionOptions) {
    this.#options = resolveOptions(options, defaultLabel);
    const { name, candidateId } = this.#options;
    this.#emit = emitter(name, candidateId, [telemetry(name), ...(options.onEvent ? [options.onEvent] : [])]);
    this.#requests = new Requests(storeOf(options), this.#options, this.#emit);
    this.#campaign = new Campaign(this.#requests, this.#options, this.#emit);
  }

  get name(): string {
    return this.#options.name;
  }

  get candidateId(): string {
    return this.#options.candidateId;
  }

  /**
   * The whole life of a candidate: campaigns, runs `work` while leading, and when a leadership ends (lost, or
   * asked for) waits for `work` to stop and campaigns again, under a new term. `work` must heed
   * `leadership.signal`. Ends when `work` returns or throws by itself, with its result; or when `signal` aborts, after
   * the lease was given back, with what `work` then returned. Rejects with `TableError` when the table cannot be used.
   */
  async lead<T>(work: Work<T>, { signal }: Signalled = {}): Promise<T | undefined> {
    return this.#exclusively(async () => {
      while (!signal?.aborted) {
        const won = await unlessAborted(this.#campaign.run({ signal }), signal);
        if (won?.kind !== "elected") break;
        const { ended, result } = await this.#serve(this.#take(won), work, signal);
        const value = settle(result, ended);
        if (!ended || signal?.aborted) return value;
        if (STAND_BACK.has(ended)) await unlessAborted(this.#campaign.standBack(signal), signal);
      }
      return undefined;
    });
  }

  /**
   * Waits until elected. The handle is yours to give back: `await using`, or `resign()` when the work has
   * stopped. Rejects with the signal's reason when it aborts first, with `TableError` when the table cannot be used.
   */
  async campaign({ signal }: Signalled = {}): Promise<Leadership> {
    const won = await this.#exclusively(() => this.#campaign.run({ signal }));
    if (won.kind !== "elected") throw new Error("unreachable: a campaign without a tick cannot be done");
    const leadership = this.#take(won);
    if (signal?.aborted) {
      await leadership.resign();
      throw signal.reason;
    }
    return leadership;
  }

  /**
   * One try, no waiting: undefined if another candidate leads. What earlier tries saw is remembered, so tries
   * minutes apart replace a dead leader too. Rejects with `TableUnavailableError` when the table does not answer.
   */
  async attempt({ signal }: Signalled = {}): Promise<Leadership | undefined> {
    const outcome = await this.#exclusively(() => this.#campaign.attempt({ signal }));
    return outcome.kind === "elected" ? this.#take(outcome) : undefined;
  }

  /**
   * Runs `work` unless this tick, or a later one, was completed by anyone: at most one run completes per tick.
   * A run that throws, or loses its lease, leaves the tick open for the next try. Ticks are strings that sort in
   * order of time, such as EventBridge Scheduler's scheduled time.
   *
   * With `wait: true` it stands by while another candidate runs the tick, to take over if that one dies.
   * Rejects with what `work` throws, and with `LeaseLostError` or `TableUnavailableError` when `work` returned but the
   * tick could not be recorded as done.
   * @default wait false
   */
  async runOnce<T>(
    tick: string,
    work: Work<T>,
    { signal, wait = false }: Signalled & { wait?: boolean } = {},
  ): Promise<RunOnceResult<T>> {
    checkTick(tick);
    return this.#exclusively(async () => {
      const bid = { signal, tick };
      const outcome: Outcome = await (wait ? this.#campaign.run(bid) : this.#campaign.attempt(bid));
      if (outcome.kind !== "elected") {
        const leader = outcome.kind === "held" ? leaderOf(outcome.lease) : undefined;
        return { ran: false, because: outcome.kind, leader };
      }
      const leadership = this.#take(outcome);
      const { result } = await this.#serve(leadership, work, signal, tick);
      return { ran: true, term: leadership.term, value: settle(result, undefined) as T };
    });
  }

  /** Who leads, by one read; undefined when nobody does, or the lease has surely run out. */
  async leader({ signal }: Signalled = {}): Promise<Leader | undefined> {
    return new Observer(this.#requests, this.#options).leader(signal);
  }

  /**
   * Follows the election without competing: yields the leader (or undefined) at once, then at each change,
   * until `signal` aborts. Outages of the table are waited out. One read per renewal.
   */
  observe({ signal }: Signalled = {}): AsyncIterableIterator<Leader | undefined> {
    return new Observer(this.#requests, this.#options).follow(signal);
  }

  /** Two bids of one candidate would take its own lease away from it. */
  async #exclusively<T>(bid: () => Promise<T>): Promise<T> {
    if (this.#campaigning || (this.#tenure && !this.#tenure.isOver))
      throw new AlreadyCampaigningError(this.name);
    this.#campaigning = true;
    try {
      return await bid();
    } finally {
      this.#campaigning = false;
    }
  }

  #take(won: Won): Leadership {
    const tenure = new Tenure(won, this.#requests, this.#options, this.#emit, this.#campaign);
    this.#tenure = tenure;
    tenure.chronicle = recordSuccession(this.#requests, this.#options, won.lease, won.previous);
    return new Leadership(tenure, new Commits(tenure, this.#requests));
  }

  /** Runs the work under a leadership, to its end; gives the lease back only when the work has stopped. */
  async #serve<T>(
    leadership: Leadership,
    work: Work<T>,
    signal: AbortSignal | undefined,
    tick?: string,
  ): Promise<{ ended: EndReason | undefined; result: PromiseSettledResult<T> }> {
    const tenure = this.#tenure as Tenure;
    const onAbort = () => tenure.end("resigned");
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    let cancelDrain = () => {};
    const onEnd = () => {
      cancelDrain = this.#options.clock.setTimer(this.#options.drainTimeoutMs, () => tenure.letRunOut());
    };
    if (leadership.signal.aborted) onEnd();
    leadership.signal.addEventListener("abort", onEnd, { once: true });

    const [result] = await Promise.allSettled([(async () => work(leadership))()]);

    cancelDrain();
    leadership.signal.removeEventListener("abort", onEnd);
    signal?.removeEventListener("abort", onAbort);
    const ended = tenure.endReason;
    if (tick !== undefined && result.status === "fulfilled") await this.#complete(tenure, tick);
    else await tenure.release("resigned");
    return { ended, result };
  }

  async #complete(tenure: Tenure, tick: string): Promise<void> {
    const recorded = recordTick(this.#requests, this.#options, tenure.term, tick);
    const outcome = await tenure.release("resigned", tick);
    await recorded;
    if (outcome === "lost") throw tenure.lostError(-tenure.remainingMs());
    if (outcome === "unconfirmed") throw new TableUnavailableError(`record tick "${tick}" as done`);
  }
}

function storeOf({ store, client, tableName = DEFAULT_TABLE_NAME }: ElectionOptions): LeaseStore {
  if (store) return store;
  if (typeof client?.send !== "function") {
    throw new InvalidOptionError(
      "client",
      "must be a DynamoDBClient or DynamoDBDocumentClient",
      client,
      "new DynamoDBClient({})",
    );
  }
  if (typeof tableName !== "string" || !/^[A-Za-z0-9_.:/-]{3,1024}$/.test(tableName)) {
    throw new InvalidOptionError(
      "tableName",
      "must be a table's name (3 to 255 of A-Z a-z 0-9 _ . -) or ARN",
      tableName,
      DEFAULT_TABLE_NAME,
    );
  }
  return new DynamoDBLeaseStore(client, tableName);
}

function defaultLabel(): string {
  return `${
    hostname()
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .slice(0, 60) || "host"
  }-${process.pid}`;
}

/** Undefined when it rejected because of the abort. */
async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

/** The work's value; its error too, unless it only says that the leadership had ended, which was known. */
function settle<T>(result: PromiseSettledResult<T>, ended: EndReason | undefined): T | undefined {
  if (result.status === "fulfilled") return result.value;
  const error: unknown = result.reason;
  const saysEnded =
    error instanceof LeaseLostError ||
    error instanceof FencedOutError ||
    (error instanceof Error && error.name === "AbortError");
  if (ended && saysEnded) return undefined;
  throw error;
}

/** Ends after which the same candidate should not be first again. */
const STAND_BACK = new Set<EndReason>(["stepped-down", "unhealthy", "evicted"]);
