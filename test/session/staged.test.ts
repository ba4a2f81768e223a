import { expect, test } from "vitest";
import { type Leadership, Operator, SessionClosedError } from "../../src/index.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { between, gate, type Process, Stage, type Verb } from "../support/stage.js";

const LEASE_MS = 3_000;
const TRUST_MS = 2_700;
const INTERVAL_MS = 1_000;
const NAME = "billing/nightly";

const never = () => new Promise<never>(() => {});
const untilEnd = ({ signal }: Leadership) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
const read = async (stage: Stage, name = NAME) => (await stage.table.read(name)).lease;

/** Lets staged time pass until the promise is settled. */
async function passing<T>(stage: Stage, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let isSettled = false;
  const done = () => {
    isSettled = true;
  };
  promise.then(done, done);
  await stage.until(() => isSettled, limitMs);
  return promise;
}

const won = (stage: Stage, process: Process, name = NAME) => passing(stage, process.elect(name).campaign());

/** A table that counts the requests of one process, and can be meddled with. */
function watched(stage: Stage) {
  const verbs: Verb[] = [];
  const faults = new Map<Verb, (pass: () => Promise<unknown>) => Promise<unknown>>();
  const store = between(stage.table, (verb, pass) => {
    verbs.push(verb);
    return (faults.get(verb) ?? ((go) => go()))(pass);
  });
  return { store, verbs, faults };
}

test("300 leases: one write per interval, and three looks in eight leases", async () => {
  const stage = new Stage();
  const { store, verbs } = watched(stage);
  const process = stage.session("a", { store });
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
  const stage = new Stage();
  const process = stage.session("a");
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
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
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
  const stage = new Stage();
  const process = stage.session("a");
  const [x, y] = await Promise.all(["x", "y"].map((name) => won(stage, process, name)));
  // An operator of before, who nudges nobody.
  await stage.table.evict({ election: "x", term: 1, at: undefined });
  await stage.until(() => x?.signal.aborted === true, 9 * LEASE_MS);
  expect(x?.signal.reason).toMatchObject({ reason: "evicted" });
  y?.throwIfLost(1_000);
});

test("looks that fail for a whole row lease end the leadership, and the row is given back", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
  const leadership = await won(stage, process);
  faults.set("readMany", () => Promise.reject(new Error("no")));
  await stage.advance(14 * LEASE_MS);
  leadership.throwIfLost();
  await stage.advance(2 * LEASE_MS);
  expect(() => leadership.throwIfLost()).toThrow(expect.objectContaining({ reason: "expired" }));
  expect(process.session.isOpen).toBe(true);
});

test("an eviction is known with the next heartbeat, and acknowledged when the work has stopped", async () => {
  const stage = new Stage();
  const process = stage.session("a");
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
  expect(await read(stage)).not.toHaveProperty("isAcknowledged");
  stopped.open();
  await stage.advance(INTERVAL_MS);
  expect(await read(stage)).toMatchObject({ term: 2 });
  void process.session.close();
  await passing(stage, life);
});

test("an acquire that lands when nobody waits any more is given back", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
  await won(stage, process, "other");
  const late: Array<() => Promise<unknown>> = [];
  faults.set("acquire", (pass) => {
    late.push(pass);
    return never();
  });
  const stop = new AbortController();
  const bid = process.elect().campaign({ signal: stop.signal });
  bid.catch(() => {});
  await stage.until(() => late.length > 0);
  stop.abort(new Error("enough"));
  await expect(passing(stage, bid)).rejects.toThrow("enough");
  await stage.advance(20 * LEASE_MS);
  await late[0]?.();
  expect(await read(stage)).toMatchObject({ kind: "held", session: process.session.id });
  await stage.advance(2 * LEASE_MS);
  expect(await read(stage)).toMatchObject({ kind: "vacant", term: 1 });
  expect(process.session.isOpen).toBe(true);
});

test("work that does not stop keeps its lease for one lease more, and not as long as the session lives", async () => {
  const stage = new Stage();
  const process = stage.session("a", { stopTimeoutMs: 1_000 });
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

test("a release that is not confirmed is settled later, while the session lives", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
  await won(stage, process, "other");
  const leadership = await won(stage, process);
  faults.set("resign", () => Promise.reject(new Error("no")));
  expect(await passing(stage, leadership.resign())).toBe("unconfirmed");
  faults.delete("resign");
  await stage.advance(2 * LEASE_MS);
  expect(await read(stage)).toMatchObject({ kind: "vacant", term: 1 });
});

test("the settler leaves a new leadership of the same candidate alone", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
  await won(stage, process, "other");
  const election = process.elect();
  const first = await passing(stage, election.campaign());
  faults.set("resign", () => Promise.reject(new Error("no")));
  expect(await passing(stage, first.resign())).toBe("unconfirmed");
  const second = await passing(stage, election.campaign());
  faults.delete("resign");
  expect(second.term).toBe(2);
  await stage.advance(20 * LEASE_MS);
  second.throwIfLost(1_000);
  expect(await read(stage)).toMatchObject({ kind: "held", term: 2 });
});

