import fc from "fast-check";
import { expect, test } from "vitest";
import type { EndReason } from "../../src/errors.js";
import { leaderOf } from "../../src/protocol/leader.js";
import { changesSince, missedTerms, type Seen, type Told } from "../../src/protocol/leader-change.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { TermRange, TermRecord } from "../../src/protocol/verbs.js";
import { heldLease, placeholder, vacantLease } from "../support/lease.js";

/** What an observer tells after what it told (rule 7i). */

const seen = (lease: Lease | undefined): Seen => ({ lease, leader: leaderOf(lease) });
const told = (term: number): Told => ({ term, leader: leaderOf(heldLease({ term, holder: `c${term}` })) });
const ended = (term: number): Told => ({ term, leader: undefined });
const past = (term: number, endReason?: EndReason): TermRecord => ({ term, holder: `c${term}`, endReason });

/** As `9 c9, 8 expired`. */
function lines(before: Told | undefined, lease: Lease | undefined, history: readonly TermRecord[] = []) {
  return changesSince(before, seen(lease), history).changes.map(({ leader, ended: end }) => {
    const name = leader ? `${leader.term} ${leader.candidateId}` : "nobody";
    return end ? `${name}, ${end.term} ${end.reason}` : name;
  });
}

test("what was missed is read from history, unless the row says it all", () => {
  const held = heldLease({ term: 9, previousTerm: 8 });
  expect(missedTerms(undefined, seen(held))).toBeUndefined();
  expect(missedTerms(told(9), seen(held))).toBeUndefined();
  expect(missedTerms(told(8), seen(held))).toBeUndefined();
  expect(missedTerms(ended(8), seen(held))).toBeUndefined();
  expect(missedTerms(told(7), seen(held))).toEqual({ after: 6, before: 9, limit: 2 });
  expect(missedTerms(ended(7), seen(held))).toEqual({ after: 7, before: 9, limit: 1 });
  // A vacant row does not say who held it. An eviction uses up one more number.
  const evicted = vacantLease({ term: 9, endReason: "evicted" });
  expect(missedTerms(undefined, seen(evicted))).toEqual({ after: 7, before: 9, limit: 1 });
  expect(missedTerms(told(8), seen(evicted))).toBeUndefined();
  // After an eviction the row says which term ended.
  expect(missedTerms(told(7), seen(heldLease({ term: 9, previousTerm: 7 })))).toBeUndefined();
  expect(missedTerms(told(9), seen(undefined))).toBeUndefined();
  expect(missedTerms(told(9), seen(placeholder()))).toBeUndefined();
  expect(missedTerms(told(1), seen(heldLease({ term: 100_000 })))?.limit).toBe(1_000);
});

test("a term whose end nobody recorded: expired if it is in history, unknown if not even that", () => {
  const row = heldLease({ term: 9, holder: "c9", previousTerm: 8, previousEndReason: "rotated" });
  const history = [past(8, "rotated"), past(7), past(6, "resigned")];
  expect(lines(told(5), row, history)).toEqual([
    "6 c6, 5 unknown",
    "7 c7, 6 resigned",
    "8 c8, 7 expired",
    "9 c9, 8 rotated",
  ]);
  // History does not have the latest one yet.
  expect(lines(told(7), row, [past(7, "crashed")])).toEqual(["9 c9, 7 crashed"]);
});

test("the row was created again after a deletion: its first leader may be about to record how the term before ended", () => {
  expect(lines(told(8), undefined)).toEqual(["nobody, 8 deleted"]);
  expect(lines(told(8), placeholder())).toEqual(["nobody, 8 deleted"]);
  expect(lines(told(8), heldLease({ term: 9, holder: "c9" }), [past(8)])).toEqual(["9 c9, 8 unknown"]);
  expect(lines(told(8), heldLease({ term: 9, holder: "c9" }), [past(8, "deleted")])).toEqual([
    "9 c9, 8 deleted",
  ]);
});

test("an older row that was put back is told as it is, and so is what comes after it", () => {
  const before = told(8);
  const older = seen(heldLease({ term: 3, holder: "c3" }));
  const { changes, told: after } = changesSince(before, older, []);
  expect(changes).toMatchObject([{ leader: { term: 3 }, ended: { term: 8, reason: "unknown" } }]);
  const next = heldLease({ term: 4, holder: "c4", previousTerm: 3, previousEndReason: "expired" });
  expect(lines(after, next)).toEqual(["4 c4, 3 expired"]);
});

test("whatever is seen in the order of the terms: each end is told once, after its leader, and no term comes back", () => {
  const step = fc.record({ by: fc.integer({ min: 0, max: 3 }), vacant: fc.boolean(), known: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state: Told | undefined;
      let term = 1;
      const order: string[] = [];
      for (const { by, vacant, known } of steps) {
        term += by;
        const row = {
          term,
          holder: `c${term}`,
          previousTerm: term - 1,
          previousEndReason: "resigned" as const,
        };
        const view = seen(vacant ? vacantLease({ ...row, endReason: "crashed" }) : heldLease(row));
        const range = missedTerms(state, view);
        const history = known && range ? terms(range) : [];
        const { changes, told: after } = changesSince(state, view, history);
        for (const { leader, ended: end } of changes) {
          if (end && order.length > 0) order.push(`end ${end.term}`);
          if (leader) order.push(`leader ${leader.term}`);
        }
        state = after;
      }
      // `leader 1, end 1, leader 3, end 3`: in this order, and in pairs.
      const numbers = order.map((line) => Number(line.split(" ")[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(order).size).toBe(order.length);
      const ends = order.filter((line) => line.startsWith("end")).map((line) => line.slice(4));
      const leaders = order.filter((line) => line.startsWith("leader")).map((line) => line.slice(7));
      expect(ends).toEqual(leaders.slice(0, ends.length));
      expect(leaders.length - ends.length).toBeLessThanOrEqual(1);
    }),
  );
});

function terms({ after = 0, before = 0 }: TermRange): TermRecord[] {
  return Array.from({ length: before - after - 1 }, (_, i) => past(before - 1 - i, "resigned"));
}
