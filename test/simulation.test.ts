import { expect, test } from "vitest";
import { planOf } from "./simulation/plan.js";
import { simulate } from "./simulation/simulate.js";

const SEEDS = Number(process.env.SEEDS ?? 150);
/** Others on each run, unless told. */
const FIRST = Number(process.env.FIRST_SEED ?? Math.floor(Math.random() * 1e9));

test(`${SEEDS} random histories of ten minutes of faults keep every promise`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await simulate(planOf(seed));
    expect(violation, `seed ${seed}`).toBeUndefined();
  }
});

test("clocks beyond the assumptions may break exclusion, and never fencing", async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS / 3; seed++) {
    const { violation } = await simulate(planOf(seed, { broken: true }));
    expect(violation, `seed ${seed}`).toBeUndefined();
  }
});

test("one seed is one history, to the letter", async () => {
  const told = async () => {
    const lines: string[] = [];
    await simulate(planOf(4711), (line) => lines.push(line));
    return lines.join("\n");
  };
  expect(await told()).toBe(await told());
});
