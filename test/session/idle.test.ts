import { expect, test } from "vitest";
import type { Clock } from "../../src/clock.js";
import { Election, Session } from "../../src/index.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";

const LEASE_MS = 15_000;
const LEASES = 50;

test("a thousand leases do not wake a thousand times per interval: only the session's heartbeat does", async () => {
  const time = new ManualClock();
  let timers = 0;
  const clock: Clock = {
    monotonicMs: () => time.monotonicMs(),
    wallMs: () => time.wallMs(),
    setTimer: (ms, run) => {
      timers += 1;
      return time.setTimer(ms, run);
    },
  };
  const session = new Session({
    store: new MemoryTable({ serviceTimeMs: () => time.wallMs() }),
    leaseDurationMs: LEASE_MS,
    runtime: { clock },
    onEvent: () => {},
  });
  let held = 0;
  for (let i = 0; i < LEASES; i++) {
    const election = new Election({ session, name: `many/${i}` });
    void election.lead(async ({ signal }) => {
      held += 1;
      await new Promise<void>((end) => signal.addEventListener("abort", () => end(), { once: true }));
    });
  }
  for (let steps = 0; held < LEASES && steps < 1_000; steps++) await time.advance(50);
  expect(held).toBe(LEASES);
  // The wait for a tenure's first renewal may have begun before its history was written.
  for (let i = 0; i < 40; i++) await time.advance(500);
  timers = 0;
  for (let i = 0; i < 60; i++) await time.advance(500);
  const intervals = 6;
  expect(timers).toBeGreaterThanOrEqual(intervals);
  expect(timers).toBeLessThan(intervals * 10);
  expect(held).toBe(LEASES);
});
