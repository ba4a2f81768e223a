import { expect, test } from "vitest";
import type { Lease } from "../src/lease.js";
import { boundsOf, serviceClockOf } from "../src/service-clock.js";
import { see, seeHistory } from "../src/sighting.js";
import { nextMove } from "../src/takeover.js";

/** What is known after which answer, and what may be done then. */

const ROW: Lease = { term: 3, revision: 9, holder: "x", leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
const VACANT: Lease = { ...ROW, holder: undefined };
const me = {
  candidateId: "a",
  useServiceClock: false,
  jitterMs: 0,
  eligible: true,
  group: undefined as string | undefined,
  slotMs: 100,
  handoffPollMs: 50,
};
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });

test("observer clock: a pair counts as seen from the answer that first showed it, for as long as it stays", () => {
  const first = see(undefined, ROW, 100, true);
  expect(first).toMatchObject({ lease: ROW, firstSeenMs: 100, lookedMs: 100 });
  const again = see(first, { ...ROW, stepDown: { by: "op" } }, 700, false);
  expect(again).toMatchObject({ lease: { stepDown: { by: "op" } }, firstSeenMs: 100, lookedMs: 700 });
  const renewed = see(again, { ...ROW, revision: 10 }, 1_100, false);
  expect(renewed).toMatchObject({ lease: { revision: 10 }, firstSeenMs: 1_100 });
});

test("an older pair is news only if the answer cannot be stale", () => {
  const now = see(undefined, ROW, 100, true);
  for (const older of [
    { ...ROW, revision: 8 },
    { ...ROW, term: 2, revision: 20 },
  ]) {
    expect(see(now, older, 200, false)).toMatchObject({ lease: ROW, firstSeenMs: 100, lookedMs: 200 });
    expect(see(now, older, 200, true)).toMatchObject({ lease: older, firstSeenMs: 200 });
  }
});

