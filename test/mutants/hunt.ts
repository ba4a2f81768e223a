import { parseArgs } from "node:util";
import { SMALL } from "../exploration/bounds.js";
import { explore } from "../exploration/search.js";
import { TICK_SEARCHES } from "../exploration/tick-bounds.js";
import { searchTicks } from "../exploration/ticks.js";
import { useLightAbort } from "../simulation/light-abort.js";
import { planOf } from "../simulation/plan.js";
import { simulate } from "../simulation/simulate.js";

/** How a fault was found. */
export interface Kill {
  readonly by: "simulation" | "exploration";
  readonly promise: string;
  readonly message: string;
  /** Simulation only: `npm run simulate -- --seed S --trace` in the copy tells the story. */
  readonly seed?: number;
}

const PARENT = process.ppid;

/** Most faults show within so many seeds; only then is it worth to explore. */
const SOON = 300;

/** Runs in a copy of the code that has a fault, looks for it, and prints what it found, as JSON. */
async function hunt(seeds: number): Promise<Kill | undefined> {
  const first = Math.min(seeds, SOON);
  return (await bySimulation(1, first)) ?? byExploration() ?? (await bySimulation(first + 1, seeds));
}

function byExploration(): Kill | undefined {
  for (const bounds of SMALL) {
    const [violation] = explore(bounds).violations;
    if (violation) return { by: "exploration", promise: violation.promise, message: violation.message };
  }
  for (const [, bounds] of TICK_SEARCHES) {
    const message = searchTicks(bounds).broken?.at(-1);
    if (message !== undefined) return { by: "exploration", promise: "once per tick", message };
  }
  return undefined;
}

async function bySimulation(from: number, to: number): Promise<Kill | undefined> {
  for (let seed = from; seed <= to; seed++) {
    // Nobody reads the result any more.
    if (process.ppid !== PARENT) process.exit(1);
    const { violation } = await simulate(planOf(seed));
    if (violation) {
      return { by: "simulation", promise: violation.promise, message: violation.message, seed };
    }
  }
  return undefined;
}

const { values } = parseArgs({ options: { seeds: { type: "string", default: "3000" } } });
useLightAbort();
process.stdout.write(`${JSON.stringify((await hunt(Number(values.seeds))) ?? null)}\n`);
