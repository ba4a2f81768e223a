import { describe, expect, test } from "vitest";
import { backoffMs } from "../../src/async.js";
import { EVICTION_STEP } from "../../src/limits.js";
import type { Held, Lease } from "../../src/protocol/lease.js";
import { acquireSucceeded, renewSucceeded, resignSucceeded } from "../../src/protocol/lost-answers.js";
import {
  acquired,
  askedToStepDown,
  evicted,
  isFencePassed,
  placeholderCreated,
  renewed,
  resigned,
} from "../../src/protocol/transitions.js";
import { placeholder, vacantLease } from "../support/lease.js";

/** The verbs' rules and the reading of lost answers, without a store. */

const ROW: Held = {
  kind: "held",
  term: 7,
  revision: 40,
  holder: "a",
  attemptId: "a-1",
  leaseDurationMs: 3_000,
  renewIntervalMs: 1_000,
  ticks: { floor: "t0", completed: ["t1"] },
  tickTerm: 5,
};
const VACANT = vacantLease(ROW);
const election = "e";
const at = 123;

/** Rows that are not `a`'s term 7: none, a vacancy, another holder, another term. */
const NOT_MINE: Array<[string, Lease | undefined]> = [
  ["no row", undefined],
  ["a vacant row", VACANT],
  ["another holder's", { ...ROW, holder: "b" }],
  ["an earlier term", { ...ROW, term: 6 }],
  ["a later term", { ...ROW, term: 8 }],
];

