import { expect, test } from "vitest";
import { type Election, Operator, TableUnavailableError } from "../../src/index.js";
import type { Lease } from "../../src/protocol/lease.js";
import { LEASE_MS, NAME } from "../support/cast.js";
import { between, gate, Stage, type Verb } from "../support/stage.js";

/** Rule 6a: what a candidate has seen counts for its campaign, whichever of its calls saw it. */

async function leadAndResign(election: Election): Promise<void> {
  const leadership = await election.campaign();
  await leadership.resign();
}

/** Lets time pass until it has settled. */
async function settled<T>(stage: Stage, call: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  void call.then(settle, settle);
  await stage.until(() => isSettled);
  return call;
}

/** A store whose next such request waits until the gate opens, before it reaches the table. */
function heldUp(stage: Stage, verb: Verb) {
  const [sent, passes] = [gate(), gate()];
  const store = between(stage.table, async (each, pass) => {
    if (each === verb) {
      sent.open();
      await passes.opened;
    }
    return pass();
  });
  return { store, sent: sent.opened, pass: passes.open };
}

/** A store that holds back the answer to the next such request from then on. */
function heldBack(stage: Stage, verb: Verb) {
  const [landed, answers] = [gate(), gate()];
  let holdsNext = false;
  const store = between(stage.table, async (each, pass) => {
    const isHeld = each === verb && holdsNext;
    if (isHeld) holdsNext = false;
    const answer = await pass();
    if (!isHeld) return answer;
    landed.open();
    await answers.opened;
    return answer;
  });
  const holdNext = () => {
    holdsNext = true;
  };
  return { store, holdNext, landed: landed.opened, answer: answers.open };
}

/** The row as it stands now. */
const rowOf = async (stage: Stage) => (await stage.table.read(NAME)).lease as Lease;

/** `a` has led term 1 and `b` leads term 3. `old` is the row that `a` left. */
async function third() {
  const stage = new Stage();
  const a = stage.candidate("a").election;
  const b = stage.candidate("b").election;
  await leadAndResign(a);
  const old = await rowOf(stage);
  await leadAndResign(b);
  const leadership = await b.campaign();
  expect(leadership.term).toBe(3);
  return { stage, a, leadership, old };
}

const VIEWS: Array<[string, (a: Election) => Promise<unknown>]> = [
  ["leader", (a) => a.leader()],
  ["candidates", (a) => a.candidates()],
  ["history", (a) => a.history()],
  ["isWedged", (a) => a.isWedged()],
  ["observe", (a) => a.observe()[Symbol.asyncIterator]().next()],
];

test.each(VIEWS)(
  "%s shows a later row: after a restore no lease is taken within a lease, and no term comes again",
  async (_name, view) => {
    const { stage, a, leadership, old } = await third();
    await view(a);
    stage.table.restore(NAME, old);
    expect(await a.tryCampaign()).toBeUndefined();
    await stage.advance(LEASE_MS - 20);
    expect(leadership.remainingMs()).toBeLessThanOrEqual(0);
    expect(await a.tryCampaign()).toBeUndefined();
    await stage.advance(20);
    const next = await a.tryCampaign();
    expect(next?.term).toBe(4);
    await next?.resign();
  },
);

test("nobody has shown it the later row: then it believes the one that was put back", async () => {
  const { stage, a, old } = await third();
  stage.table.restore(NAME, old);
  const next = await a.tryCampaign();
  expect(next?.term).toBe(2);
  await next?.resign();
});

test("a transaction that the row of a later term refuses counts as seen", async () => {
  const stage = new Stage();
  const a = stage.candidate("a").election;
  const leadership = await a.campaign();
  const old = await rowOf(stage);
  await new Operator({ store: stage.table, name: NAME }).evict();
  const put = { Put: { TableName: "ledger", Item: { id: "1" } } };
  await expect(leadership.transact([put])).rejects.toThrow();
  stage.table.restore(NAME, old);
  const next = a.campaign();
  await stage.advance(2 * LEASE_MS);
  expect((await next).term).toBe(3);
  await (await next).resign();
});

test("an answer that another one has overtaken shows no restore: a lease that was given back is taken at once", async () => {
  const stage = new Stage();
  const { store, holdNext, answer } = heldBack(stage, "read");
  const a = stage.candidate("a", { store }).election;
  const b = stage.candidate("b").election;
  const leadership = await b.campaign();
  holdNext();
  const tried = a.tryCampaign();
  await leadership.resign();
  await stage.advance(10);
  expect(await a.leader()).toBeUndefined();
  answer();
  const next = await tried;
  expect(next?.term).toBe(2);
  await next?.resign();
});

