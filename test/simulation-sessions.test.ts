import { expect, test } from "vitest";
import { sessionsPlanOf } from "./simulation/sessions/plan.js";
import { simulateSessions } from "./simulation/sessions/simulation.js";

/** Others on each run, unless told. */
const FIRST = Number(process.env.FIRST_SEED ?? Math.floor(Math.random() * 1e9));
const SEEDS = Number(process.env.SEEDS ?? 6);

test(`${SEEDS} random histories of processes with sessions keep every promise`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await simulateSessions(sessionsPlanOf(seed));
    expect(violation, `seed ${seed}`).toBeUndefined();
  }
});

test("one seed is one history of sessions, to the letter", async () => {
  const told = async () => {
    const lines: string[] = [];
    await simulateSessions(sessionsPlanOf(4711), (line) => lines.push(line));
    return lines.join("\n");
  };
  expect(await told()).toBe(await told());
});
