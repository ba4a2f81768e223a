import { expect, test } from "vitest";
import { RowReads } from "../../src/candidate/row-reads.js";
import { ManualClock } from "../../src/testing/index.js";

function reads() {
  const clock = new ManualClock();
  const requests: Array<{ readonly names: number; readonly consistent: boolean }> = [];
  const at = { monotonicMs: 0, wallMs: 0 };
  const rows = new RowReads(
    {
      readMany: async (names, { consistent }) => {
        requests.push({ names: names.length, consistent });
        return {
          answer: { leases: new Map(), dateMs: undefined },
          sent: at,
          received: at,
          contradicts: false,
        };
      },
    },
    clock,
  );
  return { clock, requests, rows };
}

test("polls whose timers are due one after the other are read together, a hundred rows a request", async () => {
  const { clock, requests, rows } = reads();
  const answers = Array.from({ length: 250 }, async (_, i) => {
    await new Promise<void>((resolve) => void clock.setTimer(1_000, resolve));
    return rows.read(`tenant/${i}`, false);
  });
  await clock.advance(2_000);
  await Promise.all(answers);
  expect(requests.map(({ names }) => names)).toEqual([100, 100, 50]);
  expect(requests.every(({ consistent }) => !consistent)).toBe(true);
});

test("a look that is called for waits for no timer", async () => {
  const { requests, rows } = reads();
  await Promise.all(["a", "b"].map((name) => rows.read(name, true)));
  expect(requests).toEqual([{ names: 2, consistent: true }]);
});
