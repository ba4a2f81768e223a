import { expect, test } from "vitest";
import { pastEndReason } from "../../src/protocol/end-reason.js";
import { observe } from "../../src/protocol/observation.js";
import { nextMove } from "../../src/protocol/takeover.js";
import { heldLease, placeholder, vacantLease } from "../support/lease.js";

/** How a term ended: which row says it, and who writes it there. */

test.each([
  ["crashed", vacantLease({ term: 5, endReason: "crashed" }), 5],
  ["evicted", vacantLease({ term: 6, endReason: "evicted" }), 5],
  // Nobody gave it back, or somebody who does not say why.
  ["expired", vacantLease({ term: 5 }), 5],
  ["expired", heldLease({ term: 5 }), 5],
] as const)("an acquire says how the term before it ended: %s", (previousEndReason, lease, previousTerm) => {
  const me = {
    candidateId: "b",
    useServiceClock: false,
    jitterMs: 0,
    eligible: true,
    group: undefined,
    renewIntervalMs: 1_000,
    slotMs: 100,
    handoffPollMs: 10,
    standbyPollMs: undefined,
  };
  const late = { monotonicMs: 1_000_000, wallMs: 1_000_000 };
  const move = nextMove(observe(undefined, lease, 0, true), me, late, undefined);
  expect(move).toMatchObject({ kind: "acquire", basis: { previousTerm, previousEndReason } });
});

test("the row of the next term says it before the history does, and both are believed in this order: history, row", () => {
  const next = heldLease({ term: 6, previousTerm: 5, previousEndReason: "crashed" });
  expect(pastEndReason({ term: 5 }, next)).toBe("crashed");
  expect(pastEndReason({ term: 5, endReason: "resigned" }, next)).toBe("resigned");
});

test("if neither says it, the term was not given back, or its successor is about to write it", () => {
  expect(pastEndReason({ term: 3 }, heldLease({ term: 6, previousTerm: 5 }))).toBe("expired");
  for (const lease of [undefined, placeholder()]) expect(pastEndReason({ term: 5 }, lease)).toBe("expired");
  // The row was created again, so its first leader did not see the end.
  expect(pastEndReason({ term: 5 }, heldLease({ term: 6 }))).toBeUndefined();
  expect(pastEndReason({ term: 5 }, vacantLease({ term: 6 }))).toBe("expired");
});
