import { type EndReason, FencedOutError, LeaseLostError } from "../errors.js";
import { onAbort } from "../on-abort.js";
import type { Leadership } from "./leadership.js";
import type { Tenure } from "./tenure.js";

/** What a leader does. It must stop when `leadership.signal` aborts. */
export type Work<T> = (leadership: Leadership) => T | Promise<T>;

export interface Served<T> {
  /** Why the work had to stop. Undefined: it ended by itself. */
  readonly ended: EndReason | undefined;
  readonly result: PromiseSettledResult<T>;
}

export interface Serving {
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
 * Runs the work to its end, under a leadership that was just won. It does not release the lease: the caller
 * does that afterwards (rule 8b). An abort that came before it is told at once.
 */
export async function serve<T>(
  leadership: Leadership,
  tenure: Tenure,
  work: Work<T>,
  { signal, announce, onOverrun }: Serving,
): Promise<Served<T>> {
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
  if (leadership.signal.aborted) onEnd();
  if (signal?.aborted) stop();

  let result: PromiseSettledResult<T>;
  try {
    // It may have been lost while its first stand-ins were signed (rule 12).
    if (tenure.hasStandIns) leadership.signal.throwIfAborted();
    result = { status: "fulfilled", value: await work(leadership) };
  } catch (reason) {
    result = { status: "rejected", reason };
  }

  cancelDrain?.();
  leadership.signal.removeEventListener("abort", onEnd);
  forget();
  return { ended: tenure.endReason, result };
}

/** Returns the work's result, or throws its error, unless the error only says that the leadership has ended. */
export function settle<T>(result: PromiseSettledResult<T>, ended: EndReason | undefined): T | undefined {
  if (result.status === "fulfilled") return result.value;
  const error: unknown = result.reason;
  const saysEnded =
    error instanceof LeaseLostError ||
    error instanceof FencedOutError ||
    (error instanceof Error && error.name === "AbortError");
  if (ended && saysEnded) return undefined;
  throw error;
}
