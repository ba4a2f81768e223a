import { expect, test } from "vitest";
import { type Leadership, Operator } from "../../src/index.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { LEASE_MS, NAME, never, passing, sessionScene, untilEnd, won } from "../support/session-scene.js";
import { gate, Stage, type Verb } from "../support/stage.js";

const TRUST_MS = 2_700;
const INTERVAL_MS = 1_000;

test("300 leases: one write per interval, and three looks in eight leases", async () => {
  const { stage, process, verbs } = sessionScene();
  const leaderships = await Promise.all(
    Array.from({ length: 300 }, (_, i) => won(stage, process, `many/${i}`)),
  );
  await stage.advance(LEASE_MS);
  verbs.splice(0);
  await stage.advance(8 * LEASE_MS);
  const count = (verb: Verb) => verbs.filter((each) => each === verb).length;
  expect(count("renew")).toBeGreaterThanOrEqual((8 * LEASE_MS) / INTERVAL_MS - 1);
  expect(count("renew")).toBeLessThanOrEqual((8 * LEASE_MS) / INTERVAL_MS + 1);
  expect(count("readMany")).toBe(3);
  expect(verbs.length).toBe(count("renew") + count("readMany"));
  for (const leadership of leaderships) leadership.throwIfLost(1_000);
  await stage.advance(40 * LEASE_MS);
  for (const leadership of leaderships) leadership.throwIfLost(1_000);
  const closing = process.session.close();
  for (const leadership of leaderships)
    leadership.signal.addEventListener("abort", () => void leadership.resign());
  expect(await passing(stage, closing)).toBe("released");
  expect(stage.pendingTimers).toBe(0);
}, 120_000);

test("a suspended machine knows at the call that its session, and so its lease, is lost", async () => {
  const { stage, process } = sessionScene();
  const leadership = await won(stage, process);
  leadership.throwIfLost(2_000);
  expect(leadership.remainingMs()).toBeLessThanOrEqual(TRUST_MS);
  process.clock.freeze(TRUST_MS + 500);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "session-lost" }));
  expect(leadership.signal.reason.lateByMs).toBeGreaterThan(400);
  expect(leadership.remainingMs()).toBe(0);
  expect(process.events.filter(({ type }) => type === "ended")).toHaveLength(2);
});

test("no renewal is confirmed: all leaderships end by themselves, before anybody else can lead", async () => {
  const { stage, process, faults } = sessionScene();
  const leaderships = await Promise.all(["x", "y"].map((name) => won(stage, process, name)));
  const others = stage.session("b");
  const waiting = ["x", "y"].map((name) => others.elect(name).campaign());
  await stage.advance(2 * LEASE_MS);
  faults.set("renew", never);
  const isOver = () => leaderships.every(({ signal }) => signal.aborted);
  let next = 0;
  for (const each of waiting) void each.then(() => next++);
  await stage.until(() => {
    if (next > 0) expect(isOver()).toBe(true);
    return next === 2;
  });
  expect(leaderships.map(({ signal }) => signal.reason.reason)).toEqual(["session-lost", "session-lost"]);
  for (const each of waiting) expect((await each).term).toBe(2);
});

test("a row that is another's is seen by the look, and ends that leadership alone", async () => {
  const { stage, process } = sessionScene();
  const [x, y] = await Promise.all(["x", "y"].map((name) => won(stage, process, name)));
  // An operator of before, who nudges nobody.
  await stage.table.evict({ election: "x", term: 1, at: undefined });
  await stage.until(() => x?.signal.aborted === true, 9 * LEASE_MS);
  expect(x?.signal.reason).toMatchObject({ reason: "evicted" });
  y?.throwIfLost(1_000);
});

test("looks that fail for a whole row lease end the leadership, and the row is given back", async () => {
  const { stage, process, faults } = sessionScene();
  const leadership = await won(stage, process);
  faults.set("readMany", () => Promise.reject(new Error("no")));
  await stage.advance(14 * LEASE_MS);
  leadership.throwIfLost();
  await stage.advance(2 * LEASE_MS);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "expired" }));
  expect(process.session.isOpen).toBe(true);
});

