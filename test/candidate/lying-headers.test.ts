import { expect, inject, test } from "vitest";
import { Election, type ElectionEvent } from "../../src/index.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { factsOf } from "../support/lease.js";
import { between, type Given, type Player, Stage } from "../support/stage.js";

/**
 * `Date` headers that lie, step or are missing. Exclusion needs one right witness on each host, its wall clock or
 * its headers; and a lie that contradicts what was heard before is found out on any host.
 */

const LEASE_MS = 3_000;
const HOUR_MS = 3_600_000;
const NAME = "billing/nightly";

/** A candidate that is told the table's time with an error; undefined: not at all. */
function hearing(
  stage: Stage,
  label: string,
  errorMs: () => number | undefined,
  options: Given = {},
): Player {
  const store = between(stage.table, async (_verb, pass) => {
    const answer = (await pass()) as { dateMs: number };
    const byMs = errorMs();
    return { ...answer, dateMs: byMs === undefined ? undefined : answer.dateMs + byMs };
  });
  return stage.candidate(label, { store, ...options });
}

const anomalies = (events: readonly ElectionEvent[]) =>
  events.filter(({ type }) => type === "clock-anomaly").length;

/** Advances step by step: nobody else is elected while `leadership` is trusted. Whether somebody was at all. */
async function exclusiveFor(
  stage: Stage,
  ms: number,
  leadership: { remainingMs(): number },
  others: readonly Player[],
  frozen: Player[] = [],
): Promise<boolean> {
  for (let passed = 0; passed < ms; passed += 10) {
    await stage.advance(10, { frozen: frozen.map(({ clock }) => clock) });
    for (const { clock } of frozen) clock.block(10);
    const elected = others.some(({ events }) => events.some(({ type }) => type === "elected"));
    if (elected) {
      expect(leadership.remainingMs()).toBe(0);
      return true;
    }
  }
  return false;
}

test("one header 20 s ahead on a follower's read takes nothing from a leader that lives", async () => {
  const stage = new Stage();
  const leader = await stage.candidate("a").election.campaign();
  let errorMs = 0;
  const follower = hearing(stage, "b", () => errorMs);
  follower.clock.stepWall(HOUR_MS); // so that the wall clock says nothing against it
  void follower.election.campaign();
  await stage.advance(5_000);
  errorMs = 20_000;
  await stage.until(() => anomalies(follower.events) > 0);
  errorMs = 0;
  expect(await exclusiveFor(stage, 10_000, leader, [follower])).toBe(false);
  leader.throwIfLost();
});

test("a leader's header 20 s behind does not end its lease early for anybody", async () => {
  const stage = new Stage();
  let errorMs = 0;
  const a = hearing(stage, "a", () => errorMs);
  a.clock.stepWall(-1_000); // so that the wall clock says nothing against it
  const leader = await a.election.campaign();
  await stage.advance(2_000);
  errorMs = -20_000;
  for (let passed = 0; passed < 10_000; passed += 100) {
    await stage.advance(100);
    if (anomalies(a.events) > 0) errorMs = 0;
    expect(await stage.candidate("newcomer").election.tryCampaign()).toBeUndefined();
  }
  leader.throwIfLost();
  expect(anomalies(a.events)).toBeGreaterThan(0);
});

test("a newcomer whose first header is 20 s ahead does not take a lease that lives", async () => {
  const stage = new Stage();
  const leader = await stage.candidate("a").election.campaign();
  const newcomer = hearing(stage, "b", () => 20_000);
  void newcomer.election.campaign();
  expect(await exclusiveFor(stage, 20_000, leader, [newcomer])).toBe(false);
  leader.throwIfLost();
});

test("a leader all whose headers are behind by nearly two seconds writes no end of its lease that is too early", async () => {
  const stage = new Stage();
  const leader = await hearing(stage, "a", () => -1_900).election.campaign();
  for (let passed = 0; passed < 10_000; passed += 100) {
    await stage.advance(100);
    const { lease } = await stage.table.read(NAME);
    expect(factsOf(lease)?.expiresAt).toBeGreaterThanOrEqual(stage.time.wallMs() + leader.remainingMs());
    expect(await stage.candidate("newcomer").election.tryCampaign()).toBeUndefined();
  }
  leader.throwIfLost();
});

