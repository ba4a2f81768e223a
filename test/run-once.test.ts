import { expect, test } from "vitest";
import { TableUnavailableError } from "../src/index.js";
import { lastTickOf } from "../src/protocol/ticks.js";
import { factsOf } from "./support/lease.js";
import { between, gate, Stage } from "./support/stage.js";

const TICK = "2026-01-31T03:00:00Z";
/** As it is written. */
const DONE = "2026-01-31T03:00:00.000Z";
const NAME = "billing/nightly";

test("a tick completes once, whoever asks, however often, also out of order", async () => {
  const stage = new Stage();
  const players = ["a", "b", "c"].map((label) => stage.candidate(label));
  let runs = 0;
  const work = () => ++runs;
  const outcomes = [];
  for (const { election } of [...players, ...players]) outcomes.push(await election.runOnce(TICK, work));
  expect(outcomes.map(({ ran }) => ran)).toEqual([true, false, false, false, false, false]);
  expect(outcomes[1]).toEqual({ ran: false, because: "done", leader: undefined, lastTick: DONE });
  expect(await players[1]?.election.runOnce("2026-01-31T02:00:00Z", work)).toMatchObject({
    because: "superseded",
    completed: "no",
  });
  expect(await players[1]?.election.runOnce("2026-01-31T04:00:00Z", work)).toMatchObject({
    ran: true,
    term: 2,
  });
  expect(runs).toBe(2);
});

test("while one runs it, others are told who, and do not run it", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  const finish = gate();
  const running = a.election.runOnce(TICK, () => finish.opened);
  await stage.advance(100);
  expect(await b.election.runOnce(TICK, () => {})).toMatchObject({
    ran: false,
    because: "held",
    leader: { candidateId: a.election.candidateId, term: 1 },
  });
  finish.open();
  await running;
});

test("a run that throws leaves the tick open for the next try, under a new term", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const fail = () => Promise.reject(new Error("disk full"));
  await expect(election.runOnce(TICK, fail)).rejects.toThrow("disk full");
  expect(await election.runOnce(TICK, ({ term }) => term)).toEqual({
    ran: true,
    term: 2,
    result: 2,
    lastTick: DONE,
  });
});

test("a run that lost its lease completes nothing: somebody else does", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  const finish = gate();
  const running = a.election.runOnce(TICK, () => finish.opened);
  running.catch(() => {});
  await stage.advance(100);
  await stage.advance(8_000, { frozen: [a.clock] });
  expect(await b.election.runOnce(TICK, ({ term }) => term)).toEqual({
    ran: true,
    term: 2,
    result: 2,
    lastTick: DONE,
  });
  a.clock.freeze(8_000);
  finish.open();
  await expect(running).rejects.toMatchObject({ code: "LEASE_LOST" });
  expect(await a.election.runOnce(TICK, () => {})).toMatchObject({ ran: false, because: "done" });
});

test("wait: true stands by and takes over when the one that runs dies", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  const c = stage.candidate("c");
  void a.election.runOnce(TICK, () => new Promise(() => {}));
  await stage.advance(100);
  const standby = b.election.runOnce(TICK, ({ term }) => term, { wait: true });
  const other = c.election.runOnce(TICK, ({ term }) => term, { wait: true });
  await stage.advance(8_000, { frozen: [a.clock] });
  const outcomes = await Promise.all([standby, other]);
  expect(outcomes.filter(({ ran }) => ran)).toEqual([{ ran: true, term: 2, result: 2, lastTick: DONE }]);
  expect(outcomes.filter(({ ran }) => !ran)).toMatchObject([{ because: "done" }]);
});

test("a tick that cannot be recorded is reported, not swallowed", async () => {
  const stage = new Stage();
  const store = between(stage.table, (verb, pass) =>
    verb === "resign" ? Promise.reject(new TableUnavailableError("resign")) : pass(),
  );
  const { election } = stage.candidate("a", { store });
  const running = election.runOnce(TICK, () => "worked");
  const outcome = expect(running).rejects.toMatchObject({ code: "TABLE_UNAVAILABLE" });
  await stage.advance(5_000);
  await outcome;
});

test("a completed tick survives even the deletion of the lease row", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  await a.election.runOnce(TICK, () => {});
  stage.table.deleteLease("billing/nightly");
  const b = stage.candidate("b");
  expect(await b.election.runOnce(TICK, () => {})).toMatchObject({ ran: false, because: "done" });
});

