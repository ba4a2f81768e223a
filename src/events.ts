import { describe } from "./describe.js";
import type { EndReason, InternalError, InvalidOptionError } from "./errors.js";

/**
 * One event in the life of a candidate, for logs and metrics. Nothing waits for a listener. Durations are in
 * milliseconds; `tookMs` counts from the request.
 */
export type ElectionEvent = { readonly election: string; readonly candidateId: string } & (
  | { readonly type: "elected"; readonly term: number; readonly tookMs: number }
  /** A try to acquire the lease was refused: another candidate was first. */
  | { readonly type: "refused"; readonly term: number | undefined }
  /** A renewal was confirmed. */
  | { readonly type: "renewed"; readonly term: number; readonly tookMs: number }
  /** A renewal failed. It is tried again while trust lasts. */
  | {
      readonly type: "renewal-failed";
      readonly term: number;
      readonly error: unknown;
      readonly trustLeftMs: number;
    }
  /** The leadership ended, planned or not, and its signal aborted. Emitted once per term. */
  | { readonly type: "ended"; readonly term: number; readonly reason: EndReason; readonly lateByMs: number }
  /** The lease was given back, with this outcome. */
  | { readonly type: "resigned"; readonly term: number; readonly outcome: ResignOutcome }
  /** Work still ran when `stopTimeoutMs` was over. The lease is no longer renewed, and runs out. */
  | { readonly type: "drain-overrun"; readonly term: number }
  /**
   * With `onWorkError: "retry"`: `work` threw an error of its own. The lease is given back, and it campaigns again. Of
   * `Partitions` also: the row of one partition cannot be read. Then `term` is 0 if nothing was elected.
   */
  | { readonly type: "work-failed"; readonly term: number; readonly error: unknown }
  /** `runOnce` did not run its tick: a later one has completed. `completed`: whether this one has, as in its result. */
  | { readonly type: "tick-superseded"; readonly completed: "no" | "unknown" }
  /** A request failed and will be tried again. `failingForMs`: since the first failure after the last success. */
  | { readonly type: "unavailable"; readonly error: unknown; readonly failingForMs: number }
  /** The table answers the campaign again. `afterMs`: since the first request that failed. */
  | { readonly type: "recovered"; readonly afterMs: number }
  /** Another candidate leads, and this one campaigns. Once per term. `leader`: the id of the one that leads. */
  | { readonly type: "waiting"; readonly term: number; readonly leader: string }
  /** As `waiting`, and this candidate is the first in line. */
  | { readonly type: "standby"; readonly term: number; readonly leader: string }
  /** `healthy` returned false (then `error` is undefined), threw, did not answer in time, or returned no boolean. */
  | { readonly type: "unhealthy"; readonly error: unknown }
  /** A `rank` function threw, or returned no rank. The last rank stays. Emitted at each refresh. */
  | { readonly type: "rank-ignored"; readonly error: InvalidOptionError }
  /**
   * Two answers contradict each other about the table's time, so neither is used. For at least one lease, observation
   * alone decides, and leases are written without `expiresAt`. Under a session only the session's `onEvent` gets it, once.
   */
  | { readonly type: "clock-anomaly" }
  /**
   * A part of `lastWill` does not work. The election goes on. Emitted once until it works again.
   *
   * - `companion`: no companion process could be started, or it takes nothing. If this process is killed, its lease runs out.
   * - `exit-hook`: nothing can be sent while this process exits. The companion sends it.
   * - `signature`: the request could not be signed, so an older one would be sent, or none. It is tried again with each renewal.
   */
  | {
      readonly type: "last-will-unavailable";
      readonly part: "companion" | "exit-hook" | "signature";
      readonly error: unknown;
    }
  /**
   * With `heartbeat: "thread"`: the event loop of this process did not turn for `blockedMs` while this candidate led.
   * `renewals`: how many renewals the thread sent meanwhile that were confirmed.
   */
  | {
      readonly type: "stall";
      readonly term: number;
      readonly blockedMs: number;
      readonly renewals: number;
    }
  /**
   * With `heartbeat: "thread"`: the thread has ended or cannot start, or nothing could be signed for it. The event loop
   * renews as always, and it is tried again. Until then a blocked event loop can lose the lease.
   */
  | { readonly type: "heartbeat-thread-failed"; readonly term: number; readonly error: unknown }
  /**
   * With `tuning.deleteIdleAfterMs`: the floor could not be raised, so the row of this election stays until the name is used
   * again. The role may need `grantIdleDeletion`.
   */
  | { readonly type: "idle-deletion-failed"; readonly term: number; readonly error: unknown }
  /** A bug of this library was found: please report it. A leadership that depends on it ends at once. */
  | { readonly type: "internal-error"; readonly error: InternalError }
);

/**
 * The outcome of giving a lease back.
 *
 * - `released`: the lease is free.
 * - `lost`: this candidate did not hold the lease any more.
 * - `unconfirmed`: the table did not answer. If the request did not take effect, the lease runs out by itself.
 */
export type ResignOutcome = "released" | "lost" | "unconfirmed";

type Detail<T> = T extends unknown ? Omit<T, "election" | "candidateId"> : never;
export type Emit = (event: Detail<ElectionEvent>) => void;

/** Calls the listeners in order. If one throws or rejects, it emits a warning. */
export function emitter(
  election: string,
  candidateId: string,
  listeners: ReadonlyArray<(event: ElectionEvent) => unknown>,
): Emit {
  return (detail) => {
    const event = { election, candidateId, ...detail } as ElectionEvent;
    for (const listener of listeners) {
      try {
        const result = listener(event);
        if (result instanceof Promise) result.catch(warn);
      } catch (error) {
        warn(error);
      }
    }
  };
}

/** The warning names the kind of error only: warnings go to logs, and the message may hold secrets. */
function warn(error: unknown): void {
  process.emitWarning(`a listener of election events threw ${describe(error)}`, "IncumbentWarning");
}
