import type { Clock } from "./clock.js";
import { onAbort } from "./on-abort.js";

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. Leaves no listener behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(ms, () => {
      forget();
      resolve();
    });
    const forget = onAbort(signal, () => {
      cancel();
      reject(signal?.reason);
    });
  });
}

/** Waits for the end of `running`, or for the abort of `signal` if that comes first. Leaves no listener behind. */
export async function endOrAbort(running: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  const { promise: aborted, resolve } = deferred<void>();
  // Nobody may be left to hear of its failure.
  running.catch(() => {});
  const forget = onAbort(signal, resolve);
  try {
    await Promise.race([aborted, running]);
  } finally {
    forget();
  }
}

/** The reason with which `withTimeout` aborts. Callers replace it by an error of their own. */
export class TimedOut extends Error {
  constructor(afterMs: number) {
    super(`no answer within ${Math.round(afterMs)} ms`);
    this.name = "TimedOut";
  }
}

/**
 * Runs `task` with a signal that aborts after `ms` or with `signal`, and does not wait for a task that
 * ignores it: a request that hangs must not hang its caller.
 */
export function withTimeout<T>(
  clock: Clock,
  ms: number,
  task: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const controller = new AbortController();
    const stop = (reason: unknown) => {
      settle();
      controller.abort(reason);
      reject(reason);
    };
    const cancel = clock.setTimer(ms, () => stop(new TimedOut(ms)));
    const settle = () => {
      cancel();
      forget();
    };
    const forget = onAbort(signal, () => stop(signal?.reason));
    // A task that throws at once counts as one that rejects, so the timer and the listener are removed.
    (async () => task(controller.signal))().then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}

/** Exponential backoff with equal jitter: the wait before try `failures + 1`, in ms. Half of it is random. */
export function backoffMs(failures: number, maxMs: number, random: () => number): number {
  const ceiling = Math.min(maxMs, 50 * 2 ** Math.min(failures, 20));
  return ceiling / 2 + (ceiling / 2) * random();
}

export interface Retrying {
  readonly clock: Clock;
  readonly random: () => number;
  /** The number of tries, with the first one. */
  readonly tries: number;
  /** The longest wait between two tries. */
  readonly maxMs: number;
  /** Whether another try could help. @default always */
  readonly isTransient?: (error: unknown) => boolean;
}

/** The result of the first try that succeeds; rejects with the error of the last one. */
export async function retry<T>(
  task: () => Promise<T>,
  { clock, random, tries, maxMs, isTransient = () => true }: Retrying,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await task();
    } catch (error) {
      if (failures >= tries || !isTransient(error)) throw error;
      await sleep(clock, backoffMs(failures, maxMs, random));
    }
  }
}

/** A promise and the functions that settle it (Node 20 has no `Promise.withResolvers`). */
export interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
