import { parseArgs } from "node:util";
import { SMALL } from "../exploration/bounds.js";
import { searchForgotten } from "../exploration/forgotten.js";
import { FORGOTTEN_SEARCHES } from "../exploration/forgotten-bounds.js";
import { explore } from "../exploration/search.js";
import { TICK_SEARCHES } from "../exploration/tick-bounds.js";
import { searchTicks } from "../exploration/ticks.js";
import { useLightAbort } from "../simulation/light-abort.js";
import { simulatePartitions } from "../simulation/partitions.js";
import { planOf } from "../simulation/plan.js";
import { simulateSessions } from "../simulation/sessions.js";
import { sessionsPlanOf } from "../simulation/sessions-plan.js";
import { simulate } from "../simulation/simulate.js";

/** How a fault was found. */
export type Kill = { readonly promise: string; readonly message: string } & (
  | {
      readonly by: "simulation" | "simulation of partitions" | "simulation of sessions";
      /** `npm run simulate -- --seed S --trace` in the copy tells the story. */
      readonly seed: number;
    }
  | {
      readonly by: "exploration";
      /** The name of the bounds within which it was found. */
      readonly bounds: string;
    }
);

/**
 * Where a mutant was found the last time: a seed of the simulation (of partitions or of sessions, if the fault is in them), or the name of
 * bounds of the exploration.
 */
export type Hint = number | string;

const PARENT = process.ppid;

/** Most faults show within so many seeds; only then is it worth to explore. */
const SOON = 300;

/** Runs in a copy of the code that has a fault, looks for it, and prints what it found, as JSON. */
async function hunt(seeds: number, hint: Hint | undefined): Promise<Kill | undefined> {
  const first = Math.min(seeds, SOON);
  return (
    (await byHint(hint)) ??
    (await bySimulation(1, first)) ??
    byExploration() ??
    (await bySimulation(first + 1, seeds))
  );
}

/** A hint saves the search, and is no more than a hint: after a change of the simulation another seed finds the fault. */
async function byHint(hint: Hint | undefined): Promise<Kill | undefined> {
  if (typeof hint === "number") return bySimulation(hint, hint);
  return hint === undefined ? undefined : byExploration(hint);
}

/** Within all bounds, or within those of one name. */
function byExploration(only?: string): Kill | undefined {
  for (const bounds of SMALL) {
    if (only !== undefined && only !== bounds.name) continue;
    const [violation] = explore(bounds).violations;
    if (violation) {
      const { promise, message } = violation;
      return { by: "exploration", promise, message, bounds: bounds.name };
    }
  }
  for (const [name, bounds] of TICK_SEARCHES) {
    if (only !== undefined && only !== name) continue;
    const message = searchTicks(bounds).broken?.at(-1);
    if (message !== undefined) return { by: "exploration", promise: "once per tick", message, bounds: name };
  }
  for (const [name, bounds] of FORGOTTEN_SEARCHES) {
    if (only !== undefined && only !== name) continue;
    const message = searchForgotten(bounds).broken?.at(-1);
    if (message !== undefined) return { by: "exploration", promise: "terms increase", message, bounds: name };
  }
  return undefined;
}

/** What shares partitions is not in the other searches. */
async function huntInPartitions(seeds: number, hint: Hint | undefined): Promise<Kill | undefined> {
  const hinted = typeof hint === "number" ? await byPartitions(hint, hint) : undefined;
  return hinted ?? byPartitions(1, Math.min(seeds, SOON));
}

/** Nor are sessions. */
async function huntInSessions(seeds: number, hint: Hint | undefined): Promise<Kill | undefined> {
  const hinted = typeof hint === "number" ? await bySessions(hint, hint) : undefined;
  return hinted ?? bySessions(1, Math.min(seeds, SOON));
}

async function bySessions(from: number, to: number): Promise<Kill | undefined> {
  for (let seed = from; seed <= to; seed++) {
    if (process.ppid !== PARENT) process.exit(1);
    const { violation } = await simulateSessions(sessionsPlanOf(seed));
    if (violation) {
      return { by: "simulation of sessions", promise: violation.promise, message: violation.message, seed };
    }
  }
  return undefined;
}

async function byPartitions(from: number, to: number): Promise<Kill | undefined> {
  for (let seed = from; seed <= to; seed++) {
    if (process.ppid !== PARENT) process.exit(1);
    const { violation } = await simulatePartitions(seed);
    if (violation) {
      return { by: "simulation of partitions", promise: violation.promise, message: violation.message, seed };
    }
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

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "6000" },
    // As JSON, since it is a number or a string.
    hint: { type: "string" },
    partitions: { type: "boolean", default: false },
    sessions: { type: "boolean", default: false },
  },
});
const hint: Hint | undefined = values.hint === undefined ? undefined : JSON.parse(values.hint);
useLightAbort();
const search = values.partitions ? huntInPartitions : values.sessions ? huntInSessions : hunt;
process.stdout.write(`${JSON.stringify((await search(Number(values.seeds), hint)) ?? null)}\n`);
