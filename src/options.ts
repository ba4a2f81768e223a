import type { Clock } from "./clock.js";
import type { ElectionEvent } from "./events.js";
import type { Leader } from "./protocol/leader.js";
import type { CompareCandidates } from "./protocol/line.js";
import type { TableOptions } from "./store/open-store.js";

/** What users write: the options of an election, and what its calls take and give. */

export type ElectionOptions = TableOptions & CandidateOptions;

export interface CandidateOptions {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. */
  name: string;
  /**
   * Readable part of the candidate's id, for people; a random part makes it unique.
   * 1 to 100 of `A-Z a-z 0-9 . _ -`.
   * @default host name and process id
   */
  label?: string | undefined;
  /**
   * Published on the lease row while this candidate leads: an endpoint, a version. At most 1,024 characters.
   * @default none
   */
  value?: string | undefined;
  /**
   * How long a lease lasts without renewal, in milliseconds: 300 to 86,400,000 (a day). Longer leases
   * cost fewer writes; shorter ones replace a dead leader sooner. All candidates of one election should be given the
   * same durations.
   * @default 15_000
   */
  leaseDurationMs?: number | undefined;
  /**
   * Time from one renewal to the next, in milliseconds.
   * @default leaseDurationMs / 3
   */
  renewIntervalMs?: number | undefined;
  /**
   * How long work may take to stop once its signal has aborted, while the lease is still renewed for it,
   * in milliseconds. After that the lease is left to run out; it is never given away under running work.
   * @default 25_000
   */
  stopTimeoutMs?: number | undefined;
  /** Who comes next. @default "random" */
  succession?: Succession | undefined;
  /** False: this candidate is listed, and never leads. @default true */
  eligible?: boolean | undefined;
  /**
   * Candidates of one group (a Region, say) share the reservations made with `reserveForMs`: 1 to 100 of `A-Z a-z 0-9 . _ -`.
   * @default none
   */
  group?: string | undefined;
  /**
   * Asked before each renewal. On `false`, an error, or no answer within `tuning.requestTimeoutMs` the leader stops
   * its work and gives the lease back; it does not campaign again before the answer is `true`.
   * @default always healthy
   */
  healthy?: (() => boolean | Promise<boolean>) | undefined;
  /**
   * Told what happens, in order. What it throws is contained; it cannot delay or break the election.
   * @default none
   */
  onEvent?: ((event: ElectionEvent) => void) | undefined;
  /** What few elections need to change. */
  tuning?: Tuning | undefined;
  /** Where time and chance come from: tests and simulations give their own. */
  runtime?: Runtime | undefined;
}

/**
 * Who comes next. All candidates of one election should be given the same order.
 *
 * `"random"`: whoever is first after a short random delay; no line is kept. `"arrival"`: first come, first served.
 * `"ring"`: round and round, by arrival. An object says more, and takes two more orders: `"rank"`, and a function that
 * sorts candidates. The first of the line is the standby, known while the leader lives. A line costs one read per
 * renewal by the leader, and one write per `leaseDurationMs` by each candidate.
 */
export type Succession = "random" | "arrival" | "ring" | LineSuccession | RankSuccession;

export interface LineSuccession {
  /** As above, or a function: below 0, `a` goes before `b`. */
  order: "arrival" | "ring" | CompareCandidates;
  /** The leader hands over to the next in line after so long, in milliseconds. @default none */
  maxTenureMs?: number | undefined;
}

export interface RankSuccession {
  /** The highest `rank` goes first, then the earliest. */
  order: "rank";
  /**
   * A number, or a function asked once per `leaseDurationMs`, such as the position of one's data. A number is 0, or
   * from 1e-130 to 9.99e125 on either side of it, as DynamoDB holds numbers. What a function gives beyond that, or throws, is
   * told as `rank-ignored`, and the rank stays as it was told last.
   */
  rank: number | (() => number | Promise<number>);
  /**
   * While this candidate leads, one of strictly higher rank takes over from it, by a hand-over; not before it has led
   * for `minTenureMs`, in milliseconds (a lease, unless it is given).
   * @default false
   */
  preempt?: boolean | { minTenureMs: number } | undefined;
  /** The leader hands over to the next in line after so long, in milliseconds. @default none */
  maxTenureMs?: number | undefined;
}

export interface Tuning {
  /**
   * The holder stops trusting its lease this much before it runs out, in milliseconds. At least
   * leaseDurationMs / 250: it covers the drift of two clocks.
   * @default leaseDurationMs / 10
   */
  safetyMarginMs?: number | undefined;
  /**
   * Longest wait for one answer of the table, in milliseconds. The AWS SDK's own retries fall within it.
   * @default 2_000, or leaseDurationMs / 4 if that is less
   */
  requestTimeoutMs?: number | undefined;
  /** How long ended terms stay in the table's history, in milliseconds. @default 90 days */
  historyRetentionMs?: number | undefined;
  /**
   * `"service-clock"`: an expired lease is taken as soon as it has surely run out by the table's clock (a newcomer need not
   * wait). `"observation"`: only after it was observed for a whole lease.
   *
   * `maxServiceClockErrorMs`, in milliseconds, is how far two right clocks may be apart: the `Date` headers of the table's
   * servers, and a wall clock that is kept synchronised; half of it to either side of the true time. Taking over by the
   * table's clock is safe while on each host one of the two is right. If both may be wrong, give all candidates `"observation"`.
   * @default { maxServiceClockErrorMs: 1_000 }
   */
  expiry?: "service-clock" | "observation" | { maxServiceClockErrorMs: number } | undefined;
}

export interface Runtime {
  /** @default the system's clocks */
  clock?: Clock | undefined;
  /** Source of jitter and ids, in [0, 1). @default cryptographically random */
  random?: (() => number) | undefined;
}

export interface Signalled {
  /** Stops it: nothing more is begun, and a leadership that is held is given back. */
  signal?: AbortSignal | undefined;
}

export interface LeadOptions extends Signalled {
  /** Whether an end asked for by `signal` is announced to the followers before the work is told to stop. @default true */
  announce?: boolean | undefined;
}

export interface TryLeadOptions extends Signalled {
  /** Keep the lease for the own group for so long after a completed run, in milliseconds. @default not kept */
  reserveForMs?: number | undefined;
}

export interface RunOnceOptions extends TryLeadOptions {
  /** Stand by while another candidate leads. @default false */
  wait?: boolean | undefined;
}

export interface HistoryOptions extends Signalled {
  /** At most so many terms, 1 to 10,000. @default 100 */
  limit?: number | undefined;
}

/** What became of one try. */
export type TryLeadResult<T> =
  /** `result`: what the work returned. */
  | { readonly ran: true; readonly term: number; readonly result: T }
  /** Another candidate leads now, or the lease is kept for another group, or nobody may lead. */
  | { readonly ran: false; readonly because: "held"; readonly leader: Leader | undefined };

/** What became of a tick. */
export type RunOnceResult<T> =
  | TryLeadResult<T>
  /** Some run already completed this tick, or a later one. */
  | { readonly ran: false; readonly because: "done"; readonly leader: undefined };
