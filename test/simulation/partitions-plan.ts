import { CALM, type Weather } from "./network.js";
import type { Random } from "./random.js";

/** With a shorter one the whole seconds of the `Date` headers count for too much of it. */
export const LEASE_MS = 15_000;
export const STORM: Weather = {
  ...CALM,
  loseRequest: 0.02,
  loseAnswer: 0.02,
  duplicate: 0.02,
  retry: 0.02,
  late: 0.01,
  fail: 0.02,
};

/** What the members of one history have in common. */
export interface Settings {
  readonly maxPerMember: number | undefined;
  readonly maxMovesAtOnce: number | undefined;
  readonly settleMs: number | undefined;
}

export function settingsOf(random: Random): Settings {
  return {
    maxPerMember: random.chance(0.25) ? random.integer(1, 4) : undefined,
    maxMovesAtOnce: random.chance(0.5) ? random.integer(1, 4) : undefined,
    settleMs: random.chance(0.3) ? random.integer(2_000, 2 * LEASE_MS) : undefined,
  };
}

/** How much these loads exceed level ones, at least: so many partitions must move. */
export function excessOf(count: number, loads: readonly number[]): number {
  const base = Math.floor(count / loads.length);
  const sorted = [...loads].sort((a, b) => b - a);
  return sorted.reduce(
    (sum, load, i) => sum + Math.max(0, load - base - (i < count % loads.length ? 1 : 0)),
    0,
  );
}
