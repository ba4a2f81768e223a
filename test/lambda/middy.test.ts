import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import { expect, test } from "vitest";
import { type LeaderContext, type LeaderSettings, leaderMiddleware } from "../../src/lambda/index.js";
import type { ManualClock } from "../../src/testing/index.js";
import { contextOf, passTime, slowTable, TICK, TIMEOUT_MS, until, watch } from "../support/lambda.js";
import { factsOf } from "../support/lease.js";
import { gate, Stage } from "../support/stage.js";

const leaseOf = async (stage: Stage) => factsOf((await stage.table.read("billing/nightly")).lease);

function job(
  stage: Stage,
  work: (event: unknown, context: LeaderContext) => unknown,
  options: Partial<LeaderSettings> = {},
  plugin: { timeoutEarlyInMillis?: number } = {},
  earlier: MiddlewareObj[] = [],
): { invoke(event?: unknown): Promise<unknown>; run(event?: unknown): Promise<unknown>; clock: ManualClock } {
  const { clock } = stage.candidate("a");
  const middleware = leaderMiddleware({
    store: slowTable(stage),
    election: "billing/nightly",
    once: "tick",
    runtime: { clock },
    ...options,
  });
  const handler = middy({ timeoutEarlyInMillis: 0, ...plugin })
    .use([...earlier, middleware])
    .handler(async (event, context) => work(event, context as unknown as LeaderContext));
  const invoke = (event: unknown = { scheduledTime: TICK }) =>
    handler(event, contextOf(clock) as unknown as Context) as Promise<unknown>;
  return { invoke, run: (event) => passTime(stage, invoke(event)), clock };
}

test("the leader's handler finds its leadership in the context; the lease is given back and the tick recorded", async () => {
  const stage = new Stage();
  const { run } = job(stage, (event, { leadership, tick, signal }) => {
    leadership.throwIfLost();
    return { event, term: leadership.term, tick, aborted: signal.aborted };
  });
  expect(await run()).toEqual({
    role: "leader",
    term: 1,
    result: { event: { scheduledTime: TICK }, term: 1, tick: "2026-01-01T00:00:00.000Z", aborted: false },
  });
  expect((await leaseOf(stage))?.holder).toBeUndefined();
  expect(await run()).toEqual({ role: "done" });
  expect(stage.pendingTimers).toBe(0);
});

test("a follower does not come to its handler", async () => {
  const stage = new Stage();
  const leadership = await stage.candidate("other").election.tryCampaign();
  const options = { standBy: false, onMissedTick: "return" } as const;
  const { run } = job(stage, () => expect.unreachable(), options);
  expect(await run()).toMatchObject({ role: "follower", leader: { term: 1 } });
  const failing = job(stage, () => expect.unreachable(), { standBy: false });
  await expect(failing.run()).rejects.toMatchObject({ code: "MISSED_TICK", because: "not-completed" });
  await leadership?.resign();
});

test("what the handler throws comes out, with the lease given back and the tick open", async () => {
  const stage = new Stage();
  const { run } = job(stage, (_, { leadership }) => {
    if (leadership.term === 1) throw new Error("disk full");
    return "done";
  });
  await expect(run()).rejects.toThrow("disk full");
  expect((await leaseOf(stage))?.holder).toBeUndefined();
  expect(await run()).toMatchObject({ role: "leader", term: 2, result: "done" });
});

test("a run whose tick could not be recorded fails, though the handler returned", async () => {
  const stage = new Stage();
  const finish = gate();
  const { invoke, clock } = job(stage, () => finish.opened);
  const invocation = watch(invoke());
  await stage.advance(1_000);
  await stage.advance(30_000, { frozen: [clock] });
  clock.freeze(30_000);
  finish.open();
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ code: "LEASE_LOST" });
});

test("bad input fails the invocation before the handler", async () => {
  const { run } = job(new Stage(), () => expect.unreachable());
  await expect(run({ detail: {} })).rejects.toThrow(/^event\.scheduledTime: /);
});

test("the signal aborts before the timeout", async () => {
  const stage = new Stage();
  const { invoke } = job(stage, (_, { signal }) => until(signal));
  const invocation = watch(invoke());
  await stage.advance(TIMEOUT_MS);
  expect(invocation.error).toMatchObject({
    code: "OUT_OF_TIME",
    cause: { code: "LEASE_LOST", reason: "resigned" },
  });
  expect((await leaseOf(stage))?.holder).toBeUndefined();
});

test("Middy's early timeout releases nothing under a handler that still runs", async () => {
  const stage = new Stage();
  const finish = gate();
  const early = Object.assign(new Error("early", { cause: { package: "@middy/core" } }), {
    name: "TimeoutError",
  });
  const middleware = leaderMiddleware({
    store: slowTable(stage),
    election: "billing/nightly",
    once: "tick",
    runtime: { clock: stage.time },
  });
  const request = {
    event: { scheduledTime: TICK },
    context: contextOf(stage.time),
    response: undefined as unknown,
    error: undefined as unknown,
  };
  expect(await passTime(stage, middleware.before(request))).toBeUndefined();
  await stage.advance(TIMEOUT_MS);
  request.error = early;
  await middleware.onError(request);
  await stage.advance(100);
  expect((await leaseOf(stage))?.holder).toBeDefined();
  finish.open();
});

test("Middy's own timeout comes out as it is, and the lease is kept while the handler runs", async () => {
  const stage = new Stage();
  // Middy's timer is a real one: it fires a moment after the handler began.
  const timeoutEarlyInMillis = TIMEOUT_MS - 200;
  const { invoke } = job(stage, () => new Promise(() => {}), {}, { timeoutEarlyInMillis });
  const early = { name: "TimeoutError", cause: { package: "@middy/core" } };
  const failed = expect(invoke()).rejects.toMatchObject(early);
  await stage.advance(1_000);
  await failed;
  expect((await leaseOf(stage))?.holder).toBeDefined();
});

test("work that was stopped fails as out of time, as with leaderHandler, and earlier middlewares are told so", async () => {
  const stage = new Stage();
  const seen: unknown[] = [];
  const onError = async ({ error }: { error: unknown }) => {
    seen.push(error);
  };
  const { invoke } = job(stage, (_, { signal }) => until(signal), { drainMs: 4_000 }, {}, [{ onError }]);
  const invocation = watch(invoke());
  await stage.until(() => invocation.settled);
  expect(invocation.error).toMatchObject({ code: "OUT_OF_TIME", cause: { code: "LEASE_LOST" } });
  expect(seen).toEqual([invocation.error]);
  expect((await leaseOf(stage))?.holder).toBeUndefined();
});

test("as the last middleware it does not bid when one before it answers early", async () => {
  const stage = new Stage();
  const { clock } = stage.candidate("a");
  const handler = middy({ timeoutEarlyInMillis: 0 })
    .use({ before: async () => ({ cached: true }) })
    .use(
      leaderMiddleware({
        store: slowTable(stage),
        election: "billing/nightly",
        once: "tick",
        runtime: { clock },
      }),
    )
    .handler(async () => expect.unreachable());
  const context = contextOf(clock) as unknown as Context;
  expect(await handler({ scheduledTime: TICK }, context)).toEqual({ cached: true });
  expect(await leaseOf(stage)).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});
