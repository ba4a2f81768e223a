import { expect, test } from "vitest";
import { InvalidOptionError, type Leadership, LeaseLostError, WorkNotStoppedError } from "../../src/index.js";
import type { Held } from "../../src/protocol/lease.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { between, type Given, gate, Stage } from "../support/stage.js";
import { withFakeThread } from "../support/stand-ins.js";

/** Lease 3 s, renewed each second, trusted for 2.7 s; a stand-in is due a quarter of a second after its renewal. */

const TRUST_MS = 2_700;
const signal = new AbortController().signal;

function lostBy(leadership: Leadership): LeaseLostError | undefined {
  try {
    leadership.throwIfLost();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(LeaseLostError);
    return error as LeaseLostError;
  }
}

async function staged(given: Given = {}, meddle?: Parameters<typeof between>[1]) {
  const stage = new Stage();
  const table: LeaseStore = stage.table;
  const { store, thread } = withFakeThread(meddle ? between(stage.table, meddle) : stage.table, stage.table);
  const player = stage.candidate("a", { store, heartbeat: { maxStallMs: 6_000 }, ...given });
  const campaigning = player.election.campaign();
  await stage.until(() => thread.plan !== undefined);
  const leadership = await campaigning;
  const row = async () => (await table.read("billing/nightly", { consistent: true }, signal)).lease as Held;
  return { stage, store, thread, leadership, row, ...player };
}

test("the work begins when the stand-ins are handed over: one per interval, to the longest stall, with revisions of their own", async () => {
  const { thread, row } = await staged({ value: "http://a" });
  const { standIns = [] } = thread.plan ?? {};
  expect(standIns.map(({ slot }) => slot)).toEqual([1, 2, 3, 4, 5]);
  const { revision } = await row();
  expect(standIns.map((each) => each.revision - revision)).toEqual([15, 23, 31, 39, 47]);
  await thread.land(thread.standIn(1));
  expect(await row()).toMatchObject({ kind: "held", term: 1, value: "http://a", revision: revision + 15 });
});

test("a lease that is lost before its first stand-ins are signed is not handed out: the bid goes on", async () => {
  const stage = new Stage();
  const { store, thread } = withFakeThread(stage.table, stage.table);
  const { election, clock, events } = stage.candidate("a", { store, heartbeat: { maxStallMs: 6_000 } });
  const signed = gate();
  thread.signing = signed.opened;
  const campaigning = election.campaign();
  await stage.until(() => events.some(({ type }) => type === "elected"));
  clock.block(3_000);
  signed.open();
  thread.signing = undefined;
  await stage.advance(5_000);
  const leadership = await campaigning;
  expect(leadership.term).toBeGreaterThan(1);
  leadership.throwIfLost();
});