test("a placeholder after a term may be an old replica or a deleted row: a consistent read tells, once", () => {
  const place: Lease = { term: 0, revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  const doubted = see(see(undefined, ROW, 100, true), place, 200, false);
  expect(doubted).toMatchObject({ lease: ROW, firstSeenMs: 100 });
  expect(nextMove(doubted, me, at(200), undefined)).toEqual({ kind: "read", consistent: true });
  expect(see(doubted, place, 210, true)).toMatchObject({ lease: place, firstSeenMs: 210 });
  const stale = see(doubted, ROW, 210, true);
  expect(nextMove(stale, me, at(210), undefined)).toMatchObject({ kind: "wait" });
});

test("a row that goes and a row that comes are news each time", () => {
  const gone = see(see(undefined, ROW, 100, true), undefined, 200, false);
  expect(gone).toMatchObject({ lease: undefined, firstSeenMs: 200 });
  expect(see(gone, ROW, 300, false)).toMatchObject({ lease: ROW, firstSeenMs: 300 });
});

test("renewals of one tenure keep the rhythm, those not looked at too; anything else starts a new one", () => {
  const before = see(see(undefined, ROW, 1_000, true), ROW, 1_500, false);
  const inStep = see(before, { ...ROW, revision: 10 }, 2_000, false);
  // The bracket of the last write, one interval later, ended by this look.
  expect(inStep.rhythm).toMatchObject({ afterMs: 1_500, byMs: 2_000 });
  const narrow = see(before, { ...ROW, revision: 10 }, 2_600, false);
  expect(narrow.rhythm).toMatchObject({ byMs: 2_000 });
  const skipped = see(before, { ...ROW, revision: 11 }, 3_100, false);
  expect(skipped.rhythm).toMatchObject({ afterMs: 2_000, byMs: 3_000 });
  for (const other of [
    { ...ROW, term: 4, revision: 10 },
    { ...VACANT, revision: 10 },
  ]) {
    expect(see(before, other, 2_600, false).rhythm).toMatchObject({ afterMs: 1_500, byMs: 2_600, missed: 0 });
  }
});

test("nothing known: a consistent read; no row: a placeholder; a placeholder: its history, and then what that says", () => {
  expect(nextMove(undefined, me, at(0), undefined)).toEqual({ kind: "read", consistent: true });
  const absent = see(undefined, undefined, 0, true);
  expect(nextMove(absent, me, at(0), undefined)).toEqual({ kind: "holdPlace" });
  const place: Lease = { term: 0, revision: 77, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  const held = see(absent, place, 10, true);
  expect(nextMove(held, me, at(10), undefined)).toEqual({ kind: "readHistory" });
  const fresh = seeHistory(held, { highestTerm: 0, longestLeaseMs: 0 });
  const first = { term: 0, revision: 77, founding: { firstTerm: 1, lastTick: undefined } };
  expect(nextMove(fresh, me, at(10), undefined)).toEqual({ kind: "acquire", basis: first });
  // No term was recorded, whatever a lease in the history may say: nobody can be leading.
  const odd = seeHistory(held, { highestTerm: 0, longestLeaseMs: 5_000 });
  expect(nextMove(odd, me, at(10), undefined)).toEqual({ kind: "acquire", basis: first });
  const old = seeHistory(held, { highestTerm: 41, longestLeaseMs: 5_000, lastTick: "t" });
  expect(nextMove(old, me, at(5_009), undefined)).toMatchObject({ kind: "read", consistent: false });
  expect(nextMove(see(old, place, 5_009, false), me, at(5_009), undefined).kind).toBe("wait");
  expect(nextMove(old, me, at(5_010), undefined)).toEqual({
    kind: "acquire",
    basis: { term: 0, revision: 77, founding: { firstTerm: 42, lastTick: "t" } },
  });
});

test("a vacant lease is free, unless it is kept for another: until its time is over by the table's clock, or by observation", () => {
  const kept = (reservedFor: string, reservedUntil?: number) =>
    see(undefined, { ...VACANT, reservedFor, reservedUntil }, 0, true);
  const acquire = { kind: "acquire", basis: { term: 3, revision: 9, previousTerm: 3 } };
  expect(nextMove(see(undefined, VACANT, 0, true), me, at(0), undefined)).toEqual(acquire);
  expect(nextMove(kept("a"), me, at(0), undefined)).toEqual(acquire);
  expect(nextMove(kept("b"), me, at(0), undefined).kind).toBe("wait");
  expect(nextMove(kept("b"), me, at(2_999), undefined).kind).not.toBe("acquire");
  expect(nextMove(kept("b"), me, at(3_000), undefined)).toEqual(acquire);
  const clock = serviceClockOf(boundsOf({ dateMs: 0, sent: at(0), received: at(0) }, 0), 0);
  const trusting = { ...me, useServiceClock: true };
  expect(nextMove(kept("b", 1_000), trusting, at(900), clock).kind).not.toBe("acquire");
  expect(nextMove(kept("b", 1_000), trusting, at(1_100), clock)).toEqual(acquire);
  expect(nextMove(kept("b"), trusting, at(1_100), clock).kind).not.toBe("acquire");
});

test("a lease reserved for me is mine at once, whatever my place in the line; others come in their turn", () => {
  const line = ["b", "c", "a"];
  const kept = { ...VACANT, line, reservedFor: "a", reservedMs: 500 };
  const seen = see(undefined, kept, 1_000, true);
  expect(nextMove(seen, me, at(1_050), undefined)).toMatchObject({ kind: "acquire" });
  // The first in line waits until the reservation has lapsed, the second a slot more, and looks before it tries.
  const move = (candidateId: string, ms: number) =>
    nextMove(seen, { ...me, candidateId }, at(ms), undefined).kind;
  expect([move("b", 1_499), move("b", 1_500), move("c", 1_600)]).toEqual(["wait", "acquire", "read"]);
});
