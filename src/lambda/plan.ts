import { InvalidOptionError } from "../errors.js";

/** The division of an invocation's time. Pure. */
export interface Plan {
  /** Never longer than the time that is left, so that a sandbox that is killed at its timeout blocks nobody for long. */
  readonly leaseDurationMs: number;
  /** How long before the timeout the work is stopped. */
  readonly drainMs: number;
  /** How much of that the work may use. The rest is for giving the lease back. */
  readonly stopTimeoutMs: number;
  /** How long the invocation may wait for the lease; after that too little time is left for work. 0 or less: not at all. */
  readonly standByMs: number;
}

const MIN_WORK_MS = 500;
const MAX_DRAIN_MS = 5_000;
const MAX_LEASE_MS = 15_000;
/** Short against an invocation, so that a dead leader is replaced within the same invocation. */
const SHORT_LEASE_MS = 5_000;
/** Cold and warm starts differ by a few milliseconds. Rounding gives them the same plan. */
const STEP_MS = 100;
const MAX_ANSWER_MS = 2_000;

export interface Wanted {
  readonly leaseDurationMs: number | undefined;
  readonly drainMs: number | undefined;
}

/** Throws `InvalidOptionError` when the timeout leaves no time for work. */
export function planFor(remainingMs: number, wanted: Wanted): Plan {
  const leftMs = Math.floor(remainingMs / STEP_MS) * STEP_MS;
  const drainMs = wanted.drainMs ?? Math.min(MAX_DRAIN_MS, Math.floor(leftMs / 5));
  if (leftMs - drainMs < MIN_WORK_MS) {
    throw new InvalidOptionError(
      "timeout",
      `must leave at least ${MIN_WORK_MS} ms of the function's time for work, beside drainMs (${drainMs} ms)`,
      Math.floor(remainingMs),
      Math.max(5_000, 2 * drainMs),
    );
  }
  const usualMs = Math.min(MAX_LEASE_MS, Math.max(SHORT_LEASE_MS, Math.floor(leftMs / 4)));
  const leaseDurationMs = Math.min(wanted.leaseDurationMs ?? usualMs, leftMs);
  const givingBackMs = Math.floor(Math.min(MAX_ANSWER_MS, leaseDurationMs / 4, drainMs / 2));
  return {
    leaseDurationMs,
    drainMs,
    stopTimeoutMs: drainMs - givingBackMs,
    standByMs: standByMsOf({ drainMs, leaseDurationMs }, leftMs),
  };
}

/** The wait depends on the time that is left, also where a plan is used again. */
export function standByMsOf(plan: Pick<Plan, "drainMs" | "leaseDurationMs">, leftMs: number): number {
  return Math.floor(leftMs) - plan.drainMs - plan.leaseDurationMs;
}

/** Whether an invocation with this much time left can use a plan that was made for another. */
export function fits({ leaseDurationMs, drainMs }: Plan, remainingMs: number): boolean {
  return remainingMs >= Math.max(leaseDurationMs, drainMs + MIN_WORK_MS);
}
