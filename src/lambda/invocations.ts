import { LeaseLostError, WorkNotStoppedError } from "../errors.js";
import type { Leadership } from "../leader/leadership.js";
import { type LambdaContext, remainingMsOf } from "./context.js";
import { Deadline } from "./deadline.js";
import { MissedTickError } from "./missed-tick.js";
import { OutOfTimeError } from "./out-of-time.js";
import { standByMsOf } from "./plan.js";
import { type LeaderResult, resultOf } from "./result.js";
import { Sandbox } from "./sandbox.js";
import { type LeaderOptions, type Settings, settingsOf } from "./settings.js";
import { printSuperseded } from "./superseded-metric.js";
import { tickOf } from "./tick.js";

/** What runs while leading: a handler, or what is between the hooks of a middleware. */
export type Run<T> = (
  leadership: Leadership,
  about: { tick: string | undefined; signal: AbortSignal },
) => T | Promise<T>;

/** Makes one bid for each invocation of a function. */
export class Invocations {
  #prepared: { settings: Settings; sandbox: Sandbox } | undefined;

  constructor(private readonly options: LeaderOptions) {}

  async run<T>(event: unknown, context: LambdaContext, run: Run<T>): Promise<LeaderResult<T>> {
    const { settings, sandbox } = this.#prepare();
    const { once, clock, tickPeriodMs } = settings;
    const tick = once ? tickOf(event, clock.wallMs(), tickPeriodMs) : undefined;
    const result = await this.#bid(tick, context, run, settings, sandbox);
    if (tick !== undefined) judge(result, tick, settings);
    return result;
  }

  async #bid<T>(
    tick: string | undefined,
    context: LambdaContext,
    run: Run<T>,
    { clock, ticks, reserveForMs, standBy }: Settings,
    sandbox: Sandbox,
  ): Promise<LeaderResult<T>> {
    const candidate = await sandbox.take(remainingMsOf(context));
    const { election } = candidate;
    const remainingMs = remainingMsOf(context);
    const plan = { ...candidate.plan, standByMs: standByMsOf(candidate.plan, remainingMs) };
    const wait = tick !== undefined && standBy && plan.standByMs > 0;
    const deadline = new Deadline(clock, remainingMs, plan);
    let hasBegun = false;
    // A bid that does not wait must not be cut off by the end of a wait.
    const bid = async (wait: boolean): Promise<LeaderResult<T>> => {
      const signal = wait ? deadline.wait : deadline.work;
      const work = (leadership: Leadership) => {
        // An acquire that was under way may still have won.
        signal.throwIfAborted();
        deadline.stopWaiting();
        hasBegun = true;
        return run(leadership, { tick, signal: leadership.signal });
      };
      const options = { signal, reserveForMs };
      if (tick === undefined) return resultOf(await election.tryLead(work, options));
      return resultOf(await election.runOnce(tick, work, { ...options, wait, ticks }));
    };
    try {
      return await bid(wait).catch((error) => {
        if (!deadline.isEndOfWait(error)) throw error;
        // The tick may have completed, or the lease may have ended, since the last poll.
        return bid(false);
      });
    } catch (error) {
      // A sandbox that returns is frozen, and its work would go on in the next invocation. So the handler waits, and Lambda
      // ends the process at the timeout.
      if (error instanceof WorkNotStoppedError) await error.stopped;
      if (deadline.work.aborted && saysStopped(error)) {
        throw new OutOfTimeError(election.name, plan.drainMs, { cause: error, hasBegun });
      }
      throw error;
    } finally {
      deadline.clear();
      sandbox.giveBack(candidate);
    }
  }

  /** At the first invocation, and again until it succeeds: the log shows an error of an invocation better than one of a module. */
  #prepare(): { settings: Settings; sandbox: Sandbox } {
    if (!this.#prepared) {
      const settings = settingsOf(this.options, process.env);
      this.#prepared = { settings, sandbox: new Sandbox(settings) };
    }
    return this.#prepared;
  }
}

/** An invocation that succeeds tells Lambda that the tick needs no other try. */
function judge(
  result: LeaderResult<unknown>,
  tick: string,
  { candidate, clock, onMissedTick }: Settings,
): void {
  if (result.role !== "follower" && result.role !== "superseded") return;
  const { name: election, tableName } = candidate;
  if (result.role === "superseded") {
    printSuperseded({ tableName, election, tick }, clock.wallMs(), process.env);
  }
  if (onMissedTick === "fail") throw new MissedTickError(election, tick, result);
}

/** Whether the error only says that the work was stopped. */
function saysStopped(error: unknown): boolean {
  if (error instanceof WorkNotStoppedError) return true;
  if (error instanceof LeaseLostError) return error.reason === "resigned";
  return error instanceof Error && error.name === "AbortError";
}
