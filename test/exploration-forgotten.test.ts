import { expect, test } from "vitest";
import { isPast } from "../src/protocol/forgotten.js";
import type { Vacant } from "../src/protocol/lease.js";
import { acquired, resigned } from "../src/protocol/transitions.js";
import { type ForgottenBounds, type ForgottenRules, searchForgotten } from "./exploration/forgotten.js";
import { COPIES, FORGOTTEN_SEARCHES, PAUSE } from "./exploration/forgotten-bounds.js";

/** Every interleaving of uses of a name, late copies, and deletions by the table at any moment (rule 13). */

test.each(FORGOTTEN_SEARCHES)("%s: no term begins again, and no row in use is deleted", (_name, bounds) => {
  const { broken, states, refoundings } = searchForgotten(bounds);
  expect(broken).toBeUndefined();
  expect(states).toBeGreaterThan(200);
  expect(refoundings).toBeGreaterThan(0);
});

const BEGINS_AGAIN = /^term \d+ begins after term \d+$/;

test.each<[string, ForgottenBounds, Partial<ForgottenRules>, RegExp]>([
  [
    "a founding that does not know of floors",
    COPIES,
    { claimedTerm: ({ highestTerm }) => highestTerm + 1 },
    BEGINS_AGAIN,
  ],
  [
    "a founding beside a floor that has changed",
    COPIES,
    {
      isPast: (founding, term, recorded) =>
        isPast(founding, term, { ...recorded, floor: founding.floor ?? 0 }),
    },
    BEGINS_AGAIN,
  ],
  [
    "a floor that is read before the history",
    COPIES,
    {
      floorFirst: true,
      isPast: (founding, term, recorded) =>
        isPast(founding, term, { ...recorded, floor: founding.floor ?? 0 }),
    },
    BEGINS_AGAIN,
  ],
  ["a floor below the term", COPIES, { floorOver: (term) => term - 1 }, BEGINS_AGAIN],
  ["a ttl before the floor covers the term", COPIES, { mayRelease: () => true }, BEGINS_AGAIN],
  [
    "an acquire that keeps the ttl",
    COPIES,
    {
      acquired: (row, request) => {
        const lease = acquired(row, request);
        return lease && ({ ...lease, ttl: (row as Vacant | undefined)?.ttl } as never);
      },
    },
    /^a row in use may be deleted$/,
  ],
  [
    "a release that forgets a pause",
    PAUSE,
    {
      resigned: (row, request) =>
        resigned(row && { ...row, pausedBy: undefined }, request) && {
          ...(resigned(row && { ...row, pausedBy: undefined }, request) as Vacant),
          pausedBy: row?.pausedBy,
        },
    },
    /^the row of a paused election may be deleted$/,
  ],
  [
    "a pause that leaves the ttl",
    PAUSE,
    { paused: (row, request) => row && { ...row, pausedBy: request.by } },
    /^the row of a paused election may be deleted$/,
  ],
])("the search finds %s", (_name, bounds, rules, message) => {
  expect(searchForgotten(bounds, rules).broken?.at(-1)).toMatch(message);
});