test.each(["", "x".repeat(101), 7.5])("a tick %j is refused", async (tick) => {
  const { election } = new Stage().candidate("a");
  await expect(election.runOnce(tick, () => {})).rejects.toMatchObject({
    code: "INVALID_OPTION",
    option: "tick",
  });
});

test("what is written of a beginning and arrives late takes no completed tick back", async () => {
  const stage = new Stage();
  const again: Array<() => unknown> = [];
  const store = between(stage.table, (verb, pass) => {
    if (verb === "recordTerm") again.push(pass);
    return pass();
  });
  const { election } = stage.candidate("a", { store });
  await election.runOnce("2026-01-31T02:00:00Z", () => {});
  await election.runOnce(TICK, () => {});
  // All of it arrives once more, as duplicates do, the beginnings last.
  for (const send of again.reverse()) await send();
  stage.table.deleteLease("billing/nightly");
  const bid = stage.candidate("b").election.runOnce(TICK, () => "ran twice", { wait: true });
  await stage.advance(30_000);
  expect(await bid).toMatchObject({ ran: false, because: "done" });
});

test("a run that lost its lease leaves no trace in history: after a deletion of the row its tick runs again", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const finish = gate();
  const running = a.election.runOnce(TICK, () => finish.opened);
  running.catch(() => {});
  await stage.advance(100);
  // Blocked for longer than its lease, and then it returns as if nothing had happened.
  a.clock.freeze(8_000);
  finish.open();
  await expect(running).rejects.toMatchObject({ code: "LEASE_LOST" });
  await stage.advance(1_000);
  stage.table.deleteLease(NAME);
  const bid = stage.candidate("b").election.runOnce(TICK, ({ term }) => term, { wait: true });
  await stage.advance(30_000);
  expect(await bid).toEqual({ ran: true, term: 2, result: 2, lastTick: DONE });
});

test("a run whose release nobody confirmed leaves no trace in history of its own; the next leader's tells of it if it landed", async () => {
  for (const lands of [false, true]) {
    const stage = new Stage();
    const store = between(stage.table, async (verb, pass) => {
      if (verb !== "resign") return pass();
      if (lands) await pass();
      throw new TableUnavailableError("resign");
    });
    const running = stage.candidate("a", { store }).election.runOnce(TICK, () => "worked");
    const outcome = expect(running).rejects.toMatchObject({ code: "TABLE_UNAVAILABLE" });
    await stage.advance(5_000);
    await outcome;
    const told = () =>
      stage.table.terms(NAME).flatMap(({ lastTick, lastTickBefore }) => lastTick ?? lastTickBefore ?? []);
    expect(told()).toEqual([]);
    const next = stage.candidate("b").election.campaign();
    await stage.advance(5_000);
    expect((await next).term).toBe(2);
    expect(told()).toEqual(lands ? [DONE] : []);
  }
});

test("the tick of a completed run is in history when runOnce resolves, and not before the lease row says so", async () => {
  const stage = new Stage();
  const told: Array<string | undefined> = [];
  const store = between(stage.table, async (verb, pass) => {
    const answer = await pass();
    if (verb === "recordTerm" || verb === "resign") {
      const { lease } = await stage.table.read(NAME);
      const recorded = stage.table.terms(NAME).some(({ lastTick }) => lastTick === DONE);
      told.push(
        `${recorded ? "recorded" : "not recorded"}, row ${lastTickOf(factsOf(lease)?.ticks) === DONE ? "done" : "open"}`,
      );
    }
    return answer;
  });
  await stage.candidate("a", { store }).election.runOnce(TICK, () => {});
  expect(told.slice(-2)).toEqual(["not recorded, row done", "recorded, row done"]);
});

test("history that never answers delays runOnce for some timeouts, and no longer", async () => {
  const stage = new Stage();
  const store = between(stage.table, (verb, pass) =>
    verb === "recordTerm" ? new Promise(() => {}) : pass(),
  );
  const { election } = stage.candidate("a", { store, tuning: { requestTimeoutMs: 500 } });
  const running = election.runOnce(TICK, () => "worked");
  await stage.advance(15_000);
  expect(await running).toMatchObject({ ran: true, result: "worked" });
  expect(stage.pendingTimers).toBe(0);
});

test("a run that gave its lease back by itself did not record its tick, and says so", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const running = election.runOnce(TICK, (leadership) => leadership.resign());
  await expect(running).rejects.toMatchObject({ code: "LEASE_LOST", reason: "resigned" });
  expect(await stage.candidate("b").election.runOnce(TICK, ({ term }) => term)).toMatchObject({
    ran: true,
    term: 2,
  });
});
