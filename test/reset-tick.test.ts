import { describe, expect, test } from "vitest";
import { LeaseHeldError, Operator, TableUnavailableError } from "../src/index.js";
import type { Lease } from "../src/protocol/lease.js";
import type { LeaseStore } from "../src/store/lease-store.js";
import { between, gate, Stage } from "./support/stage.js";

/** `Operator.resetTick`: wrong ticks are undone (rule 10d). */

const NAME = "billing/nightly";
const RIGHT = "2026-01-31T03:00:00.000Z";
const EARLIER = "2026-01-30T03:00:00.000Z";
const WRONG = "2062-01-31T03:00:00.000Z";

/** An election whose last tick is a typing error. */
async function mistaken() {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  await election.runOnce(RIGHT, () => {});
  await election.runOnce(WRONG, () => {});
  const operatorOn = (store: LeaseStore) => new Operator({ store, name: NAME, by: "ana" });
  const row = async () => (await stage.table.read(NAME)).lease;
  return { stage, election, operatorOn, operator: operatorOn(stage.table), row };
}

/** After a deletion of the lease row, by a new candidate. */
async function foundAgain(stage: Stage, tick: string) {
  stage.table.deleteLease(NAME);
  const run = stage.candidate("z").election.runOnce(tick, () => {}, { wait: true });
  await stage.advance(30_000);
  return run;
}

test("without `to` all ticks are forgotten, and each runs again, once", async () => {
  const { election, operator } = await mistaken();
  expect(await election.runOnce("2026-02-01T03:00:00Z", () => {})).toMatchObject({ because: "superseded" });
  expect(await operator.resetTick()).toEqual({ done: true, from: WRONG, to: undefined });
  for (const tick of [RIGHT, WRONG]) {
    expect(await election.runOnce(tick, () => {})).toMatchObject({ ran: true, lastTick: tick });
    expect(await election.runOnce(tick, () => {})).toMatchObject({ because: "done" });
  }
});

test("`to` is the last tick from then on, and nobody knows of those before it", async () => {
  const { election, operator } = await mistaken();
  const reset = await operator.resetTick({ to: new Date("2026-01-31T04:00:00Z") });
  expect(reset).toEqual({ done: true, from: WRONG, to: "2026-01-31T04:00:00.000Z" });
  const told = [];
  for (const tick of [RIGHT, "2026-01-31T04:00:00Z", "2026-01-31T05:00:00Z"]) {
    const run = await election.runOnce(tick, () => {}, { ticks: "every" });
    told.push(run.ran ? "ran" : "completed" in run ? run.completed : run.because);
  }
  expect(told).toEqual(["unknown", "done", "ran"]);
});

test("the history shows who did it and when, from the lease row and from its own row; the next leader keeps it", async () => {
  const { stage, election, operator, row } = await mistaken();
  await operator.resetTick({ to: RIGHT });
  const at = expect.any(Number) as number;
  const line = { by: "ana", at, to: RIGHT };
  expect((await election.history())[0]).toMatchObject({ term: 2, tickReset: line });
  expect(stage.table.terms(NAME)[1]).toMatchObject({ term: 2, tickReset: { ...line, revision: 5 } });
  await election.tryLead(() => {});
  expect(await row()).toMatchObject({ term: 3, tickReset: { term: 2, by: "ana", at } });
  expect(await election.history()).toMatchObject([{ term: 3 }, { term: 2, tickReset: line }, { term: 1 }]);
  expect((await election.history())[0]?.tickReset).toBeUndefined();
});

test("a held lease: an error that says how to end it, and nothing is changed", async () => {
  const { stage, election, operator, row } = await mistaken();
  const finish = gate();
  const running = election.runOnce("2062-02-01T03:00:00Z", () => finish.opened);
  await stage.advance(100);
  const before = await row();
  const refused = operator.resetTick();
  await expect(refused).rejects.toBeInstanceOf(LeaseHeldError);
  await expect(refused).rejects.toMatchObject({
    code: "LEASE_HELD",
    holder: election.candidateId,
    term: 3,
    message: expect.stringMatching(/requestStepDown.*evict/) as string,
  });
  expect(await row()).toEqual(before);
  finish.open();
  await running;
});

test("without a row, or on a placeholder, there is nothing to reset", async () => {
  const stage = new Stage();
  const operator = new Operator({ store: stage.table, name: NAME });
  expect(await operator.resetTick()).toEqual({ done: false, from: undefined, to: undefined });
  await operator.pause();
  expect(await operator.resetTick()).toEqual({ done: false, from: undefined, to: undefined });
});

test("`to` that is undefined is refused: a variable that is not set must not undo all ticks", async () => {
  const { operator, row } = await mistaken();
  const before = await row();
  await expect(operator.resetTick({ to: undefined } as never)).rejects.toMatchObject({
    option: "to",
    message: expect.stringMatching(/must be left out to forget all ticks.*received undefined/) as string,
  });
  expect(await row()).toEqual(before);
});

