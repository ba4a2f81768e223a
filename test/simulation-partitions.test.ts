import { expect, test } from "vitest";
import { simulatePartitions } from "./simulation/partitions.js";

/** Others on each run, unless told. */
const FIRST = Number(process.env.FIRST_SEED ?? Math.floor(Math.random() * 1e9));
const SEEDS = Number(process.env.SEEDS ?? 6);

test(`${SEEDS} random histories of members that join, leave, freeze and die keep every promise of partitions`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await simulatePartitions(seed);
    expect(violation, `seed ${seed}`).toBeUndefined();
  }
});

test("one seed is one history of partitions, to the letter", async () => {
  const told = async () => {
    const lines: string[] = [];
    await simulatePartitions(4711, (line) => lines.push(line));
    return lines.join("\n");
  };
  expect(await told()).toBe(await told());
});