test("a placeholder is made only where there is no row", () => {
  const request = { election, revision: 99, leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
  expect(placeholderCreated(undefined, request)).toEqual({
    kind: "placeholder",
    term: 0,
    revision: 99,
    leaseDurationMs: 3_000,
    renewIntervalMs: 1_000,
  });
  expect(placeholderCreated(VACANT, request)).toBeUndefined();
});

describe("acquire", () => {
  const request = {
    election,
    candidateId: "b",
    attemptId: "b-1",
    leaseDurationMs: 9_000,
    renewIntervalMs: 3_000,
    value: "v",
    expiresAt: 5,
    at,
  };

  test("only on the very pair; then the term is the one asked for, revision goes on, and ticks stay", () => {
    const basis = { term: 7, revision: 40 };
    const term = 12;
    expect(acquired(ROW, { ...request, basis, term })).toEqual({
      kind: "held",
      term: 12,
      revision: 41,
      holder: "b",
      attemptId: "b-1",
      leaseDurationMs: 9_000,
      renewIntervalMs: 3_000,
      value: "v",
      expiresAt: 5,
      electedAt: at,
      renewedAt: at,
      ticks: { floor: "t0", completed: ["t1"] },
      tickTerm: 5,
    });
    for (const other of [undefined, { ...ROW, term: 8 }, { ...ROW, revision: 41 }]) {
      expect(acquired(other, { ...request, basis, term })).toBeUndefined();
    }
  });

  test("on a placeholder terms and ticks go on from history, and revisions begin", () => {
    const place = placeholder(99);
    const basis = { term: 0, revision: 99, founding: { highestTerm: 11, lastTick: "t9" } };
    const term = 12;
    expect(acquired(place, { ...request, basis, term })).toMatchObject({
      term: 12,
      revision: 1,
      ticks: { floor: "t9", completed: [] },
    });
    expect(acquired({ ...place, revision: 98 }, { ...request, basis, term })).toBeUndefined();
  });
});

describe("the holder's own verbs", () => {
  const renewal = { election, candidateId: "a", term: 7, renewIntervalMs: 900, value: "v", expiresAt: 5, at };
  const resignation = { election, candidateId: "a", term: 7, revision: 41, reason: "resigned", at } as const;

  test("a renewal changes what it brings, and is refused when it comes late", () => {
    expect(renewed(ROW, { ...renewal, revision: 41 })).toEqual({
      ...ROW,
      revision: 41,
      renewIntervalMs: 900,
      value: "v",
      expiresAt: 5,
      renewedAt: at,
    });
    for (const revision of [39, 40]) expect(renewed(ROW, { ...renewal, revision })).toBeUndefined();
  });

  test("a resignation frees the row, and records a tick only if it brings one", () => {
    const free = { ...VACANT, revision: 41, endReason: "resigned", endedAt: at };
    expect(resigned(ROW, resignation)).toEqual(free);
    const ticks = { floor: "t0", completed: ["t1", "t2"] };
    expect(resigned(ROW, { ...resignation, ticks })).toEqual({ ...free, ticks, tickTerm: 7 });
  });

  test.each(NOT_MINE)("neither is for %s, and no fenced write passes it", (_, row) => {
    expect(renewed(row, { ...renewal, revision: 41 })).toBeUndefined();
    expect(resigned(row, resignation)).toBeUndefined();
    expect(isFencePassed(row, { candidateId: "a", term: 7 })).toBe(false);
  });

  test("a fenced write passes its own row", () => {
    expect(isFencePassed(ROW, { candidateId: "a", term: 7 })).toBe(true);
  });
});

describe("an operator's verbs", () => {
  test("a step-down is noted, an eviction uses a term up and leaves nobody", () => {
    expect(askedToStepDown(ROW, { election, term: 7, by: "op" })).toEqual({ ...ROW, stepDown: { by: "op" } });
    expect(evicted(ROW, { election, term: 7, at })).toEqual({
      ...VACANT,
      term: 8,
      revision: 40 + EVICTION_STEP,
      endReason: "evicted",
      endedAt: at,
    });
  });

  test.each([
    ["no row", undefined],
    ["a vacant row", VACANT],
    ["another term", { ...ROW, term: 8 }],
  ])("neither is for %s", (_, row) => {
    expect(askedToStepDown(row, { election, term: 7, by: "op" })).toBeUndefined();
    expect(evicted(row, { election, term: 7, at })).toBeUndefined();
  });
});

describe("refusal taken for loss: the row that came back tells", () => {
  const mine = { candidateId: "a", term: 7 };

  test("an acquire had landed if the row names me and this very try", () => {
    expect(acquireSucceeded(ROW, { candidateId: "a", attemptId: "a-1" })).toBe(true);
    expect(acquireSucceeded(ROW, { candidateId: "a", attemptId: "a-2" })).toBe(false);
    expect(acquireSucceeded(ROW, { candidateId: "b", attemptId: "a-1" })).toBe(false);
    expect(acquireSucceeded(undefined, { candidateId: "a", attemptId: "a-1" })).toBe(false);
  });

  test("a renewal had landed if the row is mine and at this very revision: no later try leaves before this one is over", () => {
    expect([39, 40, 41].map((revision) => renewSucceeded(ROW, mine, revision))).toEqual([false, true, false]);
    for (const [, row] of NOT_MINE) expect(renewSucceeded(row, mine, 40)).toBe(false);
  });

  test("a resignation had landed if my term is vacant", () => {
    expect(resignSucceeded(VACANT, mine, undefined)).toBe(true);
    expect(resignSucceeded(ROW, mine, undefined)).toBe(false);
    expect(resignSucceeded({ ...VACANT, term: 8 }, mine, undefined)).toBe(false);
    expect(resignSucceeded(undefined, mine, undefined)).toBe(false);
  });

  test("one with a tick had landed, whoever leads by now, if my term is the one that completed the last tick", () => {
    const later = { ...ROW, holder: "b", term: 8, tickTerm: 7 };
    expect(resignSucceeded(later, mine, "t1")).toBe(true);
    expect(resignSucceeded(later, mine, undefined)).toBe(false);
    expect(resignSucceeded({ ...later, tickTerm: 6 }, mine, "t1")).toBe(false);
    expect(resignSucceeded(undefined, mine, "t1")).toBe(false);
  });

  test("one whose tick an operator has reset since had landed too", () => {
    const reset = { ...VACANT, ticks: undefined, tickTerm: 7, tickReset: { term: 7, by: "ana" } };
    expect(resignSucceeded(reset, mine, "t1")).toBe(true);
    expect(resignSucceeded({ ...reset, tickReset: { term: 6 } }, mine, "t1")).toBe(false);
    expect(resignSucceeded({ ...reset, tickTerm: 6 }, mine, "t1")).toBe(false);
  });
});

test("backoff doubles from 50 ms up to its limit, half of it by chance", () => {
  const waits = (luck: number) => [0, 1, 2, 3, 30].map((failures) => backoffMs(failures, 300, () => luck));
  expect(waits(1)).toEqual([50, 100, 200, 300, 300]);
  expect(waits(0)).toEqual([25, 50, 100, 150, 150]);
});
