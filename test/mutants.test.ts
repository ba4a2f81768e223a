import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants/catalogue.js";
import { readHints } from "./mutants/hints.js";

/** `npm run simulate -- --mutants` makes and hunts them; here only what would make that a lie. */

test("there are at least 25 mutants, each with a name of its own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
});

test.each(MUTANTS)("$name: its line stands exactly once in $file, and is changed", ({ file, from, to }) => {
  expect(readFileSync(file, "utf8").split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});

test("each mutant has a hint where it is found, so that CI need not search for it", () => {
  const hinted = Object.keys(readHints("."));
  // `npm run simulate -- --mutants --remember` writes the hints; with `--only NAME` those of some mutants.
  expect(hinted).toEqual(MUTANTS.map(({ name }) => name));
});
