import type { Clock } from "./clock.js";
import type { ElectionEvent, ResignOutcome } from "./events.js";
import type { Leader } from "./protocol/leader.js";
import type { CompareCandidates } from "./protocol/line.js";
import type { TickMode } from "./protocol/ticks.js";
import type { TableOptions } from "./store/open-store.js";

/** The types that users write and read: options, and the arguments and results of calls. */

/** The options of an `Election`: where the table is, and how the candidate behaves. Durations are in milliseconds. */
export type ElectionOptions = AloneOptions | UnderSessionOptions;

/** The options of an election whose lease has its own heartbeat. */
export type AloneOptions = TableOptions & CandidateOptions & { session?: undefined };

/**
 * The options of an election whose lease lasts as long as a session. The session has the table, the durations, the heartbeat
 * and the last will, for all its elections.
 */
export interface UnderSessionOptions
  extends Pick<
    CandidateOptions,
    "name" | "value" | "succession" | "eligible" | "group" | "healthy" | "onEvent"
  > {
  /** A `Session`. */
  session: SessionHandle;
  /** Settings that few elections change. @default as described there */
  tuning?: OwnTuning | undefined;
  client?: undefined;
  tableName?: undefined;
  store?: undefined;
  label?: undefined;
  leaseDurationMs?: undefined;
  renewIntervalMs?: undefined;
  stopTimeoutMs?: undefined;
  lastWill?: undefined;
  heartbeat?: undefined;
  runtime?: undefined;
}

/** What an election under a session may set of `Tuning`. */
export interface OwnTuning
  extends Pick<Tuning, "standbyPollMs" | "historyRetentionMs" | "deleteIdleAfterMs"> {
  safetyMarginMs?: undefined;
  requestTimeoutMs?: undefined;
  expiry?: undefined;
}

/** A `Session`, as the options of an election name it. */
export interface SessionHandle {
  readonly id: string | undefined;
  readonly isOpen: boolean;
  close(): Promise<ResignOutcome>;
}

/** How a candidate behaves, wherever the table is. */
export interface CandidateOptions {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. */
  name: string;
  /**
   * The readable part of the candidate's id: 1 to 100 of `A-Z a-z 0-9 . _ -`. A random part makes the id unique.
   * @default the id of the ECS task, the name of the pod, or host name and process id
   */
  label?: string | undefined;
  /**
   * What this candidate publishes on the lease row while it leads, such as an endpoint. At most 1,024 characters.
   * @default none
   */
  value?: string | undefined;
  /**
   * How long a lease lasts without a renewal, in milliseconds: 300 to 86,400,000 (a day). A longer lease costs fewer
   * writes. A shorter one replaces a dead leader sooner. Give all candidates of one election the same durations.
   * @default 15_000
   */
  leaseDurationMs?: number | undefined;
  /**
   * The time from one renewal to the next, in milliseconds: from 50.
   * @default leaseDurationMs / 3
   */
  renewIntervalMs?: number | undefined;
  /**
   * How long an end may take after it is requested, in milliseconds: 0 to 86,400,000. It bounds the announcement (at
   * most half of it), the work's own time to stop, and the release together. The lease is renewed until the work has
   * stopped. If the time is over first, the lease is no longer renewed and runs out (it is never given back while work
   * runs), and the call rejects with `WorkNotStoppedError`.
   * Keep it below the time after which your platform kills a process: docs/stopping.md has a table.
   * @default 25_000
   */
  stopTimeoutMs?: number | undefined;
  /**
   * `true`: when this process dies while it leads, its lease is given back within milliseconds, instead of running out. The
   * end reason is then `crashed`. The request is signed while the process lives. It is sent when the process exits, also
   * after an uncaught exception, and by a small companion process when it is killed. docs/last-will.md says which deaths are
   * noticed on which platform. It needs a `client`.
   *
   * Child processes and requests that are already under way are not part of the process: they can go on while the next
   * leader starts. The loss of the machine is not noticed, and neither is a frozen process: the lease then runs out.
   * @default false
   */
  lastWill?: boolean | undefined;
  /**
   * What renews the lease while the event loop of this process is blocked.
   *
   * - `"event-loop"`: nothing. A leader whose event loop is blocked for about a lease loses it.
   * - `"thread"`: a worker thread sends renewals that were signed ahead, for up to two leases, but not more than four
   *   minutes. Then the lease runs out, and another candidate leads: a process that hangs for ever is replaced.
   * - `{ maxStallMs }`: the same, for so long, in milliseconds: from `leaseDurationMs` to 64 renewals, but not more than
   *   240,000.
   *
   * It costs one signature per renewal, and no requests while the event loop turns. It needs a `client`.
   * docs/blocked-loop.md says what it does not promise.
   * @default "event-loop"
   */
  heartbeat?: "event-loop" | "thread" | { maxStallMs: number } | undefined;
  /** The order in which candidates follow one another. @default "random" */
  succession?: Succession | undefined;
  /** `false`: `candidates()` lists this candidate, but it never leads. @default true */
  eligible?: boolean | undefined;
  /**
   * The group of this candidate, such as its Region: 1 to 100 of `A-Z a-z 0-9 . _ -`. The candidates of one group share
   * the reservations that are made with `reserveForMs`.
   * @default none
   */
  group?: string | undefined;
  /**
   * Called before each renewal, and before each try to acquire the lease. When it returns `false`, throws, or does not
   * answer within `tuning.requestTimeoutMs`, the leader stops its work and gives the lease back. The candidate does not
   * try again until the answer is `true`.
   * @default always healthy
   */
  healthy?: (() => boolean | Promise<boolean>) | undefined;
  /**
   * Called with each event, in order. It cannot delay or break the election: when it throws, a warning is emitted.
   * @default none
   */
  onEvent?: ((event: ElectionEvent) => void) | undefined;
  /** Settings that few elections change. @default as described there */
  tuning?: Tuning | undefined;
  /** The clocks and the source of randomness, for tests and simulations. @default the system's */
  runtime?: Runtime | undefined;
}

