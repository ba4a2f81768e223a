import { expect, test } from "vitest";
import {
  FIRST_LEADER_MS,
  figuresOf,
  HOUR_MS,
  neverRun,
  termOfLastTick,
  withNeverRun,
} from "../../lambda/election-report.js";
import type { Held, Lease, Vacant } from "../../src/protocol/lease.js";
import type { TermRecord } from "../../src/protocol/verbs.js";

const NOW = 1_800_000_000_000;
const LEASE = { term: 7, revision: 20, leaseDurationMs: 15_000, renewIntervalMs: 5_000 };
const HELD: Held = {
  kind: "held",
  ...LEASE,
  holder: "worker-1",
  electedAt: NOW - 60_000,
  renewedAt: NOW - 4_000,
  expiresAt: NOW + 11_000,
};
const VACANT: Vacant = { kind: "vacant", ...LEASE, endReason: "resigned", endedAt: NOW - 30_000 };

const term = (number: number, facts: Partial<TermRecord> = {}): TermRecord => ({
  term: number,
  electedAt: undefined,
  lastRenewedAt: undefined,
  endedAt: undefined,
  ...facts,
});
const report = (lease: Lease, terms: TermRecord[] = [], atMs = NOW) =>
  figuresOf({ election: "billing/nightly", lease, over: undefined, terms, atMs });

test("a leader is there until its lease has run out, by the table's time", () => {
  expect(report(HELD)).toMatchObject({
    hasLeader: true,
    leader: "worker-1",
    secondsWithoutLeader: 0,
    leaseAgeMs: 4_000,
  });
  expect(report(HELD, [], NOW + 11_000)).toMatchObject({ hasLeader: false, secondsWithoutLeader: 0 });
  expect(report(HELD, [], NOW + 31_000)).toMatchObject({
    hasLeader: false,
    secondsWithoutLeader: 20,
    leaseAgeMs: 35_000,
  });
});

test("a holder without an expiry has what its last renewal and its lease tell", () => {
  const { expiresAt: _, ...lease } = HELD;
  expect(report(lease, [], NOW + 10_999)).toMatchObject({ hasLeader: true });
  expect(report(lease, [], NOW + 12_000)).toMatchObject({ hasLeader: false, secondsWithoutLeader: 1 });
});

test("a vacant lease is without a leader since it was given back", () => {
  expect(report(VACANT)).toMatchObject({ hasLeader: false, leader: undefined, secondsWithoutLeader: 30 });
  expect(report(VACANT).leaseAgeMs).toBeUndefined();
  expect(report({ ...VACANT, endedAt: undefined }).secondsWithoutLeader).toBeUndefined();
});

test("a scheduled election at rest misses nobody; one whose last run failed does", () => {
  const completed = { ...VACANT, ticks: { completed: ["2026-01-31"] }, tickTerm: 7 };
  expect(report(completed)).toMatchObject({
    hasLeader: false,
    secondsWithoutLeader: 0,
    secondsSinceLastTick: 30,
  });
  const failed = { ...completed, tickTerm: 6 };
  expect(report(failed, [term(6, { endedAt: NOW - 90_000 })])).toMatchObject({
    secondsWithoutLeader: 30,
    secondsSinceLastTick: 90,
  });
});

test("when the last tick was is asked of history once the row tells of a later tenure", () => {
  expect(termOfLastTick({ ...VACANT, tickTerm: 7 })).toBeUndefined();
  expect(termOfLastTick({ ...VACANT, tickTerm: 6 })).toBe(6);
  expect(termOfLastTick({ ...HELD, tickTerm: 6 })).toBe(6);
  expect(termOfLastTick(HELD)).toBeUndefined();
});

test("history that lacks an end tells the last sign of life", () => {
  const lease = { ...HELD, ticks: { completed: ["2026-01-31"] }, tickTerm: 6 };
  const since = (facts: Partial<TermRecord>) => report(lease, [term(6, facts)]).secondsSinceLastTick;
  const facts = { electedAt: NOW - 90_000, lastRenewedAt: NOW - 80_000, endedAt: NOW - 70_000 };
  expect(since(facts)).toBe(70);
  expect(since({ ...facts, endedAt: undefined })).toBe(80);
  expect(since({ electedAt: facts.electedAt })).toBe(90);
  expect(since({})).toBeUndefined();
  expect(report(HELD).secondsSinceLastTick).toBeUndefined();
});

test("terms of the last hour count once each, the current one too before its history has landed", () => {
  const recent = term(6, { electedAt: NOW - HOUR_MS + 1 });
  const old = term(5, { electedAt: NOW - HOUR_MS });
  expect(report(HELD, [old, recent]).termsPerHour).toBe(2);
  expect(report(HELD, [old, recent, term(7, { electedAt: HELD.electedAt })]).termsPerHour).toBe(2);
  expect(report(VACANT, [old, recent]).termsPerHour).toBe(1);
});

test("no figure is negative, whoever's clock is ahead", () => {
  const { leaseAgeMs, secondsSinceLastTick } = report(
    { ...HELD, renewedAt: NOW + 900, ticks: { completed: ["2026-01-31"] }, tickTerm: 6 },
    [term(6, { endedAt: NOW + 900 })],
  );
  expect([leaseAgeMs, secondsSinceLastTick]).toEqual([0, 0]);
});

const WATCHED = { elections: ["worker", "billing/nightly"], jobs: ["job", "billing/nightly"] };

test("a job that was never invoked is overdue since it is watched, and needs no leader", () => {
  expect(neverRun([], WATCHED)).toEqual(["worker", "billing/nightly", "job"]);
  const since = new Map([["job", NOW - 90_000_000]]);
  expect(withNeverRun([], { elections: [], jobs: ["job"] }, since, NOW)).toMatchObject([
    { election: "job", term: 0, hasLeader: false, secondsWithoutLeader: 0, secondsSinceLastTick: 90_000 },
  ]);
});

test("a job whose runs all failed is overdue since it is watched; one that completed a tick has its own time", () => {
  const failed = report(VACANT);
  expect(neverRun([failed], { elections: [], jobs: ["billing/nightly"] })).toEqual(["billing/nightly"]);
  const since = new Map([["billing/nightly", NOW - 50_000]]);
  expect(withNeverRun([failed], WATCHED, since, NOW)).toMatchObject([
    { secondsWithoutLeader: 30, secondsSinceLastTick: 50 },
  ]);
  const completed = report({ ...VACANT, ticks: { completed: ["2026-01-31"] }, tickTerm: 7 });
  expect(neverRun([completed], { elections: [], jobs: ["billing/nightly"] })).toEqual([]);
  expect(withNeverRun([completed], WATCHED, new Map(), NOW)).toEqual([completed]);
});

test("an election that never had a leader lacks one, once its first deployment had its time", () => {
  const at = (sinceMs: number) =>
    withNeverRun([], { elections: ["worker"], jobs: [] }, new Map([["worker", sinceMs]]), NOW)[0];
  expect(at(NOW - 60_000)).toMatchObject({ hasLeader: false, secondsWithoutLeader: 0 });
  expect(at(NOW - FIRST_LEADER_MS - 70_000)).toMatchObject({ hasLeader: false, secondsWithoutLeader: 70 });
  expect(at(NOW)?.secondsSinceLastTick).toBeUndefined();
  // It is no matter of ticks once it has led.
  expect(withNeverRun([report(HELD)], { elections: ["billing/nightly"], jobs: [] }, new Map(), NOW)).toEqual([
    report(HELD),
  ]);
});
