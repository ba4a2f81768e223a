import { fileURLToPath } from "node:url";
import { Progress } from "../simulation/progress.js";
import { MUTANTS, type Mutant } from "./catalogue.js";
import { hintOf, readHints, writeHints } from "./hints.js";
import type { Hint, Kill } from "./hunt.js";
import { Workshop } from "./workshop.js";

export interface Mutants {
  readonly mutants: number;
  readonly killed: number;
  readonly survivors: readonly string[];
  readonly kills: ReadonlyArray<{ readonly mutant: string; readonly revives: string } & Kill>;
  /** Mutants that had to be searched for: they have no hint, or theirs does not find them any more. */
  readonly searched: readonly string[];
}

/** Makes each mutant and hunts it, `jobs` at a time. */
export async function runMutants(
  jobs: number,
  seeds: number,
  { only, remember }: { readonly only: string | undefined; readonly remember: boolean },
): Promise<Mutants> {
  // From .proof/test/mutants, where this file runs.
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const chosen = MUTANTS.filter(({ name }) => only === undefined || name.includes(only));
  const waiting = [...chosen];
  const kills: Array<{ mutant: string; revives: string } & Kill> = [];
  const survivors: string[] = [];
  const searched: string[] = [];
  const hints = readHints(root);
  const progress = new Progress("mutants", chosen.length);
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const hint = hints[mutant.name];
      const kill = await huntOne(root, mutant, seeds, hint);
      if (kill === undefined || hintOf(kill) !== hint) searched.push(mutant.name);
      if (kill) kills.push({ mutant: mutant.name, revives: mutant.revives, ...kill });
      else survivors.push(mutant.name);
      // Each at once: a run takes minutes, and may be ended before.
      if (remember && kill) writeHints(root, kills);
      progress.reached(kills.length + survivors.length);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  progress.done();
  const inOrder = (name: string) => MUTANTS.findIndex((mutant) => mutant.name === name);
  kills.sort((a, b) => inOrder(a.mutant) - inOrder(b.mutant));
  return { mutants: chosen.length, killed: kills.length, survivors, kills, searched };
}

async function huntOne(
  root: string,
  mutant: Mutant,
  seeds: number,
  hint: Hint | undefined,
): Promise<Kill | undefined> {
  const workshop = new Workshop(root, mutant);
  try {
    return await workshop.hunt(seeds, hint);
  } finally {
    workshop.clear();
  }
}

export function mutantsInWords({ mutants, killed, survivors, kills, searched }: Mutants): string {
  const width = Math.max(...kills.map(({ mutant }) => mutant.length));
  return [
    ...kills.map((kill) => {
      const by =
        kill.by === "exploration" ? `exploration, ${kill.bounds}` : `${kill.kind}, seed ${kill.seed}`;
      return `✓ ${kill.mutant.padEnd(width)}  ${kill.message} (${by})`;
    }),
    ...survivors.map((name) => `✗ ${name} SURVIVED`),
    ...(searched.length === 0
      ? []
      : [`${searched.length} had to be searched for. With --remember a run writes down what finds them.`]),
    `${killed} of ${mutants} mutants killed`,
    "",
  ].join("\n");
}
