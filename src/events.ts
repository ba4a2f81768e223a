import { describe } from "./describe.js";
import type { EndReason, InvalidOptionError } from "./errors.js";

/** What happens to a candidate, for logs and metrics. Nothing waits for a listener. */
export type ElectionEvent = { readonly election: string; readonly candidateId: string } & (
  | { readonly type: "elected"; readonly term: number; readonly tookMs: number }
  /** A try to acquire was refused: somebody else was first. */
  | { readonly type: "refused"; readonly term: number | undefined }
  | { readonly type: "renewed"; readonly term: number; readonly tookMs: number }
  | {
      readonly type: "renewal-failed";
      readonly term: number;
      readonly error: unknown;
      readonly trustLeftMs: number;
    }
  /** Told once per tenure, planned or not, when its signal aborts. */
  | { readonly type: "ended"; readonly term: number; readonly reason: EndReason; readonly lateByMs: number }
  /** The lease was given back: "released"; "unconfirmed": no answer, it runs out by itself. */
  | { readonly type: "resigned"; readonly term: number; readonly outcome: ResignOutcome }
  /** Work was still running when `stopTimeoutMs` was over: the lease is left to run out. */
  | { readonly type: "drain-overrun"; readonly term: number }
  /** A request of the campaign failed and will be tried again. */
  | { readonly type: "unavailable"; readonly error: unknown }
  /** What a `rank` function gave, or threw, is no rank: it stays as it was told last. Told at each refresh. */
  | { readonly type: "rank-ignored"; readonly error: InvalidOptionError }
  /**
   * Two answers contradict each other about the table's time. Neither is believed: for at least a lease, longer if it
   * happens again, observation decides and leases are written without `expiresAt`.
   */
  | { readonly type: "clock-anomaly" }
);

/**
 * `released`: the lease is free. `lost`: there was nothing left to give back.
 * `unconfirmed`: the table did not answer; unless the request landed, the lease runs out by itself.
 */
export type ResignOutcome = "released" | "lost" | "unconfirmed";

type Detail<T> = T extends unknown ? Omit<T, "election" | "candidateId"> : never;
export type Emit = (event: Detail<ElectionEvent>) => void;

/** Calls listeners in order; what they throw, or reject with, goes to a warning and nowhere else. */
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

/** Only the kind of error: its message is the listener's own, and warnings go to logs. */
function warn(error: unknown): void {
  process.emitWarning(`a listener of election events threw ${describe(error)}`, "IncumbentWarning");
}
