import { describe, expect, test } from "vitest";
import { SessionWatch } from "../../src/candidate/session-watch.js";
import type { Clock } from "../../src/clock.js";
import { LeaseClient } from "../../src/lease-client.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { resolveOptions } from "../../src/resolve-options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";
import { SessionHolder } from "../support/session-holder.js";
import { between, type Verb } from "../support/stage.js";

/** One process that follows the sessions of others, on a clock that only a test moves. */

const LEASE_MS = 3_000;
const INTERVAL_MS = LEASE_MS / 3;
const ROW = sessionRowName("s");

function staged(
  meddle: (verb: Verb, pass: () => Promise<unknown>) => Promise<unknown> = (_, pass) => pass(),
) {
  const clock = new ManualClock();
  const table = new MemoryTable({ serviceTimeMs: () => clock.wallMs() });
  const requests: Verb[] = [];
  const store: LeaseStore = between(table, (verb, pass) => {
    requests.push(verb);
    return meddle(verb, pass);
  });
  const tuning = { expiry: "observation" } as const;
  const given = { name: "own", leaseDurationMs: LEASE_MS, tuning, runtime: { clock: clock as Clock } };
  const options = resolveOptions(given, () => "w");
  const events: string[] = [];
  const watch = new SessionWatch(new LeaseClient(store, options, () => {}), options, ({ type }) =>
    events.push(type),
  );
  const count = (verb: Verb) => requests.filter((sent) => sent === verb).length;
  return { clock, table, watch, events, count, holder: new SessionHolder(table, "s", LEASE_MS) };
}

/** Lets time pass while the session's heartbeats go on. */
async function beating(clock: ManualClock, holder: SessionHolder, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += INTERVAL_MS) {
    await holder.beat();
    await clock.advance(INTERVAL_MS);
  }
}

test("any number of elections that wait for a session read it once per interval, and nobody's session is not read", async () => {
  const { clock, watch, count, holder } = staged();
  await holder.open();
  const following = Array.from({ length: 100 }, (_, i) => watch.follow("s", `e${i}`));
  await beating(clock, holder, 20 * INTERVAL_MS);
  // A bracket that is still wide is halved by some polls more (rule 4d).
  expect(count("read")).toBeLessThanOrEqual(26);
  expect(count("read")).toBeGreaterThanOrEqual(18);
  for (const { stop } of following.map((one) => ({ stop: () => one.stop() }))) stop();
  const before = count("read");
  await clock.advance(20 * INTERVAL_MS);
  expect(count("read")).toBe(before);
  expect(clock.pendingTimers).toBe(0);
});

test("a dead session is sealed on the pair that was seen, and that wakes who waits", async () => {
  const { clock, table, watch, holder } = staged();
  await holder.open();
  const following = watch.follow("s", "e");
  await clock.advance(LEASE_MS - 1);
  expect(watch.fateOf("s")?.kind).toBe("alive");
  let isAwake = false;
  following.looking();
  void following.wait(1e9, undefined).then(() => {
    isAwake = true;
  });
  await clock.advance(20);
  expect(isAwake).toBe(true);
  expect(watch.fateOf("s")).toMatchObject({ kind: "ended", reason: "expired" });
  expect((await table.read(ROW)).lease).toMatchObject({ kind: "vacant", endReason: "expired" });
  expect(await holder.beat()).toBe(false);
});

test("a heartbeat that lands before the seal refuses it, and the session lives", async () => {
  let land: (() => Promise<unknown>) | undefined;
  const { clock, watch, holder } = staged(async (verb, pass) => {
    if (verb === "sealSession") await land?.();
    return pass();
  });
  await holder.open();
  watch.follow("s", "e");
  land = async () => {
    land = undefined;
    await holder.beat();
  };
  await clock.advance(LEASE_MS + 20);
  expect(land).toBeUndefined();
  expect(watch.fateOf("s")?.kind).toBe("alive");
  await clock.advance(LEASE_MS - 40);
  expect(watch.fateOf("s")?.kind).toBe("alive");
  await clock.advance(60);
  expect(watch.fateOf("s")?.kind).toBe("ended");
});

test("a missing row is buried, and a row that an old replica does not have is not", async () => {
  let isStale = true;
  const { clock, table, watch, holder, count } = staged(async (verb, pass) => {
    const answer = (await pass()) as object;
    // The first read of each look is answered by a replica without the row.
    if (verb !== "read" || !isStale) return answer;
    isStale = false;
    return { ...answer, lease: undefined };
  });
  await holder.open();
  watch.follow("s", "e");
  await clock.advance(1);
  expect(watch.fateOf("s")?.kind).toBe("alive");
  expect(count("burySession")).toBe(0);
  table.deleteLease(ROW);
  await clock.advance(2 * INTERVAL_MS);
  expect(watch.fateOf("s")?.kind).toBe("tombstone");
  expect((await table.read(ROW)).lease).toMatchObject({ kind: "vacant", endReason: "deleted" });
  expect(await holder.beat()).toBe(false);
});

test("a row that is made again while it is buried is not overwritten", async () => {
  const { clock, watch, holder } = staged(async (verb, pass) => {
    if (verb === "burySession") await holder.open();
    return pass();
  });
  watch.follow("s", "e");
  await clock.advance(10);
  expect(watch.fateOf("s")?.kind).toBe("alive");
});