test("an eviction is known with the next heartbeat, and acknowledged when the work has stopped", async () => {
  const { stage, process, row } = sessionScene();
  const stopped = gate();
  let ended = false;
  const life = process.elect().lead(async (leadership) => {
    await untilEnd(leadership);
    ended = true;
    await stopped.opened;
  });
  life.catch(() => {});
  await stage.until(() => process.session.isOpen);
  await stage.advance(100);
  const clock = stage.clock();
  const operator = new Operator({ store: stage.table, name: NAME, runtime: { clock } } as never);
  await passing(stage, operator.evict());
  await stage.until(() => ended, 2 * INTERVAL_MS);
  await stage.advance(INTERVAL_MS);
  expect(await row()).not.toHaveProperty("isAcknowledged");
  stopped.open();
  await stage.advance(INTERVAL_MS);
  expect(await row()).toMatchObject({ term: 2 });
  void process.session.close();
  await passing(stage, life);
});

test("work that does not stop keeps its lease for one lease more, and not as long as the session lives", async () => {
  const { stage, process } = sessionScene({ stopTimeoutMs: 1_000 });
  await won(stage, process, "other");
  const stop = new AbortController();
  let leadership: Leadership | undefined;
  const life = process.elect().lead(
    (own) => {
      leadership = own;
      return never();
    },
    { signal: stop.signal },
  );
  life.catch(() => {});
  await stage.until(() => leadership !== undefined);
  stop.abort();
  await expect(passing(stage, life)).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  expect(leadership?.remainingMs()).toBeGreaterThan(0);
  const next = stage.session("b").elect().campaign();
  const other = await passing(stage, next, 3 * LEASE_MS);
  expect(leadership?.remainingMs()).toBe(0);
  expect(other.term).toBe(2);
});

test("an opening that hangs is not used: the next one has another id", async () => {
  const { stage, process, faults, verbs } = sessionScene();
  const late: Array<() => Promise<unknown>> = [];
  faults.set("openSession", (pass) => {
    late.push(pass);
    faults.delete("openSession");
    return never();
  });
  const leadership = await won(stage, process);
  await late[0]?.();
  await stage.advance(2 * LEASE_MS);
  leadership.throwIfLost(1_000);
  expect(verbs.filter((verb) => verb === "openSession")).toHaveLength(2);
});

test("proclaim, transact, guard and a step-down work under a session", async () => {
  const { stage, process, row } = sessionScene();
  const leadership = await won(stage, process);
  const { id = "" } = process.session;
  await passing(stage, leadership.proclaim("http://10.0.0.7"));
  expect(await row()).toMatchObject({ value: "http://10.0.0.7", session: id });
  expect(await row()).toMatchObject({ expiresAt: undefined });
  await stage.advance(INTERVAL_MS);
  expect((await row(sessionRowName(id))) as object).toMatchObject({ value: `1 ${NAME}` });
  await passing(stage, leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }]));
  expect(leadership.guard({ TableName: "ledger", Item: { id: "1" } })).toHaveProperty("ConditionExpression");
  const next = stage.session("b").elect().campaign();
  await stage.advance(LEASE_MS);
  leadership.signal.addEventListener("abort", () => void leadership.resign());
  leadership.stepDown();
  const successor = await passing(stage, next, 4 * LEASE_MS);
  expect(successor.term).toBe(2);
});

test("runOnce completes its tick once", async () => {
  const { stage, process } = sessionScene();
  const run = () => process.elect().runOnce("2026-01-31T03:00:00Z", () => "done");
  expect(await passing(stage, run())).toMatchObject({ ran: true, result: "done" });
  expect(await passing(stage, run())).toMatchObject({ ran: false, because: "done" });
});

test("with an order the row is renewed each interval, keeps its line, and hands over by rank", async () => {
  const stage = new Stage();
  const row = async () => (await stage.table.read(NAME)).lease;
  const order = (rank: number) =>
    ({ succession: { order: "rank", rank, preempt: { minTenureMs: 0 } } }) as const;
  const low = stage.session("low");
  const life = low.elect(NAME, order(1)).lead(untilEnd);
  await stage.until(() => low.session.isOpen);
  await stage.advance(LEASE_MS);
  const before = await row();
  await stage.advance(2 * INTERVAL_MS);
  expect((await row())?.revision).toBeGreaterThan(before?.revision ?? 0);
  const high = stage.session("high");
  const leadership = await passing(stage, high.elect(NAME, order(2)).campaign(), 20 * LEASE_MS);
  expect(leadership.term).toBeGreaterThan(1);
  void low.session.close();
  await passing(stage, life);
});
