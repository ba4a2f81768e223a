import { describe, expect, test } from "vitest";
import type { Held, Lease, Vacant } from "../../src/protocol/lease.js";
import { observe, observeHistory, readAgain } from "../../src/protocol/observation.js";
import { boundsOf, serviceClockOf } from "../../src/protocol/service-clock.js";
import { nextMove } from "../../src/protocol/takeover.js";
import { heldLease, placeholder, vacantLease } from "../support/lease.js";

/** What is known after which answer, and what may be done then. */

const ROW = heldLease({ term: 3, holder: "x" });
const VACANT = vacantLease(ROW);
const me = {
  candidateId: "a",
  useServiceClock: false,
  jitterMs: 0,
  eligible: true,
  group: undefined as string | undefined,
  renewIntervalMs: 1_000,
  slotMs: 100,
  handoffPollMs: 50,
  standbyPollMs: undefined,
};
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });

test("observer clock: a pair counts as seen from the answer that first showed it, for as long as it stays", () => {
  const first = observe(undefined, ROW, 100, true);
  expect(first).toMatchObject({ lease: ROW, firstSeenMs: 100, polledMs: 100 });
  const again = observe(first, { ...ROW, stepDown: { by: "op" } }, 700, false);
  expect(again).toMatchObject({ lease: { stepDown: { by: "op" } }, firstSeenMs: 100, polledMs: 700 });
  const renewed = observe(again, { ...ROW, revision: 10 }, 1_100, false);
  expect(renewed).toMatchObject({ lease: { revision: 10 }, firstSeenMs: 1_100 });
});

test("an older pair is news only if the answer cannot be stale", () => {
  const now = observe(undefined, ROW, 100, true);
  for (const older of [
    { ...ROW, revision: 8 },
    { ...ROW, term: 2, revision: 20 },
  ]) {
    expect(observe(now, older, 200, false)).toMatchObject({ lease: ROW, firstSeenMs: 100, polledMs: 200 });
    expect(observe(now, older, 200, true)).toMatchObject({ lease: older, firstSeenMs: 200 });
  }
});

test("a placeholder after a term may be an old replica or a deleted row: a consistent read tells, once", () => {
  const place = placeholder();
  const doubted = observe(observe(undefined, ROW, 100, true), place, 200, false);
  expect(doubted).toMatchObject({ lease: ROW, firstSeenMs: 100 });
  expect(nextMove(doubted, me, at(200), undefined)).toEqual({ kind: "read", consistent: true });
  expect(observe(doubted, place, 210, true)).toMatchObject({ lease: place, firstSeenMs: 210 });
  const stale = observe(doubted, ROW, 210, true);
  expect(nextMove(stale, me, at(210), undefined)).toMatchObject({ kind: "wait" });
});

test("a row that goes and a row that comes are news each time", () => {
  const gone = observe(observe(undefined, ROW, 100, true), undefined, 200, false);
  expect(gone).toMatchObject({ lease: undefined, firstSeenMs: 200 });
  expect(observe(gone, ROW, 300, false)).toMatchObject({ lease: ROW, firstSeenMs: 300 });
});

test("renewals of one tenure keep the schedule, those not looked at too; anything else starts a new one", () => {
  const before = observe(observe(undefined, ROW, 1_000, true), ROW, 1_500, false);
  const inStep = observe(before, { ...ROW, revision: 10 }, 2_000, false);
  // The bracket of the last write, one interval later, ended by this look.
  expect(inStep.schedule).toMatchObject({ afterMs: 1_500, byMs: 2_000 });
  const narrow = observe(before, { ...ROW, revision: 10 }, 2_600, false);
  expect(narrow.schedule).toMatchObject({ byMs: 2_000 });
  const skipped = observe(before, { ...ROW, revision: 11 }, 3_100, false);
  expect(skipped.schedule).toMatchObject({ afterMs: 2_000, byMs: 3_000 });
  for (const other of [
    { ...ROW, term: 4, revision: 10 },
    { ...VACANT, revision: 10 },
  ]) {
    expect(observe(before, other, 2_600, false).schedule).toMatchObject({
      afterMs: 1_500,
      byMs: 2_600,
      missed: 0,
    });
  }
});

