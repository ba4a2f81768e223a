import { expect, test } from "vitest";
import { LeaseLostError } from "../../src/index.js";
import type { LeaderWork } from "../../src/lambda/index.js";
import type { ManualClock } from "../../src/testing/index.js";
import { stagedFunction, TIMEOUT_MS, watch } from "../support/lambda.js";
import { type Facts, factsOf } from "../support/lease.js";
import { gate, Stage } from "../support/stage.js";

const once = { once: "tick" } as const;
const at = (minute: number) => ({ scheduledTime: `2026-01-01T00:0${minute}:00Z` });

test("frozen in the middle of its work, past its lease: throwIfLost throws, and nothing is recorded as done", async () => {
  const stage = new Stage();
  const thawed = gate();
  const seen: unknown[] = [];
  const frozen = stagedFunction(
    stage,
    "a",
    async (leadership) => {
      await thawed.opened;
      try {
        leadership.throwIfLost();
      } catch (error) {
        seen.push(error);
      }
    },
    once,
  );
  const invocation = watch(frozen.invoke(at(0)));
  await stage.advance(1_000);
  await stage.advance(30_000, { frozen: [frozen.clock] });
  const other = stagedFunction(stage, "b", ({ term }) => term, once);
  expect(await other.run(at(0))).toEqual({ role: "leader", term: 2, result: 2 });
  // The monotonic clock stood still; the wall clock is right again.
  frozen.clock.freeze(30_000);
  thawed.open();
  await stage.until(() => invocation.settled);
  expect(seen).toEqual([expect.any(LeaseLostError)]);
  expect(invocation.error).toMatchObject({ code: "LEASE_LOST", reason: "expired" });
  expect(await other.run(at(0))).toEqual({ role: "done" });
});

test.each([500, 2_000, 2_900, 10_000])(
  "a sandbox whose clocks both stood still for %d ms: no clock takes its lease before it ends, nor much after",
  async (frozenMs) => {
    const stage = new Stage();
    const leases: Facts[] = [];
    const work = async () => {
      leases.push(factsOf((await stage.table.read("billing/nightly")).lease) ?? {});
    };
    const a = stagedFunction(stage, "a", work, once);
    expect(await a.run(at(0))).toMatchObject({ role: "leader" });
    await stage.advance(frozenMs, { frozen: [a.clock] });
    expect(await a.run(at(1))).toMatchObject({ role: "leader" });
    const { leaseDurationMs = 0, expiresAt = 0 } = leases[1] ?? {};
    const endsMs = stage.time.wallMs() + leaseDurationMs;
    expect(expiresAt).toBeGreaterThanOrEqual(endsMs);
    expect(expiresAt).toBeLessThan(endsMs + 3_000);
  },
);

test("a sandbox whose clocks both stood still for longer than a lease knows no end of it to write; observation decides", async () => {
  const stage = new Stage();
  const leases: Facts[] = [];
  const work = async () => {
    leases.push(factsOf((await stage.table.read("billing/nightly")).lease) ?? {});
  };
  const a = stagedFunction(stage, "a", work, once);
  await a.run(at(0));
  await stage.advance(300_000, { frozen: [a.clock] });
  expect(await a.run(at(1))).toMatchObject({ role: "leader" });
  expect(leases.map(({ expiresAt }) => typeof expiresAt)).toEqual(["number", "undefined"]);
});

test("frozen while it waits, past the time of its work too: both deadlines are seen, and no work begins", async () => {
  const stage = new Stage();
  const fail = gate();
  const other = stage.candidate("other").election.runOnce(at(0).scheduledTime, async () => {
    await fail.opened;
    throw new Error("disk full");
  });
  const ended = watch(other);
  await stage.advance(100);
  const job = stagedFunction(stage, "a", () => expect.unreachable(), once);
  const thaw = thawing(job.clock);
  const invocation = watch(job.invoke(at(0)));
  await stage.advance(5_000);
  expect(invocation.settled).toBe(false);
  // The lease is free and the tick is open, so a bid that still came would win.
  fail.open();
  await stage.until(() => ended.settled);
  thaw(TIMEOUT_MS);
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({
    code: "OUT_OF_TIME",
    message:
      'The work of "billing/nightly" did not begin: 5000 ms before its invocation\'s timeout it was still bidding for the ' +
      "lease. Suggestion: let Lambda try it again; give the function a longer timeout if that happens often.",
  });
});

/** Lets both clocks go on at once, and fires all timers that are then overdue before anybody sees one of them. */
function thawing(clock: ManualClock): (ms: number) => void {
  const timers = new Map<() => void, number>();
  const setTimer = clock.setTimer.bind(clock);
  clock.setTimer = (ms, callback) => {
    const cancel = () => {
      cancelTimer();
      timers.delete(fire);
    };
    const fire = () => {
      cancel();
      callback();
    };
    const cancelTimer = setTimer(ms, fire);
    timers.set(fire, clock.monotonicMs() + ms);
    return cancel;
  };
  return (ms) => {
    clock.block(ms);
    const overdue = [...timers].filter(([, atMs]) => atMs <= clock.monotonicMs());
    for (const [fire] of overdue.sort(([, a], [, b]) => a - b)) if (timers.has(fire)) fire();
  };
}

test("what a sandbox has seen outlives its invocations: a deleted row is waited for once, not for ever", async () => {
  const stage = new Stage();
  await stagedFunction(stage, "a", () => {}).run();
  stage.table.deleteLease("billing/nightly");
  // Too short to wait a whole lease of the unknown holder in one invocation.
  const job = stagedFunction(stage, "b", ({ term }) => term);
  expect(await job.run({}, 3_000)).toEqual({ role: "follower" });
  await stage.advance(20_000);
  expect(await job.run({}, 3_000)).toEqual({ role: "leader", term: 2, result: 2 });
});

test("two invocations at once in one process are two candidates", async () => {
  const stage = new Stage();
  const finish = gate();
  const work: LeaderWork<unknown> = (_, { tick }) => tick?.includes("00:01") && finish.opened;
  const job = stagedFunction(stage, "a", work, { ...once, standBy: false, onMissedTick: "return" });
  await job.run(at(0));
  const first = watch(job.invoke(at(1)));
  await stage.advance(100);
  expect(await job.run(at(1))).toMatchObject({ role: "follower" });
  finish.open();
  await stage.until(() => first.settled);
  expect(first.value).toMatchObject({ role: "leader" });
});
