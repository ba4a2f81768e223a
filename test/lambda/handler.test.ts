import { expect, test } from "vitest";
import { Operator, TableUnavailableError } from "../../src/index.js";
import type { LeaderWork } from "../../src/lambda/index.js";
import { stagedFunction, TIMEOUT_MS, until, watch } from "../support/lambda.js";
import { factsOf } from "../support/lease.js";
import { between, gate, Stage } from "../support/stage.js";

const once = { once: "tick" } as const;
const leaseOf = async (stage: Stage) => factsOf((await stage.table.read("billing/nightly")).lease);

test("the leader runs its work and has given the lease back when it returns; nothing is left behind", async () => {
  const stage = new Stage();
  const job = stagedFunction(stage, "a", ({ term }, { event, tick, signal }) => {
    expect({ event, tick, aborted: signal.aborted }).toEqual({
      event: { x: 1 },
      tick: undefined,
      aborted: false,
    });
    return `term ${term}`;
  });
  expect(await job.run({ x: 1 })).toEqual({ role: "leader", term: 1, result: "term 1" });
  expect((await leaseOf(stage))?.holder).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});

test.each([
  ["without ticks", {}],
  ["of a tick", { ...once, standBy: false, onMissedTick: "return" as const }],
])("%s, a follower does not run it, and says who leads", async (_name, options) => {
  const stage = new Stage();
  const leadership = await stage.candidate("other").election.tryCampaign();
  const job = stagedFunction(stage, "a", () => expect.unreachable(), options);
  expect(await job.run()).toMatchObject({
    role: "follower",
    leader: { candidateId: leadership?.candidateId, term: 1 },
  });
  await leadership?.resign();
  expect(stage.pendingTimers).toBe(0);
});

test("a tick is done once, by whichever sandbox, however its time is spelled", async () => {
  const stage = new Stage();
  const ticks: unknown[] = [];
  const [a, b] = ["a", "b"].map((label) =>
    stagedFunction(stage, label, (_, { tick }) => ticks.push(tick), once),
  );
  expect(await a?.run({ scheduledTime: "2026-01-01T00:00:00Z" })).toMatchObject({
    role: "leader",
    term: 1,
  });
  expect(await a?.run({ scheduledTime: "2026-01-01T00:00:00Z" })).toEqual({ role: "done" });
  expect(await b?.run({ time: "2026-01-01T01:00:00.000+01:00" })).toEqual({ role: "done" });
  await expect(b?.run({ scheduledTime: "2025-12-31T23:00:00Z" })).rejects.toMatchObject({
    because: "superseded",
  });
  expect(await b?.run({ scheduledTime: "2026-01-01T01:00:00Z" })).toMatchObject({
    role: "leader",
    term: 2,
  });
  expect(ticks).toEqual(["2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000Z"]);
});

test("the ticks of a rate are the same in Regions whose schedules began at other times, and in every retry", async () => {
  const stage = new Stage();
  const ticks: unknown[] = [];
  const begins = ["00:00:00", "00:01:40", "00:04:59"];
  const regions = ["a", "b", "c"].map((label) =>
    stagedFunction(stage, label, (_, { tick }) => ticks.push(tick), { ...once, tickPeriodMs: 300_000 }),
  );
  for (let period = 0; period < 4; period++) {
    for (const [index, begin] of begins.entries()) {
      const atMs = Date.parse(`2026-01-01T${begin}Z`) + period * 300_000;
      // The second delivery stands for a retry.
      for (const _ of ["first", "retry"]) {
        await regions[index]?.run({ scheduledTime: new Date(atMs).toISOString() });
      }
    }
  }
  expect(ticks).toEqual(["00", "05", "10", "15"].map((minute) => `2026-01-01T00:${minute}:00.000Z`));
});

test.each([
  ["without ticks", {}],
  ["of a tick", once],
])("%s, what the work throws fails the invocation, with the lease given back", async (_name, options) => {
  const stage = new Stage();
  const fail = { yes: true };
  const work = () => (fail.yes ? Promise.reject(new Error("disk full")) : "done");
  const job = stagedFunction(stage, "a", work, options);
  await expect(job.run()).rejects.toThrow("disk full");
  expect((await leaseOf(stage))?.holder).toBeUndefined();
  fail.yes = false;
  expect(await job.run()).toEqual({ role: "leader", term: 2, result: "done" });
});

test.each([
  ["without ticks", {}],
  ["of a tick", once],
])(
  "%s, the signal aborts drainMs before the timeout, the lease is kept while the work stops, and is free at the end",
  async (_name, options) => {
    const stage = new Stage();
    const cleanUp = gate();
    let told: AbortSignal | undefined;
    const work: LeaderWork<void> = async (_, { signal }) => {
      told = signal;
      await until(signal).catch(() => cleanUp.opened);
      signal.throwIfAborted();
    };
    const job = stagedFunction(stage, "a", work, { ...options, drainMs: 4_000 });
    const invocation = watch(job.invoke());
    await stage.advance(TIMEOUT_MS - 4_100);
    expect(told?.aborted).toBe(false);
    await stage.advance(200);
    expect(told?.aborted).toBe(true);
    expect((await leaseOf(stage))?.holder).toBeDefined();
    cleanUp.open();
    await stage.advance(100);
    expect(invocation.error).toMatchObject({ code: "OUT_OF_TIME", drainMs: 4_000 });
    expect((await leaseOf(stage))?.holder).toBeUndefined();
    expect(stage.pendingTimers).toBe(0);
  },
);