test("what the settler reads late may be a new leadership of the same candidate: it is left alone", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store });
  await won(stage, process, "other");
  const election = process.elect();
  const first = await passing(stage, election.campaign());
  faults.set("resign", () => Promise.reject(new Error("no")));
  const { opened, open } = gate();
  let isLooking = false;
  faults.set("readMany", async (pass) => {
    isLooking = true;
    await opened;
    return pass();
  });
  expect(await passing(stage, first.resign())).toBe("unconfirmed");
  await stage.until(() => isLooking, LEASE_MS);
  faults.delete("resign");
  const second = await passing(stage, election.campaign());
  open();
  await stage.advance(LEASE_MS / 4);
  second.throwIfLost(1_000);
  expect(await read(stage)).toMatchObject({ kind: "held", term: second.term });
});

test("a session that holds nothing gives its row back, and nothing is left running", async () => {
  const stage = new Stage();
  const process = stage.session("a");
  const leadership = await won(stage, process);
  const { id = "" } = process.session;
  await passing(stage, leadership.resign());
  await stage.advance(3 * LEASE_MS);
  expect(process.session.isOpen).toBe(false);
  expect(await read(stage, sessionRowName(id))).toMatchObject({ kind: "vacant", endReason: "resigned" });
  expect(stage.pendingTimers).toBe(0);
  await won(stage, process);
  expect(process.session.id).not.toBe(id);
});

test("closing ends each call in its way, and gives all back", async () => {
  const stage = new Stage();
  const process = stage.session("a");
  const life = process.elect("led").lead(untilEnd);
  const other = await passing(stage, stage.candidate("b", { name: "waits" }).election.campaign());
  const waiting = process.elect("waits").campaign();
  waiting.catch(() => {});
  await stage.advance(LEASE_MS);
  const { id = "" } = process.session;
  expect(await passing(stage, process.session.close())).toBe("released");
  expect(await passing(stage, life)).toBeUndefined();
  await expect(waiting).rejects.toThrow(SessionClosedError);
  await expect(process.elect("led").lead(untilEnd)).rejects.toThrow(SessionClosedError);
  expect(await read(stage, "led")).toMatchObject({ kind: "vacant", endReason: "resigned" });
  expect(await read(stage, sessionRowName(id))).toMatchObject({ kind: "vacant", endReason: "resigned" });
  await passing(stage, other.resign());
  expect(stage.pendingTimers).toBe(0);
});

test("closing under work that does not stop: the session's row is not given back, and runs out", async () => {
  const stage = new Stage();
  const process = stage.session("a", { stopTimeoutMs: 1_000 });
  let leadership: Leadership | undefined;
  const life = process.elect().lead((own) => {
    leadership = own;
    return never();
  });
  life.catch(() => {});
  await stage.until(() => leadership !== undefined);
  const { id = "" } = process.session;
  expect(await passing(stage, process.session.close())).toBe("unconfirmed");
  await expect(passing(stage, life)).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  await stage.advance(10 * LEASE_MS);
  expect(leadership?.remainingMs()).toBe(0);
  expect(await read(stage, sessionRowName(id))).toMatchObject({ kind: "held" });
});

test("closing does not hang on a dead table", async () => {
  const stage = new Stage();
  const { store, faults } = watched(stage);
  const process = stage.session("a", { store, stopTimeoutMs: 5_000 });
  const life = process.elect().lead(untilEnd);
  await stage.until(() => process.session.isOpen);
  await stage.advance(200);
  for (const verb of ["renew", "resign", "read", "readMany"] as const) faults.set(verb, never);
  const outcome = await passing(stage, process.session.close(), 8_000);
  expect(outcome).toBe("lost");
  await passing(stage, life, 8_000);
});

test("an opening that hangs is not used: the next one has another id", async () => {
  const stage = new Stage();
  const { store, faults, verbs } = watched(stage);
  const process = stage.session("a", { store });
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
  const stage = new Stage();
  const process = stage.session("a");
  const leadership = await won(stage, process);
  const { id = "" } = process.session;
  await passing(stage, leadership.proclaim("http://10.0.0.7"));
  expect(await read(stage)).toMatchObject({ value: "http://10.0.0.7", session: id });
  expect(await read(stage)).toMatchObject({ expiresAt: undefined });
  await stage.advance(INTERVAL_MS);
  expect((await read(stage, sessionRowName(id))) as object).toMatchObject({ value: `1 ${NAME}` });
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
  const stage = new Stage();
  const process = stage.session("a");
  const run = () => process.elect().runOnce("2026-01-31T03:00:00Z", () => "done");
  expect(await passing(stage, run())).toMatchObject({ ran: true, result: "done" });
  expect(await passing(stage, run())).toMatchObject({ ran: false, because: "done" });
});

test("with an order the row is renewed each interval, keeps its line, and hands over by rank", async () => {
  const stage = new Stage();
  const order = (rank: number) =>
    ({ succession: { order: "rank", rank, preempt: { minTenureMs: 0 } } }) as const;
  const low = stage.session("low");
  const life = low.elect(NAME, order(1)).lead(untilEnd);
  await stage.until(() => low.session.isOpen);
  await stage.advance(LEASE_MS);
  const before = await read(stage);
  await stage.advance(2 * INTERVAL_MS);
  expect((await read(stage))?.revision).toBeGreaterThan(before?.revision ?? 0);
  const high = stage.session("high");
  const leadership = await passing(stage, high.elect(NAME, order(2)).campaign(), 20 * LEASE_MS);
  expect(leadership.term).toBeGreaterThan(1);
  void low.session.close();
  await passing(stage, life);
});
