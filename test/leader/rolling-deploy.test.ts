import { expect, test } from "vitest";
import { type Actor, Cast, LEASE_MS } from "../support/cast.js";

/** docs/stopping.md: rank by version, so that leadership moves once in a rolling deploy. Staged time. */

const OLD = { rank: 1 };
const NEW = { rank: 2 };

/** Starts a new worker before each stop of an old one, in this order. */
async function roll(stops: string, betweenMs: number): Promise<Cast> {
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: true } });
  const old = await cast.joinAll("abc", () => OLD);
  for (const [i, label] of [..."def"].entries()) {
    cast.join(label, NEW);
    await cast.advance(betweenMs);
    const stopped = old.find((worker) => worker.label === stops[i]) as Actor;
    await Promise.all([stopped.leave(), cast.advance(betweenMs)]);
  }
  await cast.advance(10 * LEASE_MS);
  return cast;
}

test.each(["abc", "bac", "bca"])(
  "three workers are replaced, stopped in the order %s, and leadership moves once",
  async (stops) => {
    for (const betweenMs of [2 * LEASE_MS, 10 * LEASE_MS]) {
      const { reigns, told } = await roll(stops, betweenMs);
      expect([betweenMs, told]).toEqual([betweenMs, "a1 d2"]);
      const [first, second] = reigns;
      expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(60);
      expect(second?.untilMs).toBeUndefined();
    }
  },
);

test("by arrival it moves more often: an old worker follows an old leader", async () => {
  const cast = new Cast({ succession: "arrival" });
  const old = await cast.joinAll("abc");
  for (const [i, label] of [..."def"].entries()) {
    cast.join(label);
    await cast.advance(2 * LEASE_MS);
    await Promise.all([old[i]?.leave(), cast.advance(2 * LEASE_MS)]);
  }
  expect(cast.told).toBe("a1 b2 c3 d4");
});
