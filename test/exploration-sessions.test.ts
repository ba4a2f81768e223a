import { expect, test } from "vitest";
import type { Vacant } from "../src/protocol/lease.js";
import { CLAIM, DELETION, EVICTION, SESSION_SEARCHES, SWEEP } from "./exploration/session-bounds.js";
import { type SessionBounds, type SessionRules, searchSessions } from "./exploration/sessions.js";

/** Every interleaving of a holder under a session and a plain candidate, with late copies, evictions and deletions (rule 14). */

test.each(SESSION_SEARCHES)("%s: at most one is trusted, and no term begins again", (_name, bounds) => {
  const { broken, states, claims } = searchSessions(bounds);
  expect(broken).toBeUndefined();
  expect(states).toBeGreaterThan(1_000);
  expect(claims).toBeGreaterThan(0);
});

const AT_ONCE = /are trusted at once$/;

test.each<[string, SessionBounds, Partial<SessionRules>]>([
  [
    "a seal of a session that has been renewed",
    CLAIM,
    {
      sessionSealed: (row) =>
        row?.kind === "held"
          ? ({
              ...row,
              kind: "vacant",
              endReason: "expired",
              revision: row.revision + 1,
            } as unknown as Vacant)
          : undefined,
    },
  ],
  ["trust without a look at the row, and an eviction", EVICTION, { trusts: (session) => session }],
  ["trust without a look at the row, and a deletion", DELETION, { trusts: (session) => session }],
  ["trust without the session", CLAIM, { trusts: (_session, row) => row }],
  [
    "a seal upon a late copy of the opening, as a proof",
    SWEEP,
    { isFree: (fate) => fate === "ended" || fate === "tombstone" },
  ],
  [
    "a missing session's row, as a proof",
    SWEEP,
    { isFree: (fate) => fate === "ended" || fate === "missing" },
  ],
  ["an evicted lease that is free at once", EVICTION, { isOver: () => true }],
  ["a lease that is given back while its work runs", CLAIM, { mayResign: () => true }],
])("the search finds %s", (_name, bounds, rules) => {
  expect(searchSessions(bounds, rules).broken?.at(-1)).toMatch(AT_ONCE);
});