test("nothing known: a consistent read; no row: a placeholder; a placeholder: its history, and then what that says", () => {
  expect(nextMove(undefined, me, at(0), undefined)).toEqual({ kind: "read", consistent: true });
  const absent = observe(undefined, undefined, 0, true);
  expect(nextMove(absent, me, at(0), undefined)).toEqual({ kind: "createPlaceholder" });
  const place = placeholder();
  const held = observe(absent, place, 10, true);
  expect(nextMove(held, me, at(10), undefined)).toEqual({ kind: "readHistory" });
  const fresh = observeHistory(held, { highestTerm: 0, longestLeaseMs: 0 }, at(10));
  const first = { term: 0, revision: 77, founding: { highestTerm: 0, lastTick: undefined } };
  expect(nextMove(fresh, me, at(10), undefined)).toEqual({ kind: "acquire", basis: first, term: 1 });
  // No term was recorded, whatever a lease in the history may say: nobody can be leading.
  const odd = observeHistory(held, { highestTerm: 0, longestLeaseMs: 5_000 }, at(10));
  expect(nextMove(odd, me, at(10), undefined)).toEqual({ kind: "acquire", basis: first, term: 1 });
  // It may have been deleted and made again before the history was read: it counts from a look after that.
  const read = observeHistory(held, { highestTerm: 41, longestLeaseMs: 5_000, lastTick: "t" }, at(20));
  expect(nextMove(read, me, at(9_000), undefined)).toEqual({ kind: "read", consistent: true });
  expect(nextMove(observe(read, place, 1_010, false), me, at(9_000), undefined).kind).toBe("read");
  const old = observe(read, place, 1_010, true);
  expect(nextMove(old, me, at(6_009), undefined)).toMatchObject({ kind: "read", consistent: false });
  expect(nextMove(observe(old, place, 6_009, false), me, at(6_009), undefined).kind).toBe("wait");
  // The floor may have been raised during the wait. The wait itself counts.
  expect(nextMove(old, me, at(6_010), undefined)).toEqual({ kind: "readHistory" });
  const known = { highestTerm: 41, longestLeaseMs: 5_000, lastTick: "t" };
  const late = observeHistory(old, known, at(6_010));
  expect(nextMove(late, me, at(6_010), undefined)).toEqual({
    kind: "acquire",
    basis: { term: 0, revision: 77, founding: { highestTerm: 41, lastTick: "t" } },
    term: 42,
  });
  // Recorded terms are cleaned up some day: what was read long ago does not count.
  expect(nextMove(late, me, at(616_010), undefined).kind).toBe("acquire");
  expect(nextMove(late, me, at(616_011), undefined)).toEqual({ kind: "readHistory" });
  // By either clock: a machine that was suspended for days has a monotonic clock that stood still.
  const asleep = { monotonicMs: 20_000, wallMs: 259_200_000 };
  expect(nextMove(late, me, asleep, undefined)).toEqual({ kind: "readHistory" });
  // Read again and nothing new: tries an hour apart get on too.
  const same = observeHistory(old, known, at(620_000));
  expect(nextMove(same, me, at(620_001), undefined).kind).toBe("acquire");
  const other = observeHistory(old, { highestTerm: 42, longestLeaseMs: 5_000 }, at(620_000));
  expect(nextMove(other, me, at(620_001), undefined)).toEqual({ kind: "read", consistent: true });
});

