import { InvalidOptionError } from "../errors.js";

/** How the time of one invocation is divided. Pure. */
export interface Plan {
  /** Never longer than what is left: a sandbox killed at its timeout leaves no lease behind for much longer. */
  readonly leaseDurationMs: number;
  /** So long before the timeout the work is told to stop. */
  readonly drainMs: number;
  /** After this much of it the lease is left to run out; what remains is for giving it back. */
  readonly stopTimeoutMs: number;
  /** For so long it stands by; later, too little time would be left to run anything. Not above 0: not at all. */
  readonly standByMs: number;
}

const MIN_WORK_MS = 500;
const MAX_DRAIN_MS = 5_000;
const MAX_LEASE_MS = 15_000;
/** A leader that died is replaced within the same invocation only if its lease is a small part of that. */
const SHORT_LEASE_MS = 5_000;
/** Of cold and warm starts, whose remaining times differ by a few milliseconds, the plans are the same. */
const STEP_MS = 100;
const MAX_ANSWER_MS = 2_000;

export interface Wanted {
  readonly leaseDurationMs: number | undefined;
  readonly drainMs: number | undefined;
}

/** @throws InvalidOptionError when the timeout leaves no time for work. */
export function planFor(remainingMs: number, wanted: Wanted): Plan {
  const leftMs = Math.floor(remainingMs / STEP_MS) * STEP_MS;
  const drainMs = wanted.drainMs ?? Math.min(MAX_DRAIN_MS, Math.floor(leftMs / 5));
  if (leftMs - drainMs < MIN_WORK_MS) {
    throw new InvalidOptionError(
      "timeout",
      `of the function must leave at least ${MIN_WORK_MS} ms for work beside drainMs (${drainMs})`,
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
    standByMs: leftMs - drainMs - leaseDurationMs,
  };
}

/** Whether an invocation with so much time left can follow a plan made for another. */
export function fits({ leaseDurationMs, drainMs }: Plan, remainingMs: number): boolean {
  return remainingMs >= Math.max(leaseDurationMs, drainMs + MIN_WORK_MS);
}
