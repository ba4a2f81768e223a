import { MessageChannel } from "node:worker_threads";
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
  expect(await told(4711)).toBe(await told(4711));
});

test("a seed alone is the history that it is among others, also as the first thing that a thread does", async () => {
  const seeds = [354_001_600, 354_001_612, 354_001_617, 354_001_623];
  const alone: string[] = [];
  for (const seed of seeds) alone.push(...(await asOrdered([seed])));
  expect(alone).toEqual(await asOrdered([4711, ...seeds]).then((all) => all.slice(1)));
});

async function told(seed: number): Promise<string> {
  const lines: string[] = [];
  const { steps, faults } = await simulate(planOf(seed), (line) => lines.push(line));
  return [...lines, steps, JSON.stringify(faults)].join("\n");
}

/** As a thread of `npm run simulate` does: the first history begins in the callback of a message. */
async function asOrdered(seeds: readonly number[]): Promise<string[]> {
  const { port1, port2 } = new MessageChannel();
  try {
    return await new Promise((resolve) => {
      port2.on("message", async () => {
        const all: string[] = [];
        for (const seed of seeds) all.push(await told(seed));
        resolve(all);
      });
      port1.postMessage("go");
    });
  } finally {
    port1.close();
  }
}