/**
 * The order in which candidates follow one another. Give all candidates of one election the same order.
 *
 * - `"random"`: each candidate waits for a short random time, then tries. No line is kept.
 * - `"arrival"`: the candidate that joined first goes first.
 * - `"ring"`: the candidate that joined next after the leader goes first; after the last one comes the first again.
 * - An object sets more, and takes two more orders: `"rank"`, and a function that compares candidates.
 *
 * All orders but `"random"` keep a line. The first in line is the standby, and is known while the leader lives. A line
 * costs one read per renewal by the leader, and one write per `leaseDurationMs` by each candidate.
 */
export type Succession = "random" | "arrival" | "ring" | LineSuccession | RankSuccession;

/** An order that keeps a line, other than by rank. */
export interface LineSuccession {
  /** As in `Succession`, or a function that compares two candidates: below 0, `a` goes before `b`. */
  order: "arrival" | "ring" | CompareCandidates;
  /**
   * How long one candidate leads, in milliseconds: 1 to 86,400,000. Then it hands over to the next in line, if there is
   * one.
   * @default no limit
   */
  maxTenureMs?: number | undefined;
}

/** An order by rank. */
export interface RankSuccession {
  /** The candidate with the highest `rank` goes first; of two with the same rank, the one that joined first. */
  order: "rank";
  /**
   * A number, or a function that returns one, such as how far this replica's data reach. The function is called once
   * per `leaseDurationMs`. The number must be one that DynamoDB can hold: 0, or 1e-130 to 9.99e125, or the negative of
   * that. If the function throws or returns anything else, the event `rank-ignored` is emitted and the last rank stays.
   */
  rank: number | (() => number | Promise<number>);
  /**
   * Whether this leader hands over when a candidate of strictly higher rank joins. It does so at the earliest after it
   * has led for `minTenureMs`, in milliseconds; `true` means `leaseDurationMs`.
   * @default false
   */
  preempt?: boolean | { minTenureMs: number } | undefined;
  /**
   * How long one candidate leads, in milliseconds: 1 to 86,400,000. Then it hands over to the next in line, if there is
   * one.
   * @default no limit
   */
  maxTenureMs?: number | undefined;
}

/** Settings that few elections change. */
export interface Tuning {
  /**
   * How long before its lease runs out the holder stops trusting it, in milliseconds. At least leaseDurationMs / 250,
   * because the clocks of two hosts drift.
   * @default leaseDurationMs / 10
   */
  safetyMarginMs?: number | undefined;
  /**
   * The longest wait for one answer of the table, in milliseconds: from 10. It includes the AWS SDK's own retries.
   * @default 2_000, or leaseDurationMs / 4 if that is less
   */
  requestTimeoutMs?: number | undefined;
  /**
   * How often the first in line reads the lease row, in milliseconds: 50 to renewIntervalMs. So it soon sees a lease that
   * was given back unannounced, at any lease. A leader that is cut off writes nothing: its lease runs out as before.
   * The candidates behind the first in line poll as before, and the next one starts these reads when it becomes the first.
   * One read every 250 ms costs $0.65 a month. It needs an order in `succession`: with `"random"` nobody is first in line.
   * @default undefined: at each renewal
   */
  standbyPollMs?: number | undefined;
  /**
   * How long ended terms stay in the history, in milliseconds: 86,400,000 (a day) to ten years.
   * @default 7_776_000_000 (90 days)
   */
  historyRetentionMs?: number | undefined;
  /**
   * How long after its last use the row of this name stays in the table, in milliseconds: 3,600,000 (an hour) to ten years. Then
   * DynamoDB's TTL may delete it, which it usually does within a few days. It is for names by the million: a lock per
   * customer, order or file. Terms never begin again: see docs/locks.md. Give it to all candidates of the election.
   *
   * A row stays all the same if its holder crashed or was evicted, while the election is paused, and once `runOnce` has
   * completed a tick. It needs `succession: "random"`, and the role needs `grantIdleDeletion`. It costs one read and one write
   * more per tenure.
   * @default undefined: never
   */
  deleteIdleAfterMs?: number | undefined;
  /**
   * How a candidate knows that a lease has run out.
   *
   * - `"service-clock"`: when the table's clock says so, too. A candidate that has just started need not wait.
   * - `"observation"`: only when the candidate has seen no renewal for a whole lease.
   * - `{ maxServiceClockErrorMs }`, in milliseconds, 0 to 3,600,000: `"service-clock"`, with this limit for the
   *   difference between two correct clocks, which are the `Date` headers of the table's servers and this host's wall
   *   clock. Each may differ from the true time by half of it.
   *
   * The table's clock is safe as long as one of these two clocks is correct on each host. If both can be wrong, give all
   * candidates `"observation"`.
   * @default { maxServiceClockErrorMs: 1_000 }
   */
  expiry?: "service-clock" | "observation" | { maxServiceClockErrorMs: number } | undefined;
}

