import type { Pace } from "./part.js";

/** What a run on AWS does. */
export const PACE: Pace = {
  cycles: 100,
  cyclesWithinMs: 120_000,
  conflictRounds: 30,
  ticks: 30,
  leaseMs: 5_000,
  kills: 10,
  freezes: 4,
  handOvers: 10,
  leadWithin: 12,
  pauseMs: [300, 600],
};

/** A run that has not ended by itself ends then. */
export const RUN_WITHIN_MS = 30 * 60_000;

/** A run ends when it has used this much of either. It needs about a tenth of it. */
export const MAX_UNITS = 50_000;

/** On demand, us-east-1, US dollars a million, as AWS has published since November 2024. */
export const PRICE = { reads: 0.125, writes: 0.625 };

export function dollars(reads: number, writes: number): string {
  return ((reads * PRICE.reads + writes * PRICE.writes) / 1_000_000).toFixed(3);
}

/** What is said before anything is made. */
export function planInWords(
  where: string,
  { quick, table, policies }: { quick: boolean; table: string | undefined; policies: boolean },
): string {
  const minutes = quick ? "5" : "12";
  const units = MAX_UNITS.toLocaleString("en");
  const place = table
    ? `uses the table ${table}: it writes rows whose pk begins with verify-<time>-<random>/, and deletes them at the end, also
    when it is killed. To find them it reads the keys of the whole table;`
    : `makes one table, incumbent-verify-<time>-<random>, and deletes it at the end, also when it is killed;
  - touches no other table, but looks for such tables of earlier runs and deletes those that are over an hour old;`;
  return `This run, ${where}:
  - ${place}
  - takes about ${minutes} minutes, and never more than ${RUN_WITHIN_MS / 60_000};
  - costs less than USD 0.01, and ends before it has used ${units} read and ${units} write units (USD ${dollars(MAX_UNITS, MAX_UNITS)}
    in us-east-1; up to twice as much in other Regions);
  - starts three processes on this machine, kills and freezes them;
  - ${policies ? "checks a candidate's policy with the profile that you named" : "leaves out policies"};
  - writes a report into reports/, without account id, keys, or the name of this machine.
`;
}
