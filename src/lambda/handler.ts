import { checkWork } from "../arguments.js";
import type { Leadership } from "../leader/leadership.js";
import type { LambdaContext } from "./context.js";
import { Invocations } from "./invocations.js";
import type { LeaderResult } from "./result.js";
import type { LeaderOptions } from "./settings.js";

/** What the work is run for. */
export interface Occasion<TEvent, TContext> {
  readonly event: TEvent;
  readonly context: TContext;
  /** With `once: "tick"`: the scheduled time, as an ISO string in UTC. */
  readonly tick: string | undefined;
  /** Aborts when the work must stop: the leadership ends, or the invocation's time does. */
  readonly signal: AbortSignal;
}

export type LeaderWork<T, TEvent = unknown, TContext = LambdaContext> = (
  leadership: Leadership,
  occasion: Occasion<TEvent, TContext>,
) => T | Promise<T>;

/**
 * A Lambda handler that runs `work` only as leader: one bid per invocation, and the lease is given back before it
 * returns. `work` must heed `signal`, which aborts `drainMs` before the timeout, by throwing: what it returns counts as
 * done. What it throws fails the invocation, after the lease was given back, and leaves the tick open.
 *
 * The handler rejects with `InvalidOptionError` (option, environment or event), `OutOfTimeError`, `LeaseLostError`,
 * `TableError` (no table, no permission) and `TableUnavailableError`, so that Lambda logs them and tries again.
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
