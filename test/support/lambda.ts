import { sleep } from "../../src/async.js";
import type { ElectionEvent } from "../../src/index.js";
import {
  type LambdaContext,
  type LeaderResult,
  type LeaderSettings,
  type LeaderWork,
  leaderHandler,
} from "../../src/lambda/index.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import type { ManualClock } from "../../src/testing/index.js";
import { between, type Stage } from "./stage.js";

export const TIMEOUT_MS = 60_000;
export const TICK = "2026-01-01T00:00:00Z";

/** A function's sandbox on the stage: clocks of its own, one invocation after the other. */
export interface StagedFunction {
  readonly clock: ManualClock;
  readonly events: ElectionEvent[];
  /** Staged time must pass before it settles. */
  invoke(event?: unknown, timeoutMs?: number): Promise<LeaderResult<unknown>>;
  /** The same, and lets time pass for everybody until it has settled. */
  run(event?: unknown, timeoutMs?: number): Promise<LeaderResult<unknown>>;
}

const LATENCY_MS = 20;

/** The stage's table, which needs time for each request, as every real one does: without it a race cannot show. */
export function slowTable(stage: Stage): LeaseStore {
  return between(stage.table, async (_verb, pass) => {
    await sleep(stage.time, LATENCY_MS);
    return pass();
  });
}

export function stagedFunction(
  stage: Stage,
  label: string,
  work: LeaderWork<unknown>,
  options: LeaderSettings & { store?: LeaseStore } = {},
): StagedFunction {
  const { clock } = stage.candidate(label);
  const events: ElectionEvent[] = [];
  const handler = leaderHandler(work, {
    store: slowTable(stage),
    election: "billing/nightly",
    label,
    runtime: { clock },
    onEvent: (event) => events.push(event),
    ...options,
  });
  const invoke = (event: unknown = { scheduledTime: TICK }, timeoutMs = TIMEOUT_MS) =>
    handler(event, contextOf(clock, timeoutMs));
  return { clock, events, invoke, run: (...args) => passTime(stage, invoke(...args)) };
}

/** Lambda's clock goes on while the sandbox's stand still: this is what it would say while they do not. */
export function contextOf(clock: ManualClock, timeoutMs = TIMEOUT_MS): LambdaContext {
  const deadlineMs = clock.wallMs() + timeoutMs;
  return { getRemainingTimeInMillis: () => deadlineMs - clock.wallMs() };
}

/** What became of a promise, once it has settled: staged time must pass before it does. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; settled: boolean } {
  const watched: { value?: T; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(watched, { value, settled: true }),
    (error: unknown) => Object.assign(watched, { error, settled: true }),
  );
  return watched;
}

/** Lets time pass for everybody until the promise has settled. */
export async function passTime<T>(stage: Stage, promise: Promise<T>): Promise<T> {
  const watched = watch(promise);
  await stage.until(() => watched.settled);
  return promise;
}

/** Never ends by itself; throws when its signal aborts. */
export function until(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
