import type { Lambda } from "./function.js";
import { isLeader } from "./scenario.js";

/** The schedules of a rate, in several Regions: each begins when it was created, so they fire at different times. */

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.parse("2026-03-01T00:00:00Z");
/** When in its hour the schedule of each Region fires. */
const PHASES_MS = [12_000, 25 * 60_000, 59 * 60_000 + 59_000];

export interface RateStory {
  readonly periods: number;
  readonly deliveries: number;
  readonly runs: number;
  readonly violations: readonly string[];
}

/**
 * Delivers each Region's scheduled times in order, twice each: the second delivery stands for a retry. Some come again,
 * late, when the next period is done.
 */
export async function playRate(regions: readonly Lambda[], periods: number): Promise<RateStory> {
  const violations: string[] = [];
  let deliveries = 0;
  let runs = 0;
  const deliver = async (region: Lambda, atMs: number) => {
    const delivery = await region.deliver(new Date(atMs).toISOString());
    deliveries += 1;
    if (delivery.outcomes.some(({ kind }) => kind !== "answered")) {
      violations.push(
        `rate: ${region.name} failed at ${delivery.tick}: ${JSON.stringify(delivery.outcomes)}`,
      );
    }
    return isLeader(delivery) ? 1 : 0;
  };
  for (let period = 0; period < periods; period++) {
    let inPeriod = 0;
    for (const [index, region] of regions.entries()) {
      const atMs = FIRST_MS + period * HOUR_MS + (PHASES_MS[index] as number);
      inPeriod += await deliver(region, atMs);
      inPeriod += await deliver(region, atMs);
      if (period > 0) inPeriod += await deliver(region, atMs - HOUR_MS);
    }
    if (inPeriod !== 1) violations.push(`rate: ${inPeriod} runs in period ${period + 1}, not 1`);
    runs += inPeriod;
  }
  violations.push(...(await overtake(regions[0] as Lambda, FIRST_MS + (periods + 1) * HOUR_MS)));
  return { periods, deliveries, runs, violations };
}

/** A period in which nothing ran comes after the next one has completed: it must fail, and be counted. */
async function overtake(region: Lambda, atMs: number): Promise<string[]> {
  await region.deliver(new Date(atMs).toISOString());
  const late = await region.deliver(new Date(atMs - HOUR_MS).toISOString());
  const [outcome] = late.outcomes;
  const isSaid = outcome?.kind === "failed" && outcome.type === "MissedTickError";
  const isCounted = await region.hasLogged(`"SupersededTicks":1`);
  if (isSaid && isCounted) return [];
  return [
    `rate: the superseded tick ${late.tick} was not told (counted: ${isCounted}): ${JSON.stringify(outcome)}`,
  ];
}
