import { expect, test } from "vitest";
import { type Election, Operator } from "../../src/index.js";
import type { Lease } from "../../src/protocol/lease.js";
import { LEASE_MS, NAME } from "../support/cast.js";
import { between, gate, Stage } from "../support/stage.js";

/** Rule 6a: what a candidate has seen counts for its campaign, whichever of its calls saw it. */

async function leadAndResign(election: Election): Promise<void> {
  const leadership = await election.campaign();
  await leadership.resign();
}

/** `a` has led term 1 and `b` leads term 3. `old` is the row that `a` left. */
async function third() {
  const stage = new Stage();
  const a = stage.candidate("a").election;
  const b = stage.candidate("b").election;
  await leadAndResign(a);
  const old = (await stage.table.read(NAME)).lease as Lease;
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
  const old = (await stage.table.read(NAME)).lease as Lease;
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
  const late = gate();
  let isLate = true;
  const store = between(stage.table, async (verb, pass) => {
    const answer = await pass();
    if (verb === "read" && isLate) {
      isLate = false;
      await late.opened;
    }
    return answer;
  });
  const a = stage.candidate("a", { store }).election;
  const b = stage.candidate("b").election;
  const leadership = await b.campaign();
  const tried = a.tryCampaign();
  await leadership.resign();
  await stage.advance(10);
  expect(await a.leader()).toBeUndefined();
  late.open();
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
  const old = (await stage.table.read(NAME)).lease as Lease;
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