test.each([
  ["22/11/2027", "2027-11-22"],
  [-1, "2026-01-31T03:00:00Z"],
])("`to` %s is refused before anything is sent", async (to, suggestion) => {
  const { operatorOn, stage } = await mistaken();
  let sent = 0;
  const store = between(stage.table, (_, pass) => {
    sent += 1;
    return pass();
  });
  await expect(operatorOn(store).resetTick({ to })).rejects.toMatchObject({ option: "to", suggestion });
  expect(sent).toBe(0);
});

describe("whatever comes late", () => {
  test("a run that acquired and completed since the row was read: its tick stays", async () => {
    const { election, stage, operatorOn } = await mistaken();
    const store = between(stage.table, async (verb, pass) => {
      if (verb === "resetTicks") await election.runOnce("2062-02-01T03:00:00Z", () => {});
      return pass();
    });
    expect(await operatorOn(store).resetTick()).toMatchObject({ done: false });
    expect(await election.runOnce("2062-02-01T03:00:00Z", () => {})).toMatchObject({ because: "done" });
  });

  test("an acquire that saw the wrong tick is refused, and a copy of the reset too", async () => {
    const { stage, election, operatorOn, row } = await mistaken();
    const copies: Array<() => Promise<unknown>> = [];
    const store = between(stage.table, (verb, pass) => {
      if (verb === "resetTicks") copies.push(pass);
      return pass();
    });
    const seen = (await row()) as Lease;
    await operatorOn(store).resetTick();
    const basis = { term: seen.term, revision: seen.revision };
    const request = { election: NAME, candidateId: "b", attemptId: "b-1", basis, term: seen.term + 1 };
    const times = { leaseDurationMs: 3_000, renewIntervalMs: 1_000, value: undefined, expiresAt: undefined };
    const stale = await stage.table.acquire({ ...request, ...times, at: undefined });
    expect(stale.done).toBe(false);
    expect(await election.runOnce(RIGHT, () => {})).toMatchObject({ ran: true });
    for (const copy of copies) expect(await copy()).toMatchObject({ done: false });
    expect(await election.runOnce(RIGHT, () => {})).toMatchObject({ because: "done" });
  });

  test("a lost answer: the row shows that the reset landed, even if a run has completed since", async () => {
    for (const runs of [false, true]) {
      const { stage, election, operatorOn } = await mistaken();
      let lost = false;
      const store = between(stage.table, async (verb, pass) => {
        const answer = await pass();
        if (verb !== "resetTicks" || lost) return answer;
        lost = true;
        if (runs) await election.runOnce(RIGHT, () => {});
        throw new TableUnavailableError("reset the ticks");
      });
      const resetting = operatorOn(store).resetTick();
      await stage.advance(5_000);
      expect(await resetting).toEqual({ done: true, from: WRONG, to: undefined });
      const again = await election.runOnce(RIGHT, () => {});
      expect(again).toMatchObject(runs ? { because: "done" } : { ran: true });
    }
  });

  test.each([
    ["in the same millisecond", undefined],
    ["where no answer tells the time", { dateMs: undefined }],
  ])("two operators of one name %s: one of them is told that it is done", async (_, without) => {
    const { stage, operatorOn } = await mistaken();
    const store = between(
      stage.table,
      async (_verb, pass) => Object.assign((await pass()) as object, without) as never,
    );
    const [first, second] = [operatorOn(store), operatorOn(store)];
    const told = await Promise.all([first.resetTick({ to: RIGHT }), second.resetTick({ to: EARLIER })]);
    expect(told.map(({ done }) => done)).toEqual([true, false]);
    expect((await stage.table.readHistory(NAME)).history).toMatchObject({ lastTick: RIGHT });
    expect(await foundAgain(stage, RIGHT)).toMatchObject({ because: "done" });
  });

  test("a reset that landed, and that another one followed, is not done; the history shows the other one", async () => {
    const { stage, operatorOn } = await mistaken();
    const bob = new Operator({ store: stage.table, name: NAME, by: "bob" });
    let lost = false;
    const store = between(stage.table, async (verb, pass) => {
      const answer = await pass();
      if (verb !== "resetTicks" || lost) return answer;
      lost = true;
      await bob.resetTick({ to: RIGHT });
      throw new TableUnavailableError("reset the ticks");
    });
    const resetting = operatorOn(store).resetTick();
    await stage.advance(5_000);
    expect(await resetting).toEqual({ done: false, from: WRONG, to: undefined });
    expect(stage.table.terms(NAME)[1]).toMatchObject({ term: 2, tickReset: { by: "bob", to: RIGHT } });
  });

  test("the record of an earlier reset does not replace that of a later one", async () => {
    const { stage, operatorOn, operator } = await mistaken();
    const copies: Array<() => Promise<unknown>> = [];
    const store = between(stage.table, (verb, pass) => {
      if (verb === "recordTerm") copies.push(pass);
      return pass();
    });
    await operatorOn(store).resetTick({ to: WRONG });
    await operator.resetTick({ to: RIGHT });
    for (const copy of copies) await copy();
    expect((await stage.table.readHistory(NAME)).history).toMatchObject({
      lastTick: RIGHT,
      tickResetTerm: 2,
    });
  });
});

