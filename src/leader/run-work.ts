import type { Bid } from "../candidate/bid.js";
import { type EndReason, FencedOutError, LeaseLostError } from "../errors.js";
import { onAbort } from "../on-abort.js";
import type { Leadership } from "./leadership.js";
import type { Tenure } from "./tenure.js";

/** What a leader does. It must stop when `leadership.signal` aborts. */
export type Work<T> = (leadership: Leadership) => T | Promise<T>;

export interface Served<T> {
  /** Why the work had to stop. Undefined: it ended by itself. */
  readonly ended: EndReason | undefined;
  /** Undefined: it did not begin. */
  readonly result: PromiseSettledResult<T> | undefined;
}

export interface Serving {
  /** The work does not begin when this one has ended. */
  readonly bid: Bid;
  /** When it aborts, the work is told to stop. */
  readonly signal: AbortSignal | undefined;
  readonly announce: boolean;
  /** Called when the time to stop is over and the work still runs. */
  readonly onOverrun: () => void;
}

/** Ends after which the same candidate should not be first again. */
export const LET_OTHERS_GO_FIRST = new Set<EndReason>([
  "stepped-down",
  "handed-off",
  "preempted",
  "rotated",
  "unhealthy",
  "evicted",
]);

/**
 * Runs the work to its end, under a leadership that was just won. It does not release the lease: the caller does that afterwards
 * (rule 8b). The work does not begin if the bid has been aborted, or if the work would have to stop at once (rule 8a): that is
 * asked in the step in which the work is called.
 */
export async function serve<T>(
  leadership: Leadership,
  tenure: Tenure,
  work: Work<T>,
  { bid, signal, announce, onOverrun }: Serving,
): Promise<Served<T>> {
  if (bid.isAborted || tenure.endReason !== undefined) return { ended: tenure.endReason, result: undefined };
  const { clock } = tenure.options;
  const stop = () => (announce ? tenure.announce("resigned") : tenure.end("resigned"));
  const forget = onAbort(signal, stop);
  let cancelDrain: (() => void) | undefined;
  const onEnd = () => {
    cancelDrain = clock.setTimer(Math.max(0, tenure.stop.leftMs), () => {
      tenure.letRunOut();
      onOverrun();
    });
  };
  leadership.signal.addEventListener("abort", onEnd, { once: true });

  let result: PromiseSettledResult<T>;
  try {
    result = { status: "fulfilled", value: await work(leadership) };
  } catch (reason) {
    result = { status: "rejected", reason };
  }

  cancelDrain?.();
  leadership.signal.removeEventListener("abort", onEnd);
  forget();
  return { ended: tenure.endReason, result };
}

/** Returns the work's result, if it has one, or throws its error, unless the error only says that the leadership has ended. */
export function settle<T>(result: Served<T>["result"], ended: EndReason | undefined): T | undefined {
  if (result?.status !== "rejected") return result?.value;
  const error: unknown = result.reason;
  const saysEnded =
    error instanceof LeaseLostError ||
    error instanceof FencedOutError ||
    (error instanceof Error && error.name === "AbortError");
  if (ended && saysEnded) return undefined;
  throw error;
}