describe("the change log", () => {
  async function followed(...elections: string[]) {
    const stage = staged();
    await stage.holder.open();
    const followers = elections.map((election) => stage.watch.follow("s", election));
    await stage.clock.advance(1);
    return { ...stage, followers, called: () => followers.map(({ isCalled }) => isCalled) };
  }

  test("calls a newcomer once, when it was read first: what it says of the past is not known", async () => {
    const { clock, holder, followers, called } = await followed("a", "b");
    expect(called()).toEqual([true, true]);
    for (const follower of followers) expect(follower.looking()).toBeUndefined();
    await beating(clock, holder, 5 * INTERVAL_MS);
    expect(called()).toEqual([false, false]);
  });

  test("calls exactly those whom it names, with the moment until which their rows were as they had been", async () => {
    const { clock, holder, followers, called } = await followed("a", "b", "c");
    for (const follower of followers) follower.looking();
    await beating(clock, holder, 3 * INTERVAL_MS);
    holder.log("b");
    holder.log("other");
    const loggedMs = clock.monotonicMs();
    await beating(clock, holder, 2 * INTERVAL_MS);
    expect(called()).toEqual([false, true, false]);
    const untilMs = followers[1]?.looking();
    expect(untilMs).toBeLessThanOrEqual(loggedMs);
    expect(untilMs).toBeGreaterThan(loggedMs - 2 * INTERVAL_MS);
    expect(called()).toEqual([false, false, false]);
  });

  test("calls all if it jumped over names", async () => {
    const { clock, holder, followers, called } = await followed("a", "b");
    for (const follower of followers) follower.looking();
    for (let i = 0; i < 600; i++) holder.log(`other-${i}`);
    await beating(clock, holder, 2 * INTERVAL_MS);
    expect(called()).toEqual([true, true]);
  });

  test("calls all if an older row was put back", async () => {
    const { clock, table, holder, followers, called } = await followed("a", "b");
    const old = (await table.read(ROW)).lease;
    for (let i = 0; i < 3; i++) holder.log("other");
    await beating(clock, holder, 2 * INTERVAL_MS);
    for (const follower of followers) follower.looking();
    if (old) table.restore(ROW, old);
    await clock.advance(2 * INTERVAL_MS);
    expect(called()).toEqual([true, true]);
  });

  test("does not call who read its row after the last poll, and calls who read it before", async () => {
    const { clock, watch } = await followed("a");
    await clock.advance(1);
    expect(watch.follow("s", "b", clock.monotonicMs()).isCalled).toBe(false);
    expect(watch.follow("s", "c", -1).isCalled).toBe(true);
    expect(watch.follow("s", "d").isCalled).toBe(true);
  });

  test("tells of a closed session, whose leases were given back", async () => {
    const { clock, holder, followers, called } = await followed("a");
    followers[0]?.looking();
    await holder.close();
    await clock.advance(2 * INTERVAL_MS);
    expect(called()).toEqual([true]);
  });
});

test("while the table does not answer it tries again, less and less often, and says so", async () => {
  let isAway = false;
  const { clock, watch, holder, events, count } = staged((_, pass) =>
    isAway ? new Promise(() => {}) : pass(),
  );
  await holder.open();
  watch.follow("s", "e");
  await clock.advance(1);
  isAway = true;
  await clock.advance(4 * LEASE_MS);
  expect(watch.fateOf("s")?.kind).toBe("dead");
  expect(count("read")).toBeLessThan(20);
  expect(events).toContain("unavailable");
  isAway = false;
  await holder.beat();
  await clock.advance(LEASE_MS);
  expect(events.at(-1)).toBe("recovered");
});

test("what no retry can fix rejects the wait", async () => {
  const { clock, table, watch } = staged();
  table.restore(ROW, {
    kind: "held",
    holder: "s",
    term: 1,
    revision: 5,
    leaseDurationMs: LEASE_MS,
    renewIntervalMs: INTERVAL_MS,
    schemaVersion: 9,
  });
  const following = watch.follow("s", "e");
  const waiting = following.wait(1e9, undefined).then(
    () => undefined,
    (error: Error) => error.name,
  );
  await clock.advance(1);
  expect(await waiting).toBe("SchemaVersionError");
  following.stop();
  expect(clock.pendingTimers).toBe(0);
});

test("checks of one session at a time share a look that leaves after them", async () => {
  const { watch, holder, count } = staged();
  await holder.open();
  await Promise.all(Array.from({ length: 50 }, () => watch.check("s")));
  expect(count("read")).toBeLessThanOrEqual(2);
  expect(watch.fateOf("s")?.kind).toBe("alive");
  await holder.die();
  await watch.check("s");
  expect(watch.fateOf("s")).toMatchObject({ kind: "ended", reason: "crashed" });
});

test("a wait ends with the signal's reason, and leaves nothing behind", async () => {
  const { clock, watch, holder } = staged();
  await holder.open();
  const following = watch.follow("s", "e", 0);
  await clock.advance(1);
  following.looking();
  const stop = new AbortController();
  const waiting = following.wait(1e9, stop.signal);
  stop.abort("enough");
  await expect(waiting).rejects.toBe("enough");
  following.stop();
  expect(clock.pendingTimers).toBe(0);
});
