import type { Leadership } from "../leader/leadership.js";
import type { LambdaContext } from "./context.js";
import { Invocations, type Run } from "./invocations.js";
import type { LeaderResult } from "./result.js";
import type { LeaderOptions } from "./settings.js";

/** The part of Middy's request that the middleware uses. */
export interface MiddyRequest {
  readonly event: unknown;
  readonly context: LambdaContext;
  response: unknown;
  error: unknown;
}

/** The context that `leaderMiddleware` gives to the handler. */
export interface LeaderContext extends LambdaContext {
  /** The leadership of this invocation. */
  readonly leadership: Leadership;
  /** With `once: "tick"`: the scheduled time, as an ISO string in UTC. With `tickPeriodMs`: the start of its period. */
  readonly tick: string | undefined;
  /** Aborts when the work must stop: the leadership ends, or the invocation will time out in `drainMs`. */
  readonly signal: AbortSignal;
}

/** The hooks that Middy calls. */
export interface LeaderMiddleware {
  before(request: MiddyRequest): Promise<LeaderResult<unknown> | undefined>;
  after(request: MiddyRequest): Promise<void>;
  onError(request: MiddyRequest): Promise<void>;
}

/** An invocation between its hooks. */
interface Underway {
  readonly ended: Promise<LeaderResult<unknown>>;
  finish(value: unknown): void;
  fail(error: unknown): void;
}

/**
 * Makes the Middy middleware that does what `leaderHandler` does. The handler runs only while it leads, and has
 * `leadership`, `tick` and `signal` in its context. Other invocations respond with the `LeaderResult`, or fail because
 * their tick was missed.
 *
 * Use it as the last middleware. If a later one answered early, as a cache does, Middy would run neither the handler nor
 * `after`, and nobody would give the lease back. This middleware cannot notice it: after an early answer Middy calls no hook
 * of any middleware. A middleware whose `onError` sets a response hides the failure from Lambda, so that the tick is not
 * tried again.
 *
 * Middy's early timeout does not stop a handler. If the handler still runs then, the invocation fails with Middy's
 * `TimeoutError`, and the lease is kept and runs out. Do not set `timeoutEarlyResponse`: Middy presents its answer or its error
 * as the handler's, so a tick would be completed, or a lease given back, while the handler still runs.
 * @throws nothing itself. The hooks reject as the handler of `leaderHandler` does.
 * @example
 * export const handler = middy(sendInvoices).use(leaderMiddleware({ once: "tick" }));
 */
export function leaderMiddleware(options: LeaderOptions = {}): LeaderMiddleware {
  const invocations = new Invocations(options);
  const underway = new WeakMap<MiddyRequest, Underway>();
  const take = (request: MiddyRequest) => {
    const one = underway.get(request);
    underway.delete(request);
    return one;
  };
  return {
    async before(request) {
      const { begun, ...one } = begin(invocations, request);
      const result = await Promise.race([one.ended, begun]);
      if (result) return result;
      underway.set(request, one);
      return undefined;
    },
    async after(request) {
      const one = take(request);
      one?.finish(request.response);
      if (one) request.response = await one.ended;
    },
    async onError(request) {
      const one = take(request);
      if (!one || isEarlyTimeout(request.error)) return;
      one.fail(request.error);
      // Middy throws it. It says more than the handler's error if the time ran out.
      await one.ended.catch((error: unknown) => {
        request.error = error;
      });
    },
  };
}

/** Starts the bid. Its work is what runs between the hooks. `begun` resolves when the handler may start. */
function begin(invocations: Invocations, request: MiddyRequest): Underway & { begun: Promise<undefined> } {
  let finish!: (value: unknown) => void;
  let fail!: (error: unknown) => void;
  const work = new Promise<unknown>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let start!: (nothing: undefined) => void;
  const begun = new Promise<undefined>((resolve) => {
    start = resolve;
  });
  const run: Run<unknown> = (leadership, about) => {
    Object.assign(request.context, { leadership, ...about });
    start(undefined);
    return work;
  };
  const ended = invocations.run(request.event, request.context, run);
  ended.catch(() => {});
  return { ended, begun, finish, fail };
}

/** After it the handler still runs, and the lease must not be given back meanwhile. */
function isEarlyTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError" && isMiddys(error.cause);
}

function isMiddys(cause: unknown): boolean {
  return (cause as { package?: unknown } | undefined)?.package === "@middy/core";
}
