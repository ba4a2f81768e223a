import { Holder } from "./holder.js";
import type { Laboratory } from "./laboratory.js";
import type { Row } from "./report.js";
import type { HolderConfig } from "./session-messages.js";
import { median, rounded } from "./statistics.js";

const LEASES = 1_000;
const WRITES = 1_000;
const TURNS = 4;
const TARGET = 0.9;

/** Fenced writes, one after another, in a process with a thousand leases and in one with a single lease. */
export async function fencedWrites(laboratory: Laboratory): Promise<Row> {
  const start = async (leases: number, form: HolderConfig["form"]) => {
    const config = { ...laboratory.holderConfig(leases), label: form, form };
    const holder = await Holder.start(laboratory.programs.sessionWorker, config);
    holder.compete();
    await holder.until(() => holder.heldMs !== undefined);
    return holder;
  };
  await using many = await start(LEASES, "session");
  await using one = await start(1, "plain");
  const ways = {
    one: () => one.fencedPerSecond(WRITES, 1),
    first: () => many.fencedPerSecond(WRITES, 1),
    each: () => many.fencedPerSecond(WRITES, LEASES),
  };
  const rates = { one: [] as number[], first: [] as number[], each: [] as number[] };
  for (const way of Object.values(ways)) await way();
  // By turns, so that all meet the same load.
  for (let turn = 0; turn < TURNS; turn++)
    for (const way of Object.keys(ways) as (keyof typeof ways)[]) rates[way].push(await ways[way]());
  const base = median(rates.one);
  const [first, each] = [median(rates.first) / base, median(rates.each) / base];
  return {
    part: "sessions: fenced writes",
    name: `in a process with ${LEASES.toLocaleString("en")} leases`,
    unit: "times those of a process with one lease",
    figures: {
      "under one of them": rounded(first, 2),
      "under each in turn": rounded(each, 2),
      "a second with one lease": rounded(base, 0),
    },
    target: `≥ ${TARGET}`,
    met: Math.min(first, each) >= TARGET,
    context: { writes: WRITES, turns: TURNS },
    samples: rates.first.map((rate) => rounded(rate, 1)),
  };
}