test("the end of a lease is written as late as it might be, never as it probably is, whatever the second's phase", async () => {
  for (const offMs of [-1_000, 0, 1_000]) {
    for (let phase = 0; phase < 1_000; phase += 90) {
      const stage = new Stage();
      await stage.advance(phase);
      const a = stage.candidate("a");
      a.clock.stepWall(offMs);
      await a.election.campaign();
      for (let renewals = 0; renewals < 3; renewals++) {
        const sentMs = stage.time.wallMs();
        const { lease } = await stage.table.read(NAME);
        expect(factsOf(lease)?.expiresAt, `${offMs} ${phase}`).toBeGreaterThanOrEqual(sentMs + LEASE_MS);
        await stage.advance(LEASE_MS / 3);
      }
    }
  }
});

test("headers that step by 20 s for good, after a contradiction: the new time never takes a living leader's lease", async () => {
  const stage = new Stage();
  const leader = await stage.candidate("a").election.campaign();
  let errorMs = 0;
  const follower = hearing(stage, "b", () => errorMs);
  void follower.election.campaign();
  await stage.advance(5_000);
  errorMs = 20_000;
  expect(await exclusiveFor(stage, 10 * LEASE_MS, leader, [follower])).toBe(false);
  expect(anomalies(follower.events)).toBe(1);
  leader.throwIfLost();
});

test("a spell of lies shorter than a lease does not win at its second header either, though the wall clock is wrong", async () => {
  const stage = new Stage();
  const leader = await stage.candidate("a").election.campaign();
  let errorMs = 0;
  const follower = hearing(stage, "b", () => errorMs);
  follower.clock.stepWall(HOUR_MS);
  void follower.election.campaign();
  await stage.advance(5_000);
  errorMs = 20_000;
  expect(await exclusiveFor(stage, LEASE_MS - 100, leader, [follower])).toBe(false);
  errorMs = 0;
  expect(await exclusiveFor(stage, 5 * LEASE_MS, leader, [follower])).toBe(false);
  expect(anomalies(follower.events)).toBe(2);
});

test("headers that contradict each other again and again are never believed; observation goes on", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const leader = await a.election.campaign();
  let heard = 0;
  const follower = hearing(stage, "b", () => (heard++ % 2 === 0 ? 0 : 20_000));
  follower.clock.stepWall(HOUR_MS);
  void follower.election.campaign();
  expect(await exclusiveFor(stage, 10 * LEASE_MS, leader, [follower])).toBe(false);
  expect(anomalies(follower.events)).toBeGreaterThan(10);
  expect(await exclusiveFor(stage, 2 * LEASE_MS, leader, [follower], [a])).toBe(true);
});

test("while a leader doubts its headers it writes no end of its lease, and one again when they have agreed for a lease", async () => {
  const stage = new Stage();
  let errorMs = 0;
  const a = hearing(stage, "a", () => errorMs);
  await a.election.campaign();
  await stage.advance(2_000);
  errorMs = 20_000;
  await stage.until(() => anomalies(a.events) > 0);
  errorMs = 0;
  await stage.until(() => anomalies(a.events) > 1);
  const expiresAt = async () => factsOf((await stage.table.read(NAME)).lease)?.expiresAt;
  for (let passed = 1_050; passed < LEASE_MS; passed += 50) {
    await stage.advance(50);
    if (passed > 1_100) expect(await expiresAt()).toBeUndefined();
  }
  await stage.advance(LEASE_MS + 200);
  expect(await expiresAt()).toBeGreaterThan(stage.time.wallMs());
});

test.each(["the leader", "the follower"])("no header at all reaches %s: observation decides", async (who) => {
  const stage = new Stage();
  const deaf = () => undefined;
  const a = who === "the leader" ? hearing(stage, "a", deaf) : stage.candidate("a");
  const b = who === "the follower" ? hearing(stage, "b", deaf) : stage.candidate("b");
  const leader = await a.election.campaign();
  expect(factsOf((await stage.table.read(NAME)).lease)?.expiresAt === undefined).toBe(who === "the leader");
  void b.election.campaign();
  expect(await exclusiveFor(stage, 10_000, leader, [b])).toBe(false);
  expect(await exclusiveFor(stage, LEASE_MS + LEASE_MS / 3, leader, [b], [a])).toBe(true);
});