/** The clocks and the source of randomness, for tests and simulations. */
export interface Runtime {
  /** The clocks and timers. @default systemClock */
  clock?: Clock | undefined;
  /** The source of jitter and ids: numbers from 0 to below 1. @default cryptographically random */
  random?: (() => number) | undefined;
}

/** What each call takes. */
export interface Signalled {
  /** When it aborts, the call stops: it begins nothing more, and gives a lease that it holds back. @default none */
  signal?: AbortSignal | undefined;
}

/** The options of `lead()`. */
export interface LeadOptions extends Signalled {
  /**
   * Whether `signal` first announces the end to the followers, and only then stops the work, about one `renewIntervalMs`
   * later. If no candidate waits, the work stops at once.
   * @default true
   */
  announce?: boolean | undefined;
  /**
   * What happens when `work` throws an error of its own, that is, one that does not only say that the leadership has
   * ended.
   *
   * - `"stop"`: the lease is given back, and `lead()` rejects with the error.
   * - `"retry"`: the lease is given back, the event `work-failed` is emitted, the other candidates go first, and this one
   *   campaigns again. It waits longer after each failure, up to a minute, and as at first once `work` has run for a
   *   whole lease.
   * @default "stop"
   */
  onWorkError?: "stop" | "retry" | undefined;
}

/** The options of `tryLead()`. */
export interface TryLeadOptions extends Signalled {
  /**
   * How long the lease stays reserved for the own group after a completed run, in milliseconds: 1 to 2,678,400,000 (31
   * days).
   * @default not reserved
   */
  reserveForMs?: number | undefined;
}

/** The options of `runOnce()`. */
export interface RunOnceOptions extends TryLeadOptions {
  /** Whether to wait while another candidate runs the tick, and take over if it dies. @default false */
  wait?: boolean | undefined;
  /**
   * What becomes of a tick that did not complete, when a later one has completed.
   *
   * - `"latest"`: it is not run any more (`because: "superseded"`). For jobs whose run makes up for the runs before it.
   * - `"every"`: it is run. For jobs in which each run counts. Of the last 64 completed ticks, and of all ticks between
   *   them, it is known whether they completed. A tick before those is not run.
   * @default "latest"
   */
  ticks?: TickMode | undefined;
}

/** The options of `history()`. */
export interface HistoryOptions extends Signalled {
  /** The highest number of terms, 1 to 10,000. @default 100 */
  limit?: number | undefined;
}

/** The outcome of `tryLead()`. */
export type TryLeadResult<T> =
  /** This candidate led, and `work` returned `result`. */
  | { readonly ran: true; readonly term: number; readonly result: T }
  /** Another candidate leads, or the lease is reserved for another group, or the election is paused. */
  | { readonly ran: false; readonly because: "held"; readonly leader: Leader | undefined }
  /** The lease was free, but `healthy` did not return true. The event `unhealthy` has the error. */
  | { readonly ran: false; readonly because: "unhealthy"; readonly leader: undefined };

/**
 * The outcome of `runOnce()`. `lastTick` is the highest tick that was ever completed, in its normal form: instants as ISO
 * strings in UTC, with milliseconds; numbers as strings without leading zeros.
 */
export type RunOnceResult<T> =
  | (TryLeadResult<T> & { readonly lastTick: string | undefined })
  /** A run has completed this very tick before. */
  | {
      readonly ran: false;
      readonly because: "done";
      readonly leader: undefined;
      readonly lastTick: string | undefined;
    }
  /**
   * A later tick has completed, so this one is not run any more. `completed` says whether this one did: `"no"`, or
   * `"unknown"` when it is so old that the table does not know.
   */
  | {
      readonly ran: false;
      readonly because: "superseded";
      readonly completed: "no" | "unknown";
      readonly leader: undefined;
      readonly lastTick: string | undefined;
    };