test("a vacant lease is free, unless it is kept for another: until its time is over by the table's clock, or by observation", () => {
  const kept = (candidateId: string, until?: number) => {
    const reservation = { candidateId, until, forMs: 3_000 };
    return observe(undefined, { ...VACANT, reservation }, 0, true);
  };
  const acquire = {
    kind: "acquire",
    basis: { term: 3, revision: 9, previousTerm: 3, previousEndReason: "expired" },
    term: 4,
  };
  expect(nextMove(observe(undefined, VACANT, 0, true), me, at(0), undefined)).toEqual(acquire);
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
  const kept = { ...VACANT, line, reservation: { candidateId: "a", forMs: 500, until: undefined } };
  const seen = observe(undefined, kept, 1_000, true);
  expect(nextMove(seen, me, at(1_050), undefined)).toMatchObject({ kind: "acquire" });
  // The first in line waits until the reservation has lapsed, the second a slot more, and looks before it tries.
  const move = (candidateId: string, ms: number) =>
    nextMove(seen, { ...me, candidateId }, at(ms), undefined).kind;
  expect([move("b", 1_499), move("b", 1_500), move("c", 1_600)]).toEqual(["wait", "acquire", "read"]);
});

describe("an older row than one that was seen", () => {
  const OLD: Vacant = { ...VACANT, term: 2, revision: 4 };
  const NOW: Held = { ...ROW, term: 9, revision: 30, leaseDurationMs: 5_000 };
  const restored = (row: Lease, atMs = 1_000) => observe(observe(undefined, NOW, 100, true), row, atMs, true);
  const move = (observation: ReturnType<typeof observe>, ms: number, who = me) =>
    nextMove(observation, who, at(ms), serviceAt(ms));
  const serviceAt = (ms: number) =>
    serviceClockOf(boundsOf({ dateMs: 1e9, sent: at(ms), received: at(ms) }, 0), 0);
  const trusting = { ...me, useServiceClock: true };

  test.each<[string, Lease]>([
    ["vacant", OLD],
    ["of an earlier term, long expired", heldLease({ ...OLD, holder: "x", expiresAt: 1 })],
    ["held by this very candidate, once", heldLease({ ...OLD, holder: "a" })],
    [
      "reserved for this very candidate",
      { ...OLD, reservation: { candidateId: "a", until: undefined, forMs: 3_000 } },
    ],
    ["evicted", { ...OLD, endReason: "evicted", expiresAt: 1 }],
  ])(
    "%s: held by an unknown for the longest lease that was seen, then terms go on above all that were seen",
    (_what, row) => {
      const observation = restored(row);
      expect(observation).toMatchObject({ lease: row, firstSeenMs: 1_000 });
      for (const who of [me, trusting]) {
        expect(move(observation, 1_000, who).kind).not.toBe("acquire");
        expect(move(observation, 5_999, who).kind).not.toBe("acquire");
        const later = observe(observation, row, 6_000, false);
        expect(move(later, 6_000, who)).toEqual({
          kind: "acquire",
          // What was committed under the restored term, that row does not tell.
          basis: { term: 2, revision: 4, previousTerm: undefined },
          term: 10,
        });
      }
    },
  );

  test("of the same term: its end is older than the one that was seen, so it does not count", () => {
    const older = { ...NOW, revision: 3, expiresAt: 1 };
    const observation = restored(older);
    expect(move(observation, 5_999, trusting).kind).not.toBe("acquire");
    expect(move(observe(observation, older, 6_000, false), 6_000, trusting)).toMatchObject({ term: 10 });
  });

  test("an eventually consistent read is asked again first; a replica that was old changes nothing", () => {
    const doubted = observe(observe(undefined, NOW, 100, true), OLD, 1_000, false);
    expect(doubted).toMatchObject({ lease: NOW, firstSeenMs: 100 });
    expect(move(doubted, 1_000)).toEqual({ kind: "read", consistent: true });
    const stale = observe(doubted, NOW, 1_010, true);
    expect(move(stale, 5_100)).toMatchObject({ kind: "acquire", term: 10 });
    const back = observe(doubted, OLD, 1_010, true);
    expect(move(back, 6_009).kind).not.toBe("acquire");
  });

  test("who goes on from it without knowing is waited for as any holder; the wait for the unknown begins once", () => {
    const taken = heldLease({ ...OLD, term: 3, revision: 5, holder: "fresh" });
    const held = observe(restored(OLD), taken, 2_000, false);
    expect(move(held, 4_999).kind).not.toBe("acquire");
    const given = observe(held, vacantLease({ ...taken, revision: 6 }), 6_500, false);
    expect(move(given, 6_500)).toMatchObject({ kind: "acquire", basis: { term: 3, revision: 6 }, term: 10 });
    // Put back once more: all over again.
    const again = observe(given, OLD, 7_000, true);
    expect(move(again, 11_999).kind).not.toBe("acquire");
  });

  test("with the number of the lost term comes again with another acquire: also when it was given back by then", () => {
    const lost = observe(undefined, { ...ROW, attemptId: "x" }, 0, true);
    for (const again of [
      { ...ROW, holder: "y", attemptId: "y" },
      { ...VACANT, revision: ROW.revision + 1, attemptId: "y" },
    ]) {
      const seen = observe(lost, again, 1_000, false);
      expect(nextMove(seen, me, at(999 + ROW.leaseDurationMs), undefined).kind).not.toBe("acquire");
      expect(
        nextMove(observe(seen, again, 1_001, false), me, at(1_000 + ROW.leaseDurationMs), undefined),
      ).toMatchObject({
        kind: "acquire",
        term: ROW.term + 1,
      });
    }
  });

  test("is no older row when an old replica shows it once more, beside a placeholder or after its end", () => {
    const row = { ...ROW, attemptId: "x" };
    const gone = observe(observe(undefined, row, 0, true), placeholder(), 100, true);
    const replica = observe(gone, row, 200, false);
    const next = { ...VACANT, term: ROW.term + 1, revision: ROW.revision + 5, attemptId: "y" };
    expect(nextMove(observe(replica, next, 300, true), me, at(300), undefined).kind).toBe("acquire");
    const released = { ...VACANT, revision: ROW.revision + 1, attemptId: "x" };
    expect(nextMove(observe(replica, released, 300, true), me, at(300), undefined).kind).toBe("acquire");
  });

  test("the wait outlasts an eviction, which counts terms up past what was seen", () => {
    const older = { ...NOW, revision: 3, expiresAt: 1 };
    const evicted = vacantLease({ ...older, term: 10, revision: 4, endReason: "evicted" });
    const observation = observe(restored(older), evicted, 1_500, true);
    expect(move(observation, 5_999, trusting).kind).not.toBe("acquire");
  });

  test("a table made anew: a placeholder, whose history knows less or nothing", () => {
    const place = placeholder();
    for (const [highestTerm, longestLeaseMs] of [
      [0, 0],
      [4, 2_000],
      [9, 2_000],
    ] as const) {
      const observation = observe(
        observe(observe(undefined, NOW, 100, true), undefined, 900, true),
        place,
        1_000,
        true,
      );
      const known = observe(
        observeHistory(observation, { highestTerm, longestLeaseMs }, at(0)),
        place,
        1_000,
        true,
      );
      expect(move(known, 5_999).kind).not.toBe("acquire");
      const again = observeHistory(known, { highestTerm, longestLeaseMs }, at(6_000));
      expect(move(again, 6_000)).toMatchObject({
        kind: "acquire",
        term: 10,
        basis: { founding: { highestTerm } },
      });
    }
    // And an older row that comes where nothing was.
    const gone = observe(observe(undefined, NOW, 100, true), undefined, 900, true);
    expect(move(observe(gone, OLD, 1_000, true), 5_999).kind).not.toBe("acquire");
  });

  test("to read all of it again does not forget it", () => {
    const forgot = readAgain(observe(undefined, NOW, 100, true));
    expect(move(forgot, 200)).toEqual({ kind: "read", consistent: true });
    expect(move(observe(forgot, OLD, 1_000, true), 5_999).kind).not.toBe("acquire");
  });
});

test("a poll that took long to answer does not move the bracket: what it did not show was written after it left", () => {
  const before = observe(undefined, ROW, 100, false);
  const slow = observe(before, ROW, 900, false, 400);
  const { schedule } = observe(slow, { ...ROW, term: ROW.term + 1, revision: 1 }, 950, false, 940);
  expect(schedule).toMatchObject({ afterMs: 400, byMs: 950, polledAtMs: 940 });
});