test.each([-HOUR_MS, HOUR_MS])(
  "a wall clock off by %d ms costs time, never exclusion: whoever has it takes over after a lease of observation at most",
  async (offMs) => {
    const stage = new Stage();
    const dead = stage.candidate("dead");
    const leader = await dead.election.campaign();
    await stage.advance(LEASE_MS + 3_000, { frozen: [dead.clock] });
    const newcomer = stage.candidate("newcomer");
    newcomer.clock.stepWall(offMs);
    void newcomer.election.campaign();
    dead.clock.block(LEASE_MS + 3_000);
    expect(await exclusiveFor(stage, LEASE_MS + LEASE_MS / 3, leader, [newcomer], [dead])).toBe(true);
  },
);

test("wall clock and headers more than a lease apart: no end of the lease is written, since nobody could tell which is right", async () => {
  const stage = new Stage();
  const ahead = stage.candidate("ahead");
  ahead.clock.stepWall(HOUR_MS);
  await ahead.election.campaign();
  expect((await stage.table.read(NAME)).lease).toMatchObject({ term: 1, expiresAt: undefined });
  expect(factsOf((await stage.table.read(NAME)).lease)?.renewedAt).toBeLessThan(stage.time.wallMs() + 2_000);
});

test("a wall clock hours behind keeps no dead candidate in line, and no dead leader for people", async () => {
  const stage = new Stage();
  const lined = { succession: "arrival" } as const;
  const dead = stage.candidate("dead", lined);
  await dead.election.campaign();
  await stage.advance(100);
  await stage.advance(30_000, { frozen: [dead.clock] });
  const behind = stage.candidate("behind", lined);
  behind.clock.stepWall(-HOUR_MS);
  expect(await behind.election.leader()).toBeUndefined();
  expect(await behind.election.candidates()).toEqual([]);
});

test("who dies on a host whose wall clock is hours off is not kept in line by its row either", async () => {
  const stage = new Stage();
  const leader = stage.candidate("leader");
  await leader.election.campaign();
  const dead = stage.candidate("dead", { succession: "arrival" });
  dead.clock.stepWall(HOUR_MS);
  void dead.election.campaign().catch(() => {});
  await stage.advance(100);
  expect(await stage.candidate("a").election.candidates()).toHaveLength(1);
  await stage.advance(30_000, { frozen: [dead.clock] });
  expect(await stage.candidate("b").election.candidates()).toEqual([]);
});

test("a candidate that hears no header leaves a row that the table cleans up some day all the same", async () => {
  const stage = new Stage();
  const deaf = hearing(stage, "deaf", () => undefined, { succession: "arrival" });
  void deaf.election.campaign();
  await stage.advance(100);
  const { candidates } = await stage.table.readCandidates(NAME);
  expect(candidates).toMatchObject([{ expiresAt: undefined, ttl: expect.any(Number) }]);
});

test("on the wire: a follower whose headers step by 20 s reads on, and takes nothing from a leader that lives", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const options = { tableName, name: NAME, leaseDurationMs: LEASE_MS };
  await using leader = await new Election({ ...options, client }).campaign();
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const stop = new AbortController();
  let elected: number | undefined;
  let contradictions = 0;
  const follower = new Election({
    ...options,
    client: newClient(proxy.endpoint),
    onEvent: ({ type }) => {
      if (type === "elected") elected = leader.remainingMs();
      if (type === "clock-anomaly") contradictions += 1;
    },
  });
  const campaign = follower.campaign({ signal: stop.signal }).catch(() => undefined);
  await proxy.seen("GetItem", 3);
  proxy.rewriteDate = (date) => new Date(Date.parse(date) + 20_000).toUTCString();
  await Promise.race([proxy.seen("GetItem", 9), campaign]);
  expect(elected ?? 0).toBe(0);
  expect(contradictions).toBe(1);
  stop.abort();
  await (await campaign)?.resign();
});