test("an acquire whose row is no longer the last that was seen is not sent", async () => {
  const stage = new Stage();
  const healthy = gate();
  const asked = gate();
  const isHealthy = async () => {
    asked.open();
    await healthy.opened;
    return true;
  };
  const a = stage.candidate("a", { healthy: isHealthy }).election;
  const b = stage.candidate("b").election;
  await leadAndResign(b);
  const old = await rowOf(stage);
  const tried = a.tryCampaign();
  await asked.opened;
  const leadership = await b.campaign();
  await a.leader();
  // As it was when `a` decided to acquire it.
  stage.table.restore(NAME, old);
  healthy.open();
  expect(await tried).toBeUndefined();
  expect(leadership.remainingMs()).toBeGreaterThan(0);
  expect((await stage.table.read(NAME)).lease).toEqual(old);
});

test.each([
  ["of the same pair", {}, 0],
  ["of a later one", { leaseDurationMs: 12_000 }, 1_500],
])(
  "an acquire that lands after a restore is not used if another's row was shown meanwhile, %s",
  async (_what, options, renewedMs) => {
    const stage = new Stage();
    const { store, sent, pass } = heldUp(stage, "acquire");
    const b = stage.candidate("b", { store, ...options }).election;
    const x = stage.candidate("x").election;
    await leadAndResign(stage.candidate("a").election);
    const old = await rowOf(stage);
    const bid = b.campaign();
    await sent;
    const leadership = await x.campaign();
    await stage.advance(renewedMs);
    expect((await b.leader())?.term).toBe(2);
    stage.table.restore(NAME, old);
    pass();
    const next = await settled(stage, bid);
    expect(next.term).toBe(3);
    expect(leadership.remainingMs()).toBeLessThanOrEqual(0);
    await next.resign();
  },
);

test("under a session such an acquire is given back if its caller has had enough by then", async () => {
  const stage = new Stage();
  const caller = new AbortController();
  const held = heldUp(stage, "acquire");
  const store = between(held.store, async (verb, pass) => {
    const answer = await pass();
    if (verb === "acquire") caller.abort(new Error("enough"));
    return answer;
  });
  const { session, elect } = stage.session("b", { store, leaseDurationMs: 12_000 });
  const b = elect();
  await leadAndResign(stage.candidate("a").election);
  const old = await rowOf(stage);
  const bid = b.campaign({ signal: caller.signal });
  await held.sent;
  const x = stage.candidate("x");
  await x.election.campaign();
  await stage.advance(1_500);
  await b.leader();
  stage.table.restore(NAME, old);
  held.pass();
  await expect(bid).rejects.toThrow("enough");
  await stage.advance(3 * 12_000, { frozen: [x.clock] });
  expect(await rowOf(stage)).toMatchObject({ kind: "vacant", term: 2 });
  await settled(stage, session.close());
});

test("an acquire that is not sent does not end a try: it reads then", async () => {
  const stage = new Stage();
  const [healthy, asked] = [gate(), gate()];
  const isHealthy = async () => {
    asked.open();
    await healthy.opened;
    return true;
  };
  const x = stage.candidate("x").election;
  const b = stage.candidate("b", { healthy: isHealthy }).election;
  await x.runOnce("2026-01-01", () => {});
  await b.leader();
  const tick = b.runOnce("2026-01-02", () => {});
  await asked.opened;
  await x.runOnce("2026-01-02", () => {});
  await b.leader();
  healthy.open();
  expect(await tick).toMatchObject({ ran: false, because: "done" });
});

test("a read beside leader() that shows the same row counts: a tick that is done is told as done", async () => {
  const stage = new Stage();
  const passes = gate();
  const store = between(stage.table, async (_verb, pass) => {
    const answer = await pass();
    await passes.opened;
    return answer;
  });
  const b = stage.candidate("b", { store }).election;
  await stage.candidate("a").election.runOnce("2026-01-01", () => {});
  const leader = b.leader();
  const tick = b.runOnce("2026-01-01", () => {});
  await stage.advance(10);
  passes.open();
  await leader;
  expect(await tick).toMatchObject({ ran: false, because: "done" });
});

test.each(["resigns", "dies"])(
  "a candidate that was shown that a session holds the lease hears when that %s",
  async (end) => {
    const stage = new Stage();
    const x = stage.candidate("x").election;
    const c = stage.candidate("c").election;
    const session = stage.session("d");
    const d = session.elect();
    const first = await x.campaign();
    const bid = c.campaign();
    await stage.advance(4_300);
    await first.resign();
    const second = await settled(stage, d.tryCampaign());
    expect(second?.term).toBe(2);
    // Before the next poll of its campaign.
    await c.leader();
    await stage.advance(10_000);
    let isElected = false;
    void bid.then(() => {
      isElected = true;
    });
    const frozen = end === "dies" ? [session.clock] : [];
    if (end === "resigns") void second?.resign();
    for (let ms = 0; ms < 2 * LEASE_MS && !isElected; ms += 10) await stage.advance(10, { frozen });
    expect(isElected).toBe(true);
    await (await bid).resign();
  },
);

