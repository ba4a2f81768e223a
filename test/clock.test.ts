import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../src/clock.js";

test("no timer of the system's clock fires before its time", async () => {
  const early: number[] = [];
  const timers = Array.from({ length: 400 }, async (_, i) => {
    await delay(i / 2); // each begins at another moment
    const ms = 20 + i / 7;
    const setMs = systemClock.monotonicMs();
    await new Promise<void>((resolve) => systemClock.setTimer(ms, resolve));
    const leftMs = ms - (systemClock.monotonicMs() - setMs);
    if (leftMs > 0) early.push(leftMs);
  });
  await Promise.all(timers);
  expect(early).toEqual([]);
});