describe("after a deletion of the lease row", () => {
  test("a tick that was reset does not count, though its run recorded it, and records it once more", async () => {
    const { stage, operator } = await mistaken();
    await operator.resetTick({ to: RIGHT });
    await stage.table.recordTerm(NAME, { term: 2, lastTick: WRONG });
    expect(await foundAgain(stage, "2026-02-01T03:00:00Z")).toMatchObject({ ran: true, term: 3 });
  });

  test("also when the reset's own row is gone, and an older one has stayed", async () => {
    const { stage, election, operator } = await mistaken();
    await operator.resetTick({ to: RIGHT });
    await election.tryLead(() => {});
    await stage.advance(5_000);
    const terms = stage.table.terms(NAME).filter(({ term }) => term !== 2);
    const lease = (await stage.table.read(NAME)).lease as Lease;
    stage.table.restore(NAME, lease, [...terms, { term: 1, holder: "a", lastTick: WRONG }]);
    expect(await foundAgain(stage, "2026-02-01T03:00:00Z")).toMatchObject({ ran: true, term: 4 });
    // And the term that founded keeps it in mind.
    expect(stage.table.terms(NAME).at(-1)).toMatchObject({ term: 4, tickResetTermBefore: 2 });
    expect((await stage.table.read(NAME)).lease).toMatchObject({ tickReset: { term: 2 } });
  });

  test("a history that takes no reset is an error that says what to do; the next leader tells of it", async () => {
    const { stage, election, operatorOn } = await mistaken();
    const store = between(stage.table, (verb, pass) =>
      verb === "recordTerm" ? Promise.reject(new TableUnavailableError("record a term")) : pass(),
    );
    const resetting = operatorOn(store).resetTick({ to: RIGHT });
    resetting.catch(() => {});
    await stage.advance(10_000);
    await expect(resetting).rejects.toThrow(/the lease row shows: call resetTick again/);
    expect((await election.history())[0]).toMatchObject({ term: 2, tickReset: { by: "ana", to: RIGHT } });
    await election.tryLead(() => {});
    await stage.advance(5_000);
    expect(await foundAgain(stage, "2026-02-01T03:00:00Z")).toMatchObject({ ran: true, term: 4 });
  });

  test("an evicted term: the reset is recorded with the term that was led, and later terms count", async () => {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    const operator = new Operator({ store: stage.table, name: NAME, by: "ana" });
    await election.runOnce(WRONG, () => {});
    const running = election.runOnce("2062-02-01T03:00:00Z", () => new Promise(() => {}));
    running.catch(() => {});
    await stage.advance(100);
    await operator.evict();
    expect(await operator.resetTick()).toMatchObject({ done: true, from: WRONG });
    expect((await stage.table.readHistory(NAME)).history).toMatchObject({
      tickResetTerm: 2,
      lastTick: undefined,
    });
    expect((await stage.table.read(NAME)).lease).toMatchObject({ term: 3, tickReset: { term: 2 } });
  });
});

test("a placeholder that a late copy made again does not bring back ticks that were reset meanwhile", async () => {
  const { stage, operator } = await mistaken();
  const b = stage.candidate("b").election;
  stage.table.deleteLease(NAME);
  expect(await b.runOnce(RIGHT, () => {})).toMatchObject({ because: "superseded", lastTick: WRONG });
  const placeholder = (await stage.table.read(NAME)).lease as Lease;
  const run = stage.candidate("c").election.runOnce("2062-02-01T03:00:00Z", () => {}, { wait: true });
  await stage.advance(30_000);
  await run;
  await operator.resetTick();
  stage.table.deleteLease(NAME);
  const { revision, leaseDurationMs, renewIntervalMs } = placeholder;
  const again = { election: NAME, revision, leaseDurationMs, renewIntervalMs };
  await stage.table.createPlaceholder(again);
  expect(await b.runOnce(RIGHT, () => {})).toMatchObject({ because: "held", lastTick: undefined });
});

test("docs/ticks.md: a completed run is repeated by leading without a tick, or after a reset to the tick before", async () => {
  const { stage, election, operator } = await mistaken();
  await operator.resetTick({ to: EARLIER });
  await election.runOnce(RIGHT, () => {});
  let runs = 0;
  expect(await stage.candidate("b").election.tryLead(() => void runs++)).toMatchObject({ ran: true });
  expect(await election.runOnce(RIGHT, () => void runs++)).toMatchObject({
    because: "done",
    lastTick: RIGHT,
  });
  await operator.resetTick({ to: EARLIER });
  expect(await election.runOnce(RIGHT, () => void runs++)).toMatchObject({ ran: true, lastTick: RIGHT });
  expect(runs).toBe(2);
});