test.each(["of an acquire without an answer", "of a lease that was given back meanwhile"])(
  "a look of a session shows a later row, %s: no term comes again",
  async (what) => {
    const stage = new Stage();
    const isGivenBack = what.includes("given back");
    const looks = gate();
    let looked = 0;
    let losesAcquires = false;
    const store = between(stage.table, async (verb, pass) => {
      if (verb === "acquire" && losesAcquires) throw new TableUnavailableError("acquire the lease");
      if (verb === "readMany") {
        looked += 1;
        if (isGivenBack) await looks.opened;
      }
      return pass();
    });
    const session = stage.session("c", { store });
    const [c, other] = [session.elect(), session.elect("other")];
    const x = stage.candidate("x").election;
    const kept = await settled(stage, other.campaign());
    let old: Lease;
    if (isGivenBack) {
      const first = await settled(stage, c.campaign());
      await stage.until(() => looked === 1, 100_000);
      await settled(stage, first.resign());
      old = await rowOf(stage);
    } else {
      await leadAndResign(stage.candidate("a").election);
      old = await rowOf(stage);
      losesAcquires = true;
      const bid = new AbortController();
      const given = c.campaign({ signal: bid.signal }).catch(() => {});
      await stage.advance(100);
      bid.abort();
      await settled(stage, given);
      losesAcquires = false;
    }
    const leadership = await settled(stage, x.campaign());
    expect(leadership.term).toBe(2);
    looks.open();
    const before = looked;
    await stage.until(() => isGivenBack || looked > before, 100_000);
    await stage.advance(20);
    stage.table.restore(NAME, old);
    const next = await settled(stage, c.campaign());
    expect(next.term).toBe(3);
    expect(leadership.remainingMs()).toBeLessThanOrEqual(0);
    await settled(stage, next.resign());
    await settled(stage, kept.resign());
    await settled(stage, session.session.close());
  },
);

test("an acquire that was evicted before its answer came is no other's: the eviction is acknowledged", async () => {
  const stage = new Stage();
  const { store, holdNext, landed, answer } = heldBack(stage, "acquire");
  const { session, elect } = stage.session("c", { store });
  const c = elect();
  const kept = await settled(stage, elect("other").campaign());
  await leadAndResign(stage.candidate("a").election);
  holdNext();
  const tried = c.tryCampaign();
  await landed;
  await new Operator({ store: stage.table, name: NAME }).evict();
  await c.leader();
  answer();
  const leadership = await settled(stage, tried);
  const next = settled(stage, stage.candidate("d").election.campaign());
  await stage.until(() => leadership?.signal.aborted === true);
  await leadership?.resign();
  const began = stage.time.monotonicMs();
  await (await next).resign();
  // Without the acknowledgement it would be the row's own lease: 16 of them.
  expect(stage.time.monotonicMs() - began).toBeLessThan(2 * LEASE_MS);
  await settled(stage, kept.resign());
  await settled(stage, session.close());
});

test("the late answer to a release is no restore for the campaign that came after it", async () => {
  const stage = new Stage();
  const { store, holdNext, landed, answer } = heldBack(stage, "resign");
  const { session, elect } = stage.session("c", { store, leaseDurationMs: 12_000 });
  const c = elect();
  const x = stage.candidate("x").election;
  const [kept, other] = [
    await settled(stage, elect("k").campaign()),
    await settled(stage, elect("o").campaign()),
  ];
  const first = await settled(stage, c.campaign());
  const row = await rowOf(stage);
  holdNext();
  void first.resign();
  await landed;
  const second = await settled(stage, x.campaign());
  stage.table.deleteLease(`session#${row.kind === "held" ? row.session : ""}`);
  // A write of the session shows that its row is gone.
  await settled(stage, other.resign());
  await stage.until(() => kept.signal.aborted);
  const bid = c.campaign();
  await stage.advance(200);
  answer();
  await stage.advance(200);
  await second.resign();
  const began = stage.time.monotonicMs();
  const next = await settled(stage, bid);
  expect(stage.time.monotonicMs() - began).toBeLessThan(2 * LEASE_MS);
  await settled(stage, next.resign());
  await settled(stage, session.close());
});