test("work that heeds no signal keeps its lease to the end, and leaves it to run out: never released under it", async () => {
  const stage = new Stage();
  const job = stagedFunction(stage, "a", () => new Promise(() => {}), once);
  void job.invoke().catch(() => {});
  await stage.advance(TIMEOUT_MS);
  expect(job.events.map(({ type }) => type)).toContain("drain-overrun");
  const lease = await leaseOf(stage);
  expect(lease?.holder).toContain("a-");
  // Killed at its timeout. No more than a lease later the next one leads.
  const other = stagedFunction(stage, "b", ({ term }) => term, once);
  const standby = watch(other.invoke());
  await stage.advance((lease?.leaseDurationMs ?? 0) + 5_000, { frozen: [job.clock] });
  expect(standby.value).toEqual({ role: "leader", term: 2, result: 2 });
});

test("work that stops after its time, and before the timeout, fails the invocation as out of time, not before it stops", async () => {
  const stage = new Stage();
  const finish = gate();
  const job = stagedFunction(stage, "a", () => finish.opened, { ...once, drainMs: 4_000 });
  const invocation = watch(job.invoke());
  await stage.until(() => job.events.some(({ type }) => type === "drain-overrun"));
  await stage.advance(500);
  // A sandbox that returns is frozen, with the work in it.
  expect(invocation.settled).toBe(false);
  finish.open();
  await stage.advance(100);
  expect(invocation.error).toMatchObject({ code: "OUT_OF_TIME", cause: { code: "WORK_NOT_STOPPED" } });
  expect((invocation.error as Error).message).toContain("stopped too late");
});

test("stands by while another runs the tick: takes over when that one dies, within the same invocation", async () => {
  const stage = new Stage();
  const dying = stagedFunction(stage, "a", () => new Promise(() => {}), once);
  void dying.invoke();
  await stage.advance(1_000);
  const standby = stagedFunction(stage, "b", ({ term }) => term, once);
  const invocation = watch(standby.invoke());
  await stage.advance(25_000, { frozen: [dying.clock] });
  expect(invocation.value).toEqual({ role: "leader", term: 2, result: 2 });
});

test("stands by until the tick is done", async () => {
  const stage = new Stage();
  const finish = gate();
  const running = watch(stagedFunction(stage, "a", () => finish.opened, once).invoke());
  await stage.advance(100);
  const invocation = watch(stagedFunction(stage, "b", () => expect.unreachable(), once).invoke());
  await stage.advance(8_000);
  expect(invocation.settled).toBe(false);
  finish.open();
  await stage.advance(8_000);
  expect(running.value).toMatchObject({ role: "leader" });
  expect(invocation.value).toEqual({ role: "done" });
  expect(stage.pendingTimers).toBe(0);
});

test("stands by no longer than there is time to run anything, and then says who leads", async () => {
  const stage = new Stage();
  const finish = gate();
  const leader = watch(stagedFunction(stage, "a", () => finish.opened, once).invoke());
  await stage.advance(100);
  const invocation = watch(stagedFunction(stage, "b", () => expect.unreachable(), once).invoke());
  const passedMs = await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ because: "not-completed", leader: { term: 1 } });
  expect(passedMs).toBeLessThanOrEqual(TIMEOUT_MS - 15_000);
  finish.open();
  await stage.until(() => leader.settled);
  expect(stage.pendingTimers).toBe(0);
});

test("a table that never answers fails the invocation, also of one that stands by", async () => {
  const stage = new Stage();
  const store = between(stage.table, () => Promise.reject(new TableUnavailableError("read the lease")));
  const invocation = watch(
    stagedFunction(stage, "a", () => expect.unreachable(), { ...once, store }).invoke(),
  );
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ code: "TABLE_UNAVAILABLE" });
});

test("sticky: the group that completed a tick gets the next; the other takes over when it misses", async () => {
  const stage = new Stage();
  const ran: string[] = [];
  const region = (group: string) => {
    const sticky = { group, forMs: 60_000 + 10_000 };
    const work: LeaderWork<number> = (_, { tick }) => ran.push(`${group} ${tick?.slice(11, 16)}`);
    return stagedFunction(stage, group, work, { ...once, sticky });
  };
  const at = (minute: number) => ({ scheduledTime: `2026-01-01T00:0${minute}:00Z` });
  const [east, west] = [region("east"), region("west")];
  expect(await east.run(at(0))).toMatchObject({ role: "leader" });
  await stage.advance(60_000);
  const other = watch(west.invoke(at(1)));
  await stage.advance(1_000);
  expect(await east.run(at(1))).toMatchObject({ role: "leader" });
  await stage.until(() => other.settled);
  expect(other.value).toEqual({ role: "done" });
  // East is gone: west waits for what is kept for it, and no longer, in one invocation.
  await stage.advance(120_000 - stage.time.monotonicMs());
  const alone = watch(west.invoke(at(2)));
  await stage.advance(5_000);
  expect(alone.settled).toBe(false);
  await stage.advance(20_000);
  expect(alone.value).toMatchObject({ role: "leader" });
  expect(ran).toEqual(["east 00:00", "east 00:01", "west 00:02"]);
});

test("what an operator paused is not run, and stands by", async () => {
  const stage = new Stage();
  await stagedFunction(stage, "a", () => {}, once).run();
  const operator = new Operator({ store: stage.table, name: "billing/nightly" });
  await operator.pause();
  const job = stagedFunction(stage, "b", () => "ran", once);
  const next = { scheduledTime: "2026-01-01T01:00:00Z" };
  const invocation = watch(job.invoke(next));
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ because: "not-completed", leader: undefined });
  await operator.resume();
  // The look that ended the wait is fresh, so this invocation polls an interval later.
  const retry = watch(job.invoke(next));
  await stage.until(() => retry.settled);
  expect(retry.value).toMatchObject({ role: "leader" });
});
