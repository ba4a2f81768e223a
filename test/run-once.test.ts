import { describe, expect, test } from "vitest";
import { Operator, TableUnavailableError } from "../src/index.js";
import type { Lease } from "../src/protocol/lease.js";
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

describe("a tick behind the last one", () => {
  const WRONG = "2026-01-31T05:00:00Z";

  test("is superseded, and did not complete; with ticks: every it runs, once, and the last tick stays", async () => {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    const b = stage.candidate("b").election;
    await election.runOnce("2026-01-31T04:00:00Z", () => {});
    const lastTick = "2026-01-31T04:00:00.000Z";
    const superseded = { ran: false, because: "superseded", completed: "no", leader: undefined, lastTick };
    expect(await b.runOnce(TICK, () => {})).toEqual(superseded);
    expect(await b.runOnce(TICK, () => {}, { ticks: "latest" })).toEqual(superseded);
    expect(await b.runOnce(TICK, () => 7, { ticks: "every" })).toEqual({
      ran: true,
      term: 2,
      result: 7,
      lastTick,
    });
    for (const ticks of ["latest", "every"] as const) {
      const again = await election.runOnce(TICK, () => {}, { ticks });
      expect(again).toEqual({ ran: false, because: "done", leader: undefined, lastTick });
    }
  });

  test("that is older than the window is superseded in both modes, and nobody knows whether it completed", async () => {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    for (let tick = 10; tick <= 140; tick += 2) await election.runOnce(tick, () => {});
    for (const ticks of ["latest", "every"] as const) {
      const told = async (tick: number) => {
        const run = await election.runOnce(tick, () => {}, { ticks });
        return run.ran ? "ran" : "completed" in run ? run.completed : run.because;
      };
      // The last 64 are 14 to 140. The floor is 12.
      expect([await told(9), await told(11), await told(12), await told(14)]).toEqual([
        "unknown",
        "unknown",
        "done",
        "done",
      ]);
      expect(await told(15)).toBe(ticks === "latest" ? "no" : "ran");
    }
  });

  test("after a deletion of the lease row: the last tick is done, and nobody knows of those before it", async () => {
    const stage = new Stage();
    const a = stage.candidate("a").election;
    await a.runOnce(1, () => {});
    await a.runOnce(3, () => {});
    stage.table.deleteLease(NAME);
    const b = stage.candidate("b").election;
    expect(await b.runOnce(3, () => {})).toMatchObject({ because: "done", lastTick: "3" });
    for (const tick of [1, 2]) {
      const run = await b.runOnce(tick, () => {}, { ticks: "every" });
      expect(run).toMatchObject({ because: "superseded", completed: "unknown" });
    }
    const waiting = b.runOnce(4, () => {}, { wait: true });
    await stage.advance(30_000);
    expect(await waiting).toMatchObject({ ran: true, lastTick: "4" });
    expect(await b.runOnce(2, () => {}, { ticks: "every" })).toMatchObject({ completed: "unknown" });
  });

  test("because its form has changed is an error that says so, and what undoes a wrong last tick", async () => {
    const { election } = new Stage().candidate("a");
    await election.runOnce("tick-9", () => {});
    await expect(election.runOnce("tick-10", () => {})).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "tick",
      suggestion: "tick-000010",
      message: expect.stringMatching(
        /written in another way.*resetTick.*received a string of 7 characters/,
      ) as string,
    });
    await election.runOnce("x", () => {});
    await expect(election.runOnce(10, () => {})).rejects.toMatchObject({
      suggestion: "2026-01-31T03:00:00Z",
    });
    // It is known not to have completed, so it may run.
    expect(await election.runOnce("tick-10", () => {}, { ticks: "every" })).toMatchObject({ ran: true });
  });

  test("numbers sort as numbers, and instants by their time, however they are written", async () => {
    const { election } = new Stage().candidate("a");
    for (const tick of [9, "10", "0011"])
      expect(await election.runOnce(tick, () => {})).toMatchObject({ ran: true });
    expect(await election.runOnce(11, () => {})).toMatchObject({ because: "done", lastTick: "11" });
    expect(await election.runOnce(new Date("2026-01-31T03:00:00Z"), () => {})).toMatchObject({ ran: true });
    expect(await election.runOnce("2026-01-31T04:00:00+01:00", () => {})).toMatchObject({ because: "done" });
  });

  test("lastTick stands in every outcome", async () => {
    const stage = new Stage();
    let healthy = true;
    const { election } = stage.candidate("a", { healthy: () => healthy });
    const b = stage.candidate("b").election;
    healthy = false;
    expect(await election.runOnce(1, () => {})).toEqual({
      ran: false,
      because: "unhealthy",
      leader: undefined,
      lastTick: undefined,
    });
    healthy = true;
    expect(await election.runOnce(1, () => {})).toMatchObject({ ran: true, lastTick: "1" });
    const finish = gate();
    const running = election.runOnce(2, () => finish.opened);
    await stage.advance(100);
    expect(await b.runOnce(2, () => {})).toMatchObject({ because: "held", lastTick: "1" });
    finish.open();
    expect(await running).toMatchObject({ ran: true, lastTick: "2" });
    healthy = false;
    expect(await election.runOnce(3, () => {})).toMatchObject({ because: "unhealthy", lastTick: "2" });
  });

  test("a candidate that remembers the row asks the table before it says that a tick need not run", async () => {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    await election.runOnce(WRONG, () => {});
    expect(await new Operator({ store: stage.table, name: NAME }).resetTick()).toMatchObject({ done: true });
    expect(await election.runOnce(TICK, () => {})).toMatchObject({ ran: true, lastTick: DONE });
  });

  test("the row that the acquire returns decides: a tick that it shows as completed does not run", async () => {
    const stage = new Stage();
    await stage.candidate("a").election.runOnce(1, () => {});
    const store = between(stage.table, async (verb, pass) => {
      const answer = (await pass()) as { lease?: Lease };
      if (verb !== "acquire" || answer.lease?.kind !== "held") return answer;
      // As no row can be, unless a rule above is broken.
      return { ...answer, lease: { ...answer.lease, ticks: { completed: ["1", "2"] } } };
    });
    let runs = 0;
    const run = await stage.candidate("b", { store }).election.runOnce(2, () => ++runs);
    expect([run, runs]).toMatchObject([{ ran: false, because: "done" }, 0]);
    expect((await stage.table.read(NAME)).lease).toMatchObject({
      kind: "vacant",
      term: 2,
      ticks: { completed: ["1"] },
    });
  });

  test("a history that is newer than the placeholder seen says nothing of a tick: the row may know more", async () => {
    const stage = new Stage();
    const a = stage.candidate("a").election;
    let hasRun = false;
    const store = between(stage.table, async (verb, pass) => {
      if (verb === "readHistory" && !hasRun) {
        hasRun = true;
        await a.runOnce(2, () => {});
      }
      return pass();
    });
    const { election } = stage.candidate("b", { store });
    expect(await election.runOnce(1, () => {}, { ticks: "every" })).toMatchObject({
      ran: true,
      lastTick: "2",
    });
  });

  test("another term's completion of a tick is not taken for one's own, whose release was refused", async () => {
    const stage = new Stage();
    const a = stage.candidate("a");
    const finish = gate();
    const running = a.election.runOnce(TICK, () => finish.opened);
    running.catch(() => {});
    await stage.advance(100);
    // The release of a comes when b has completed the same tick, and another one.
    await stage.advance(8_000, { frozen: [a.clock] });
    const b = stage.candidate("b").election;
    expect(await b.runOnce(TICK, () => {})).toMatchObject({ ran: true });
    expect(await b.runOnce(WRONG, () => {})).toMatchObject({ ran: true });
    finish.open();
    await expect(running).rejects.toMatchObject({ code: "LEASE_LOST" });
  });
});
