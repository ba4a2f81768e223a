import type { Holder } from "./holder.js";
import { used } from "./usage.js";

/** Bare writes at least, and at most: more of them do not change the rate. */
const WRITES = { least: 200, most: 2_000 };

/** Many leases that are taken, or given back, at once. */
export interface Burst {
  readonly leases: number;
  readonly seconds: number;
  readonly writes: number;
  readonly reads: number;
  /** Conditional writes of the same process without this library, before and after. */
  readonly bareWritesPerSecond: number;
}

/** @param act resolves with the milliseconds that it took. */
export async function burst(by: Holder, leases: number, act: () => Promise<number>): Promise<Burst> {
  const bareWrites = Math.min(WRITES.most, Math.max(WRITES.least, leases));
  const before = await by.writesPerSecond(bareWrites);
  const from = await by.usage();
  const tookMs = await act();
  const { writes, reads } = used(await by.usage(), from);
  const after = await by.writesPerSecond(bareWrites);
  return { leases, seconds: tookMs / 1_000, writes, reads, bareWritesPerSecond: (before + after) / 2 };
}

/** How many times as long as its own writes alone would have taken. */
export const timesItsWrites = ({ seconds, writes, bareWritesPerSecond }: Burst) =>
  seconds / (writes / bareWritesPerSecond);

/** How many times as long as one bare write for each lease. */
export const timesOneWrite = ({ seconds, leases, bareWritesPerSecond }: Burst) =>
  seconds / (leases / bareWritesPerSecond);
