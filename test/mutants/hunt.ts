import { parseArgs } from "node:util";
import { SMALL } from "../exploration/bounds.js";
import type { Searched } from "../exploration/breadth.js";
import { searchForgotten } from "../exploration/forgotten.js";
import { FORGOTTEN_SEARCHES } from "../exploration/forgotten-bounds.js";
import { explore } from "../exploration/search.js";
import { SESSION_SEARCHES } from "../exploration/session-bounds.js";
import { searchSessions } from "../exploration/sessions.js";
import { TICK_SEARCHES } from "../exploration/tick-bounds.js";
import { searchTicks } from "../exploration/ticks.js";
import { type Kind, simulateOne } from "../simulation/kinds.js";
import { useLightAbort } from "../simulation/light-abort.js";

/** How a fault was found. */
export type Kill = { readonly promise: string; readonly message: string } & (
  | {
      readonly by: "simulation";
      readonly kind: Kind;
      /** `npm run simulate -- --seed S --trace` in the copy tells the story. */
      readonly seed: number;
    }
  | {
      readonly by: "exploration";
      /** The name of the bounds within which it was found. */
      readonly bounds: string;
    }
);

/** Where a mutant was found the last time: a seed of its kind of simulation, or the name of bounds of the exploration. */
export type Hint = number | string;

const PARENT = process.ppid;

/** Most faults show within so many seeds; only then is it worth to explore. */
const SOON = 300;

/** Runs in a copy of the code that has a fault, looks for it, and prints what it found, as JSON. */
async function hunt(kind: Kind, seeds: number, hint: Hint | undefined): Promise<Kill | undefined> {
  const first = Math.min(seeds, SOON);
  // Histories of the other kinds are long, and what does not show soon in them shows hardly ever.
  const last = kind === "elections" ? seeds : first;
  return (
    (await byHint(kind, hint)) ??
    (await bySimulation(kind, 1, first)) ??
    byExploration(kind) ??
    (await bySimulation(kind, first + 1, last))
  );
}

/** A hint saves the search, and is no more than a hint: after a change of the simulation another seed finds the fault. */
async function byHint(kind: Kind, hint: Hint | undefined): Promise<Kill | undefined> {
  if (typeof hint === "number") return bySimulation(kind, hint, hint);
  return hint === undefined ? undefined : byExploration(kind, hint);
}

async function bySimulation(kind: Kind, from: number, to: number): Promise<Kill | undefined> {
  for (let seed = from; seed <= to; seed++) {
    // Nobody reads the result any more.
    if (process.ppid !== PARENT) process.exit(1);
    const { violation } = await simulateOne(kind, { seed, broken: false });
    if (violation) {
      const { promise, message } = violation;
      return { by: "simulation", kind, promise, message, seed };
    }
  }
  return undefined;
}

/** Within all bounds, or within those of one name. */
function byExploration(kind: Kind, only?: string): Kill | undefined {
  for (const [bounds, search] of EXPLORATIONS[kind]) {
    if (only !== undefined && only !== bounds) continue;
    const broken = search();
    if (broken) return { by: "exploration", promise: broken.promise, message: broken.message, bounds };
  }
  return undefined;
}

type Broken = { readonly promise: string; readonly message: string };

/** By the name of its bounds: a search for a promise that is broken. */
type Exploration = readonly [bounds: string, search: () => Broken | undefined];

const EXPLORATIONS: Readonly<Record<Kind, readonly Exploration[]>> = {
  elections: [
    ...SMALL.map((bounds): Exploration => [bounds.name, () => explore(bounds).violations[0]]),
    ...explorations("once per tick", TICK_SEARCHES, searchTicks),
    ...explorations("terms increase", FORGOTTEN_SEARCHES, searchForgotten),
  ],
  // What shares partitions is not explored.
  partitions: [],
  sessions: explorations("exclusion", SESSION_SEARCHES, searchSessions),
};

function explorations<B>(
  promise: string,
  searches: ReadonlyArray<readonly [name: string, bounds: B]>,
  search: (bounds: B) => Searched,
): Exploration[] {
  return searches.map(([name, bounds]) => [
    name,
    () => {
      const message = search(bounds).broken?.at(-1);
      return message === undefined ? undefined : { promise, message };
    },
  ]);
}

const { values } = parseArgs({
  options: {
    kind: { type: "string", default: "elections" },
    seeds: { type: "string", default: "6000" },
    // As JSON, since it is a number or a string.
    hint: { type: "string" },
  },
});
const hint: Hint | undefined = values.hint === undefined ? undefined : JSON.parse(values.hint);
useLightAbort();
const kill = await hunt(values.kind as Kind, Number(values.seeds), hint);
process.stdout.write(`${JSON.stringify(kill ?? null)}\n`);