test("a stand-in that was confirmed while the loop was blocked counts at the next call, from its planned moment", async () => {
  const { thread, leadership, clock } = await staged();
  const standIn = thread.standIn(2);
  clock.block(2_500);
  const sent = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  const written = await thread.land(standIn);
  clock.block(50);
  thread.report(standIn, written, sent, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  clock.block(400);
  // Without it, trust had ended by now. It left late, and that is not to its holder's advantage.
  expect(leadership.remainingMs()).toBe(standIn.planned.monotonicMs + TRUST_MS - clock.monotonicMs());
  leadership.throwIfLost();
});

test("an answer that comes when trust has run out does not bring it back", async () => {
  const { thread, leadership, clock } = await staged();
  const standIn = thread.standIn(2);
  clock.block(2_600);
  const sent = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  const written = await thread.land(standIn);
  clock.block(101);
  thread.report(standIn, written, sent, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  expect(lostBy(leadership)?.reason).toBe("expired");
  expect(thread.isClosed).toBe(true);
  expect(leadership.remainingMs()).toBe(0);
});

test("what the thread learns of a loss is known at the next call, with its reason", async () => {
  for (const reason of ["evicted", "superseded", "deleted"] as const) {
    const { stage, thread, leadership, clock } = await staged();
    const at = { at: undefined, atErrorMs: undefined };
    const next = { holder: "b", term: 2 };
    const table: LeaseStore = stage.table;
    if (reason === "evicted") await table.evict({ election: "billing/nightly", term: 1, ...at }, signal);
    const written = await thread.land(thread.standIn(1));
    const refused = {
      evicted: written,
      superseded: { done: false, lease: { ...(written.lease as Held), ...next } } as const,
      deleted: { done: false, lease: undefined } as const,
    }[reason];
    clock.block(1_300);
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    thread.report(thread.standIn(1), refused, now, now);
    expect(leadership.signal.aborted).toBe(false);
    expect(lostBy(leadership)?.reason).toBe(reason);
    expect(leadership.signal.aborted).toBe(true);
    await stage.advance(10);
  }
});

test("a renewal that a stand-in has overtaken is sent again, and nothing is lost", async () => {
  const [asked, go] = [gate(), gate()];
  let renewals = 0;
  const { stage, thread, leadership, row, events } = await staged({}, async (verb, pass) => {
    if (verb !== "renew") return pass();
    renewals += 1;
    if (renewals === 1) {
      asked.open();
      await go.opened;
    }
    return pass();
  });
  const standIn = thread.standIn(1);
  await stage.advance(1_010);
  await asked.opened;
  expect(await thread.land(standIn)).toMatchObject({ done: true });
  go.open();
  await stage.until(() => renewals === 2);
  await stage.advance(10);
  leadership.throwIfLost();
  expect((await row()).revision).toBeGreaterThan(standIn.revision);
  expect(events.map(({ type }) => type)).toContain("renewed");
  expect(events.filter(({ type }) => type === "renewal-failed" || type === "ended")).toEqual([]);
});

test("a stand-in that a renewal has outranked is no loss, and wins no trust", async () => {
  const { stage, thread, leadership, clock } = await staged();
  const standIn = thread.standIn(1);
  await stage.advance(1_010);
  await stage.advance(1_000);
  const leftMs = leadership.remainingMs();
  const written = await thread.land(standIn);
  expect(written.done).toBe(false);
  const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  thread.report(standIn, written, now, now);
  expect(leadership.remainingMs()).toBe(leftMs);
});

test("a stand-in is above the renewal before it, so that a block between its landing and its answer loses nothing", async () => {
  const landed = gate();
  const { stage, thread, row } = await staged({}, async (verb, pass) => {
    const answer = await pass();
    if (verb !== "renew") return answer;
    landed.open();
    return new Promise(() => {});
  });
  await stage.advance(1_010);
  await landed.opened;
  const before = await row();
  expect(await thread.land(thread.standIn(1))).toMatchObject({ done: true });
  expect((await row()).revision).toBeGreaterThan(before.revision);
});

test("the longest stall counts from the holder's own renewal, whatever the thread has confirmed", async () => {
  const { stage, thread } = await staged();
  await stage.advance(1_010);
  expect(thread.plan?.standIns.map(({ slot }) => slot)).toEqual([2, 3, 4, 5, 6]);
  // One more was signed. The others are the same.
  expect(thread.plan?.standIns.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6]);
});

test("nothing is renewed ahead beyond the time to stop", async () => {
  const { stage, thread, leadership, clock } = await staged({ stopTimeoutMs: 2_000 });
  leadership.stepDown();
  expect(thread.untilMs).toBe(clock.monotonicMs() + 2_000);
  await stage.advance(20);
  const beyond = thread.plan?.standIns.filter(({ planned }) => planned.monotonicMs > thread.untilMs);
  expect(beyond).toEqual([]);
});

test("stand-ins are withdrawn before the release leaves, which is above all of them", async () => {
  let wasClosed: boolean | undefined;
  const lane: { thread?: { isClosed: boolean } } = {};
  const { thread, leadership, row } = await staged({}, (verb, pass) => {
    if (verb === "resign") wasClosed = lane.thread?.isClosed;
    return pass();
  });
  lane.thread = thread;
  const standIn = thread.standIn(5);
  // One is on its way, and lands first.
  await thread.land(standIn);
  expect(await leadership.resign()).toBe("released");
  expect(wasClosed).toBe(true);
  expect((await row()).revision).toBeGreaterThan(standIn.revision);
  expect(await thread.land(standIn)).toMatchObject({ done: false });
});

test("an answer that comes after that of a later renewal takes no trust away", async () => {
  const { stage, thread, leadership, clock } = await staged();
  const standIn = thread.standIn(1);
  const written = await thread.land(standIn);
  expect(written.done).toBe(true);
  await stage.advance(2_050);
  const leftMs = leadership.remainingMs();
  const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  thread.report(standIn, written, standIn.planned, now);
  expect(leadership.remainingMs()).toBe(leftMs);
  await stage.advance(3_000);
  leadership.throwIfLost();
});

test("work that does not stop in time is renewed no longer, by the thread neither", async () => {
  const stage = new Stage();
  const { store, thread } = withFakeThread(stage.table, stage.table);
  const { election, events } = stage.candidate("a", {
    store,
    heartbeat: { maxStallMs: 6_000 },
    stopTimeoutMs: 200,
  });
  const [begun, done] = [gate(), gate()];
  const stop = new AbortController();
  const work = () => {
    begun.open();
    return done.opened;
  };
  const leading = election.lead(work, { signal: stop.signal, announce: false }).catch((error) => error);
  await stage.until(() => thread.plan !== undefined);
  await begun.opened;
  stop.abort();
  expect(thread.isClosed).toBe(false);
  await stage.advance(300);
  expect(events.map(({ type }) => type)).toContain("drain-overrun");
  expect(election.role).toBe("leader");
  expect(thread.isClosed).toBe(true);
  expect(await leading).toBeInstanceOf(WorkNotStoppedError);
  done.open();
  await stage.advance(100);
});

test("a value is in the stand-ins before the renewal that publishes it leaves, so none brings the old one back", async () => {
  let carried: unknown;
  const lane: { thread?: Awaited<ReturnType<typeof staged>>["thread"] } = {};
  const { stage, thread, leadership, row } = await staged({ value: "old" }, (verb, pass) => {
    if (verb === "renew") carried ??= lane.thread?.standIn(1).request.body;
    return pass();
  });
  lane.thread = thread;
  const published = leadership.proclaim("new");
  await stage.advance(10);
  await published;
  expect(JSON.parse(carried as string).request.value).toBe("new");
  await thread.land(thread.standIn(1));
  expect((await row()).value).toBe("new");
});

test("stand-ins with an old value are taken back where the new one cannot be signed; those that say the same stay", async () => {
  const { stage, thread, leadership, events } = await staged({ value: "old" });
  thread.signingError = new Error("no credentials");
  await stage.advance(1_000);
  expect(thread.plan?.standIns.map(({ slot }) => slot)).toEqual([2, 3, 4, 5]);
  const published = leadership.proclaim("new");
  await stage.advance(10);
  await published;
  expect(thread.plan?.standIns).toEqual([]);
  expect(events.at(-1)).toMatchObject({ type: "heartbeat-thread-failed", error: thread.signingError });
  thread.signingError = undefined;
  await stage.advance(1_000);
  await thread.land(thread.standIn(3));
  leadership.throwIfLost();
});

test("many renewals in one interval go above all stand-ins, which are signed anew", async () => {
  const { stage, thread, leadership, row } = await staged();
  for (let i = 0; i < 40; i++) {
    const published = leadership.proclaim(`v${i}`);
    await stage.advance(10);
    await published;
  }
  expect(await thread.land(thread.standIn(1))).toMatchObject({ done: true });
  expect((await row()).value).toBe("v39");
});

test("each stall is told with its length; a failing thread is told, and the loop renews on", async () => {
  const { stage, thread, leadership, clock, events } = await staged();
  const standIn = thread.standIn(1);
  clock.block(1_300);
  const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  thread.report(standIn, await thread.land(standIn), now, now);
  thread.tenure?.onTurn();
  thread.tenure?.onStall(1_300);
  const error = new Error("gone");
  thread.tenure?.onFailure(error);
  expect(events.slice(-2)).toMatchObject([
    { type: "stall", term: 1, blockedMs: 1_300, renewals: 1 },
    { type: "heartbeat-thread-failed", term: 1, error },
  ]);
  await stage.advance(5_000);
  leadership.throwIfLost();
});

test("a heartbeat thread without a client is refused, and so is one that could not cover a lease", () => {
  const stage = new Stage();
  const refused = (given: Given) => {
    try {
      stage.candidate("a", given);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      return (error as Error).message;
    }
    throw new Error("not refused");
  };
  expect(refused({ heartbeat: "thread" })).toContain("Suggestion: client: new DynamoDBClient({})");
  expect(refused({ heartbeat: "thread", leaseDurationMs: 300_000 })).toContain("at most 240000");
});
