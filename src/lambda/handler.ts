import { checkWork } from "../arguments.js";
import type { Leadership } from "../leader/leadership.js";
import type { LambdaContext } from "./context.js";
import { Invocations } from "./invocations.js";
import type { LeaderResult } from "./result.js";
import type { LeaderOptions } from "./settings.js";

/** The invocation that a run belongs to. */
export interface Occasion<TEvent, TContext> {
  /** The event of this invocation. */
  readonly event: TEvent;
  /** Lambda's context of this invocation. */
  readonly context: TContext;
  /** With `once: "tick"`: the scheduled time, as an ISO string in UTC. With `tickPeriodMs`: the start of its period. */
  readonly tick: string | undefined;
  /** Aborts when the work must stop: the leadership ends, or the invocation will time out in `drainMs`. */
  readonly signal: AbortSignal;
}

/** What a function does while it leads. It must stop, by throwing, when `signal` aborts. */
export type LeaderWork<T, TEvent = unknown, TContext = LambdaContext> = (
  leadership: Leadership,
  occasion: Occasion<TEvent, TContext>,
) => T | Promise<T>;

/**
 * Makes a Lambda handler that runs `work` only while it leads. Each invocation bids once and gives the lease back before
 * it returns. An error of `work` fails the invocation and leaves the tick open. With `once: "tick"` an invocation succeeds
 * only when its tick has completed, here or elsewhere.
 * @param work must throw when `signal` aborts, `drainMs` before the timeout. What it returns counts as done.
 * @throws nothing itself: it reads the options at the first invocation. The handler rejects with `InvalidOptionError` (an
 * option, the environment or the event), `OutOfTimeError`, `MissedTickError`, `LeaseLostError`, `TableError` (no table, no
 * permission), `MalformedLeaseError`, `SchemaVersionError`, `TableUnavailableError`, and what `work` throws. So Lambda logs them and
 * tries again.
 * @example
 * export const handler = leaderHandler(async (leadership, { signal }) => sendInvoices(signal), {
 *   once: "tick",
 * });
 */
export function leaderHandler<T, TEvent = unknown, TContext extends LambdaContext = LambdaContext>(
  work: LeaderWork<T, TEvent, TContext>,
  options: LeaderOptions = {},
): (event: TEvent, context: TContext) => Promise<LeaderResult<T>> {
  const invocations = new Invocations(options);
  return async (event, context) => {
    checkWork(work);
    return invocations.run(event, context, (leadership, { tick, signal }) =>
      work(leadership, { event, context, tick, signal }),
    );
  };
}
