import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MUTANTS } from "./catalogue.js";
import type { Hint, Kill } from "./hunt.js";

/** By mutant: where it was found the last time. To look there first takes a second; the search takes up to two minutes. */
export type Hints = Readonly<Record<string, Hint>>;

const FILE = "test/mutants/hints.json";

export function readHints(root: string): Hints {
  return JSON.parse(readFileSync(join(root, FILE), "utf8"));
}

/** Of mutants that were not hunted this time, or that survived, the hints stay. */
export function writeHints(root: string, kills: ReadonlyArray<{ readonly mutant: string } & Kill>): void {
  const hints = { ...readHints(root) };
  for (const kill of kills) hints[kill.mutant] = hintOf(kill);
  const inOrder = MUTANTS.flatMap(({ name }) => (name in hints ? [[name, hints[name]]] : []));
  writeFileSync(join(root, FILE), `${JSON.stringify(Object.fromEntries(inOrder), undefined, 2)}\n`);
}

export function hintOf(kill: Kill): Hint {
  return kill.by === "exploration" ? kill.bounds : kill.seed;
}
