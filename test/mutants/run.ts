import { fileURLToPath } from "node:url";
import { Progress } from "../simulation/progress.js";
import { MUTANTS, type Mutant } from "./catalogue.js";
import type { Kill } from "./hunt.js";
import { Workshop } from "./workshop.js";

export interface Mutants {
  readonly mutants: number;
  readonly killed: number;
  readonly survivors: readonly string[];
  readonly kills: ReadonlyArray<{ readonly mutant: string; readonly revives: string } & Kill>;
}

/** Makes each mutant and hunts it, `jobs` at a time. */
export async function runMutants(jobs: number, seeds: number, only?: string): Promise<Mutants> {
  // From .proof/test/mutants, where this file runs.
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const chosen = MUTANTS.filter(({ name }) => only === undefined || name.includes(only));
  const waiting = [...chosen];
  const kills: Array<{ mutant: string; revives: string } & Kill> = [];
  const survivors: string[] = [];
  const progress = new Progress("mutants", chosen.length);
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const kill = await huntOne(root, mutant, seeds);
      if (kill) kills.push({ mutant: mutant.name, revives: mutant.revives, ...kill });
      else survivors.push(mutant.name);
      progress.reached(kills.length + survivors.length);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  progress.done();
  const inOrder = (name: string) => MUTANTS.findIndex((mutant) => mutant.name === name);
  kills.sort((a, b) => inOrder(a.mutant) - inOrder(b.mutant));
  return { mutants: chosen.length, killed: kills.length, survivors, kills };
}

async function huntOne(root: string, mutant: Mutant, seeds: number): Promise<Kill | undefined> {
  const workshop = new Workshop(root, mutant);
  try {
    return await workshop.hunt(seeds);
  } finally {
    workshop.clear();
  }
}

export function mutantsInWords({ mutants, killed, survivors, kills }: Mutants): string {
  const width = Math.max(...kills.map(({ mutant }) => mutant.length));
  return [
    ...kills.map(({ mutant, by, seed, message }) => {
      const where = seed === undefined ? by : `${by}, seed ${seed}`;
      return `✓ ${mutant.padEnd(width)}  ${message} (${where})`;
    }),
    ...survivors.map((name) => `✗ ${name} SURVIVED`),
    `${killed} of ${mutants} mutants killed`,
    "",
  ].join("\n");
}
