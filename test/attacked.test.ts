import { describe, expect, test } from "vitest";
import { Operator } from "../src/index.js";
import { endedTerm } from "../src/protocol/lease.js";
import { renewSucceeded, resignSucceeded } from "../src/protocol/lost-answers.js";
import { windowFrom } from "../src/protocol/ticks.js";
import type { PauseRequest } from "../src/protocol/verbs.js";
import { toCandidate, toLease } from "../src/store/dynamodb/lease-codec.js";
import { LEASE_MS, NAME } from "./support/cast.js";
import { type Facts, factsOf, leaseOf as lease } from "./support/lease.js";
import { between, gate, Stage } from "./support/stage.js";

/** What a second attack found: rows that somebody tampered with, clocks that stood still, requests out of turn. */

describe("a refusal is a success only where the row shows this very try", () => {
  const mine = { candidateId: "a", term: 5 };

  test("a renewal: a revision that nobody of ours wrote keeps no lease alive", () => {
    expect(renewSucceeded(lease({ holder: "a", revision: 9 }), mine, 9)).toBe(true);
    expect(renewSucceeded(lease({ holder: "a", revision: 1_000_000 }), mine, 9)).toBe(false);
  });

  test("a release with a tick: the row has to show the tick too", () => {
    const isReleased = (row: Facts) => resignSucceeded(lease(row), mine, "t2");
    expect(isReleased({ ticks: windowFrom("t2"), tickTerm: 5 })).toBe(true);
    expect(isReleased({ term: 6, holder: "b", ticks: windowFrom("t2"), tickTerm: 5 })).toBe(true);
    expect(isReleased({ ticks: windowFrom("t1"), tickTerm: 5 })).toBe(false);
    expect(isReleased({ term: 6, holder: "b", ticks: windowFrom("t1"), tickTerm: 5 })).toBe(false);
  });
});

test("a raised revision gives no second trusted leader: the first one stops at its next renewal", async () => {
  const stage = new Stage();
  let tampered = false;
  // The row of which somebody raised the revision: each renewal is refused, and shows it.
  const store = between(stage.table, async (verb, pass) => {
    if (verb !== "renew" || !tampered) return pass();
    const { lease: row } = await stage.table.read(NAME);
    return { done: false, lease: row && { ...row, revision: 1_000_000 } };
  });
  const { election } = stage.candidate("a", { store });
  const campaign = election.campaign();
  await stage.advance(100);
  const leadership = await campaign;
  tampered = true;
  await stage.advance(1_200);
  expect(leadership.remainingMs()).toBe(0);
  expect(leadership.signal.aborted).toBe(true);
});

test("an eviction that a row only claims shifts no term", () => {
  expect(endedTerm(lease({ endReason: "evicted" }))).toBe(4);
  const row = { term: { N: "5" }, revision: { N: "9" }, leaseDurationMs: { N: String(LEASE_MS) } };
  const claimed = { ...row, endReason: { S: "evicted" } };
  expect(endedTerm(toLease(NAME, claimed))).toBe(4);
  expect(endedTerm(toLease(NAME, { ...claimed, holder: { S: "a" } }))).toBe(5);
  expect(endedTerm(lease({ endReason: "evicted", term: 1 }))).toBe(1);
});

test("a fraction that rounding would lose is malformed: no condition would ever find it", () => {
  const row = (revision: string) =>
    toLease("e", { term: { N: "1" }, revision: { N: revision }, leaseDurationMs: { N: "3000" } });
  expect(row("7").revision).toBe(7);
  expect(() => row("7.00000000000000000001")).toThrow(/revision/);
});

test("a candidate's row that is not its own, or too large to be written on, is left out", () => {
  const row = (id: string, more = {}) => ({
    sk: { S: `candidate#${id}` },
    candidateId: { S: id },
    arrival: { N: "1" },
    heartbeat: { N: "1" },
    refreshIntervalMs: { N: "3000" },
    ...more,
  });
  expect(toCandidate(row("b"))).toMatchObject({ candidateId: "b" });
  expect(toCandidate({ ...row("b"), sk: { S: "candidate#zzz" } })).toBeUndefined();
  expect(toCandidate(row("x".repeat(250_000)))).toBeUndefined();
  expect(toCandidate(row("b", { heartbeat: { N: "1.5" } }))).toBeUndefined();
});

test("an acquire that is refused by the very pair it claims is tried ever less often", async () => {
  const stage = new Stage();
  const first = await stage.candidate("a").election.tryCampaign();
  await first?.resign();
  let tries = 0;
  const store = between(stage.table, async (verb, pass) => {
    if (verb !== "acquire") return pass();
    tries += 1;
    return { done: false, lease: (await stage.table.read(NAME)).lease };
  });
  const stop = new AbortController();
  const campaign = stage.candidate("b", { store }).election.campaign({ signal: stop.signal });
  campaign.catch(() => {});
  await stage.advance(5_000);
  const before = tries;
  await stage.advance(10_000);
  // At most one a renewal interval, and some for jitter.
  expect(tries - before).toBeLessThanOrEqual(21);
  stop.abort(new Error("enough"));
  await expect(campaign).rejects.toThrow("enough");
});

test("a host whose clocks both stood still acquires twice: the end it wrote first came too early", async () => {
  const stage = new Stage();
  const a = stage.candidate("a", { leaseDurationMs: 15_000 });
  const first = await a.election.tryCampaign();
  await first?.resign();
  // Suspended for twenty seconds, and its wall clock set back by more.
  await stage.advance(20_000, { frozen: [a.clock] });
  a.clock.stepWall(-5_000);
  const leadership = await a.election.tryCampaign();
  expect(a.events.map(({ type }) => type)).toContain("clock-anomaly");
  const { lease: row } = await stage.table.read(NAME);
  expect(row).toMatchObject({ holder: a.election.candidateId, term: leadership?.term });
  // Either none, or one that is not before the trust that it gives.
  expect(factsOf(row)?.expiresAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(stage.time.wallMs() + 14_000);
  expect(leadership?.remainingMs()).toBeGreaterThan(0);
  await leadership?.resign();
});

test("a pause that was asked before a resume, and arrives after it, is not asked again", async () => {
  const stage = new Stage();
  const { opened, open } = gate();
  const store = between(stage.table, async (verb, pass) => {
    if (verb === "pause") await opened;
    return pass();
  });
  const clock = stage.time;
  const slow = new Operator({ store, name: NAME, by: "a", runtime: { clock } }).pause();
  const quick = new Operator({ store: stage.table, name: NAME, by: "b", runtime: { clock } });
  await quick.pause();
  expect(await quick.resume()).toMatchObject({ done: true });
  open();
  expect(await slow).toMatchObject({ done: false });
  expect((await stage.table.read(NAME)).lease?.pausedBy).toBeUndefined();
});

test("no pause is written whose number could not be read again", async () => {
  const seen = lease({ pauseRevision: Number.MAX_SAFE_INTEGER });
  const request: PauseRequest = { election: NAME, by: "a", seen };
  await expect(new Stage().table.pause(request)).rejects.toMatchObject({ attribute: "pauseRevision" });
});
