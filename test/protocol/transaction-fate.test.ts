import { describe, expect, test } from "vitest";
import type { Lease } from "../../src/protocol/lease.js";
import { fateOf } from "../../src/protocol/transaction-fate.js";
import { leaseOf as lease, placeholder } from "../support/lease.js";

const me = { candidateId: "me", term: 5, number: 3 };
const commit = (term: number, number: number, id = `${term}/${number}`) => ({ term, number, id });

describe("what the row tells of the third transaction of my fifth term", () => {
  const cases: ReadonlyArray<[string, Lease | undefined, object]> = [
    ["it stands there", lease({ holder: "me", lastCommit: commit(5, 3) }), { kind: "landed", id: "5/3" }],
    [
      "it stands there, and another leads who has committed since",
      lease({
        term: 6,
        previousTerm: 5,
        holder: "x",
        lastCommit: commit(6, 1),
        commitBefore: commit(5, 3),
      }),
      { kind: "landed", id: "5/3" },
    ],
    [
      "the one before it stands there, and I still lead",
      lease({ holder: "me", lastCommit: commit(5, 2) }),
      { kind: "open" },
    ],
    ["the lease was given back", lease({ lastCommit: commit(5, 2) }), { kind: "never" }],
    ["I was evicted", lease({ term: 6, endReason: "evicted", lastCommit: commit(5, 2) }), { kind: "never" }],
    [
      "another took over",
      lease({ term: 6, previousTerm: 5, holder: "x", lastCommit: commit(5, 2) }),
      { kind: "never" },
    ],
    [
      "another took over after an eviction, and has committed",
      lease({
        term: 7,
        previousTerm: 5,
        holder: "x",
        lastCommit: commit(7, 4),
        commitBefore: commit(5, 2),
      }),
      { kind: "never" },
    ],
    [
      "two leaders have come since, of whom none has committed",
      lease({ term: 7, previousTerm: 6, holder: "y", lastCommit: commit(5, 2) }),
      { kind: "unknown" },
    ],
    [
      "two leaders have come since",
      lease({ term: 7, previousTerm: 6, holder: "y", lastCommit: commit(7, 1), commitBefore: commit(6, 1) }),
      { kind: "unknown" },
    ],
    [
      "somebody else holds a term of the same number, on a row made anew",
      lease({ holder: "x", lastCommit: commit(5, 2) }),
      { kind: "unknown" },
    ],
    ["the row is gone", undefined, { kind: "unknown" }],
    ["the row was made anew", lease({ term: 6, holder: "x" }), { kind: "unknown" }],
    ["a placeholder stands there", placeholder(), { kind: "unknown" }],
    [
      "an older row of this very term was put back",
      lease({ holder: "me", lastCommit: commit(5, 1) }),
      { kind: "unknown" },
    ],
    [
      "an older row was put back, and another took over from it",
      lease({ term: 6, previousTerm: 5, holder: "x", lastCommit: commit(5, 1) }),
      { kind: "unknown" },
    ],
    ["somebody else counts", lease({ holder: "me", lastCommit: commit(5, 4) }), { kind: "unknown" }],
  ];
  test.each(cases)("%s", (_what, row, fate) => {
    expect(fateOf(row, me)).toEqual(fate);
  });

  test("of the first one: no commit of mine means that none has landed", () => {
    const first = { ...me, number: 1 };
    expect(fateOf(lease({ holder: "me", lastCommit: commit(4, 7) }), first)).toEqual({ kind: "open" });
    const next = lease({ term: 6, previousTerm: 5, holder: "x", lastCommit: commit(6, 2) });
    expect(fateOf({ ...next, commitBefore: commit(4, 7) }, first)).toEqual({ kind: "never" });
  });
});
