import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/errors.js";
import {
  MAX_LEASE_MS,
  MAX_SESSION_LEASE_MS,
  MAX_STALL_MS,
  MAX_VALUE,
  NAME_PATTERN,
} from "../../src/limits.js";
import {
  checkAcknowledged,
  checkAcquired,
  checkBuried,
  checkNudged,
  checkOpened,
  checkSealed,
} from "../../src/protocol/invariants.js";
import type { Lease } from "../../src/protocol/lease.js";
import { observe } from "../../src/protocol/observation.js";
import { boundsOf, serviceClockOf } from "../../src/protocol/service-clock.js";
import {
  bothNamed,
  changedSince,
  isSessionRow,
  LOOK_LEASES,
  NO_CHANGES,
  NO_NUDGES,
  nudgedSince,
  nudgesOf,
  OPENING_REVISION,
  ROW_LEASES,
  readChanges,
  rowLeaseMs,
  sessionFate,
  sessionRowName,
  withChange,
  writeChanges,
} from "../../src/protocol/sessions.js";
import {
  acquired,
  crashed,
  evicted,
  evictionAcknowledged,
  renewed,
  resigned,
  sessionBuried,
  sessionNudged,
  sessionOpened,
  sessionSealed,
} from "../../src/protocol/transitions.js";
import { heldLease, placeholder, vacantLease } from "../support/lease.js";

/** Rule 14, without a store: what a session's row means, and its change log. */

const LEASE_MS = 3_000;
const BY_OBSERVATION = { useServiceClock: false };
const BY_BOTH = { useServiceClock: true };
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const row = (facts: Parameters<typeof heldLease>[0] = {}) =>
  heldLease({ term: 1, holder: "s", revision: 9, leaseDurationMs: LEASE_MS, ...facts });
const fateOf = (lease: Lease | undefined, seenMs: number, nowMs: number) =>
  sessionFate(observe(undefined, lease, seenMs, true), at(nowMs), undefined, BY_OBSERVATION);

test("the row of a session has a name that no election has, and no two sessions have one", () => {
  expect(isSessionRow(sessionRowName("a"))).toBe(true);
  expect(NAME_PATTERN.test(sessionRowName("a"))).toBe(false);
  expect(sessionRowName("a")).not.toBe(sessionRowName("b"));
  for (const name of ["session", "a", "floor#1", "a#candidates"]) expect(isSessionRow(name)).toBe(false);
});

test("the row lease holds several looks and any stall, and each session that is allowed has one that a row can have", () => {
  expect(rowLeaseMs({ leaseDurationMs: 1_000 })).toBe(16_000);
  expect(rowLeaseMs({ leaseDurationMs: 1_000, maxStallMs: 2_000 })).toBe(18_000);
  // A look that comes too late, and is repeated, still comes before the trust ends.
  expect(2 * LOOK_LEASES).toBeLessThanOrEqual(ROW_LEASES);
  const longest = { leaseDurationMs: MAX_SESSION_LEASE_MS, maxStallMs: MAX_STALL_MS };
  expect(rowLeaseMs(longest)).toBeLessThanOrEqual(MAX_LEASE_MS);
});

describe("fate", () => {
  test("a held row is alive for its lease of observation, and then dead on the pair that was seen", () => {
    expect(fateOf(row(), 100, 100)).toEqual({ kind: "alive", untilMs: 100 + LEASE_MS });
    expect(fateOf(row(), 100, 99 + LEASE_MS)).toMatchObject({ kind: "alive" });
    const seal = { term: 1, revision: 9 };
    expect(fateOf(row(), 100, 100 + LEASE_MS)).toEqual({ kind: "dead", seal });
  });

  test("a heartbeat gives it another lease; a nudge does not", () => {
    const first = observe(undefined, row(), 100, true);
    const nudged = observe(first, row({ nudges: 1, nudged: "e" }), 2_000, true);
    const beaten = observe(nudged, row({ revision: 10 }), 2_500, true);
    const fate = (seen: typeof first) => sessionFate(seen, at(3_100), undefined, BY_OBSERVATION);
    expect(fate(nudged)).toMatchObject({ kind: "dead" });
    expect(fate(beaten)).toEqual({ kind: "alive", untilMs: 2_500 + LEASE_MS });
  });

  test("by the service clock it is dead as soon as its end has surely passed, unless the row was put back", () => {
    const header = { dateMs: 100_000, sent: at(100_000), received: at(100_000) };
    const clock = serviceClockOf(boundsOf(header, 0), 0);
    const seen = observe(undefined, row({ expiresAt: 100_500 }), 100_000, true);
    expect(sessionFate(seen, at(102_000), clock, BY_BOTH)).toMatchObject({ kind: "dead" });
    expect(sessionFate(seen, at(100_400), clock, BY_BOTH)).toMatchObject({ kind: "alive" });
    expect(sessionFate(seen, at(102_000), clock, BY_OBSERVATION)).toMatchObject({ kind: "alive" });
    expect(sessionFate(seen, at(102_000), undefined, BY_BOTH)).toMatchObject({ kind: "alive" });
    const later = observe(undefined, row({ revision: 50 }), 99_000, true);
    const back = observe(later, row({ expiresAt: 100_500 }), 100_000, true);
    expect(sessionFate(back, at(102_000), clock, BY_BOTH)).toMatchObject({ kind: "alive" });
    expect(sessionFate(back, at(100_000 + LEASE_MS), clock, BY_BOTH)).toMatchObject({ kind: "dead" });
  });

  test("whoever ended it: close, will, or a seal after a heartbeat", () => {
    const mine = { election: "session#s", candidateId: "s", term: 1 };
    const ends = [
      resigned(row(), { ...mine, revision: 10, reason: "resigned", at: 1 }),
      crashed(row(), mine),
      sessionSealed(row(), { election: "session#s", seen: { term: 1, revision: 9 }, at: 1, ttl: 1 }),
      vacantLease({ term: 1, endReason: "unknown" }),
    ];
    for (const lease of ends) {
      expect(lease).toBeDefined();
      expect(fateOf(lease, 100, 100)).toMatchObject({ kind: "ended", sinceMs: 100 });
    }
  });

  test("what proves no death is a tombstone: a burial, a seal upon the opening, and an end of another kind", () => {
    const opened = sessionOpened(undefined, opening);
    const seen = { term: 1, revision: OPENING_REVISION };
    const times = { leaseDurationMs: 9, renewIntervalMs: 3 };
    const rows: Array<Lease | undefined> = [
      sessionBuried(undefined, { election: "session#s", revision: 4_711, ...times, ttl: undefined }),
      sessionSealed(opened, { election: "session#s", seen, at: 1, ttl: 1 }),
      evicted(row(), { election: "session#s", term: 1, at: 1 }),
      vacantLease({ term: 1 }),
      placeholder(),
    ];
    for (const lease of rows) {
      expect(lease).toBeDefined();
      expect(fateOf(lease, 100, 100)).toEqual({ kind: "tombstone", sinceMs: 100 });
    }
  });

  test("its time counts from the first sight of the tombstone, not of the session", () => {
    const seen = { term: 1, revision: OPENING_REVISION };
    const opened = sessionOpened(undefined, opening);
    const sealed = sessionSealed(opened, { election: "session#s", seen, at: 1, ttl: 1 });
    const observation = observe(observe(undefined, opened, 100, true), sealed, 5_000, true);
    const fate = sessionFate(observation, at(5_000), undefined, BY_OBSERVATION);
    expect(fate).toEqual({ kind: "tombstone", sinceMs: 5_000 });
  });

  test("a session without a row is missing, which is no end", () => {
    expect(fateOf(undefined, 100, 100_000)).toEqual({ kind: "missing" });
  });
});

describe("change log", () => {
  // Long enough that not all fit, and few enough that some come again.
  const name = fc.integer({ min: 0, max: 29 }).map((i) => `${"customer/".repeat(1 + (i % 7))}${i}`);

  test("it names what has changed since any count, or says that it does not know", () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60, size: "max" }), fc.nat(60), (names, before) => {
        const log = names.reduce(withChange, NO_CHANGES);
        const text = writeChanges(log);
        expect(text?.length ?? 0).toBeLessThanOrEqual(1_000);
        expect(text?.length ?? 0).toBeLessThanOrEqual(MAX_VALUE);
        expect(readChanges(text)).toEqual(log);
        const changed = changedSince(before, readChanges(text));
        if (before > names.length) expect(changed).toBeUndefined();
        else if (changed) expect(new Set(changed)).toEqual(new Set(names.slice(before)));
        else expect(names.slice(before).join(" ").length).toBeGreaterThan(1_000 - 5);
      }),
    );
  });

  test("nothing has changed at the count that was seen, and a log that went back is unknown", () => {
    const log = ["a", "b", "a"].reduce(withChange, NO_CHANGES);
    expect(writeChanges(log)).toBe("3 a b a");
    expect(changedSince(3, log)).toEqual([]);
    expect(changedSince(1, log)).toEqual(["a", "b"]);
    expect(changedSince(4, log)).toBeUndefined();
    expect(writeChanges(NO_CHANGES)).toBeUndefined();
  });

  test("a text of another kind names nothing", () => {
    for (const text of [undefined, "", "x a", "-1 a", "1.5 a", "1e3 a", `${"9".repeat(16)} a`]) {
      expect(readChanges(text)).toEqual(NO_CHANGES);
    }
  });
});

const opening = {
  election: "session#s",
  candidateId: "s",
  attemptId: "try-1",
  leaseDurationMs: LEASE_MS,
  renewIntervalMs: 1_000,
  expiresAt: 13_000,
  at: 10_000,
};

describe("an answer that cannot be is noticed (rule 8g)", () => {
  const opened = sessionOpened(undefined, opening) as Lease;
  const sealing = { election: "session#s", seen: { term: 1, revision: 9 }, at: 1, ttl: 1 };
  const burying = { election: "session#s", revision: 5, leaseDurationMs: 9, renewIntervalMs: 3, ttl: 1 };
  const acknowledging = { election: "e", term: 4 };
  const gone = vacantLease({ term: 5, endReason: "evicted" });
  const basis = { term: 5, revision: 9 };
  const acquiring = {
    ...{ election: "e", candidateId: "a", attemptId: "try-1", basis, term: 6, leaseDurationMs: 9 },
    ...{ renewIntervalMs: 3, value: undefined, expiresAt: undefined, at: 1, session: "s" },
  };
  const cases: Array<[string, (lease: Lease) => Lease, Lease | undefined, object[]]> = [
    [
      "opening",
      (lease) => checkOpened(lease, opening),
      opened,
      [
        { kind: "vacant" },
        { holder: "t" },
        { attemptId: "try-2" },
        { term: 2 },
        { revision: 2 },
        { expiresAt: 1 },
      ],
    ],
    [
      "seal",
      (lease) => checkSealed(lease, sealing),
      sessionSealed(row(), sealing),
      [{ kind: "held" }, { revision: 9 }, { term: 2 }, { endReason: "resigned" }],
    ],
    [
      "burial",
      (lease) => checkBuried(lease, burying),
      sessionBuried(undefined, burying),
      [{ kind: "held" }, { revision: 6 }, { endReason: "expired" }],
    ],
    [
      "nudge",
      (lease) => checkNudged(lease, { election: "session#s", name: "e" }),
      sessionNudged(row(), { election: "session#s", name: "e" }),
      [{ kind: "vacant" }, { nudged: "f" }],
    ],
    [
      "acknowledgement",
      (lease) => checkAcknowledged(lease, acknowledging),
      evictionAcknowledged(gone, acknowledging),
      [{ kind: "held" }, { term: 6 }, { isAcknowledged: undefined }],
    ],
    [
      "acquire",
      (lease) => checkAcquired(lease, acquiring),
      acquired(vacantLease(), acquiring),
      [{ session: undefined }, { session: "t" }, { expiresAt: 1 }, { leaseDurationMs: 3 }],
    ],
  ];
  test.each(cases)("%s", (_, check, lease, spoils) => {
    expect(check(lease as Lease)).toBe(lease);
    for (const spoilt of spoils) {
      expect(() => check({ ...(lease as Lease), ...spoilt } as Lease)).toThrow(InternalError);
    }
  });
});

describe("nudges", () => {
  test("a row says how many there were, and whom the last one was about", () => {
    expect(nudgesOf(row({ nudges: 3, nudged: "e" }))).toEqual({ count: 3, last: "e" });
    expect(nudgesOf(vacantLease({ nudges: 3, nudged: "e" }))).toEqual({ count: 3, last: "e" });
    for (const none of [undefined, placeholder(), row(), vacantLease()])
      expect(nudgesOf(none)).toEqual(NO_NUDGES);
  });

  test.each([
    ["no new one is about nobody", 3, { count: 3, last: "e" }, []],
    ["one is about the election that it names", 2, { count: 3, last: "e" }, ["e"]],
    ["of two, one is not named, so it can be any", 1, { count: 3, last: "e" }, undefined],
    ["one of a newer version, which names nobody, can be any", 2, { count: 3, last: undefined }, undefined],
    ["fewer than before, in a row that was put back, can be any", 4, { count: 3, last: "e" }, undefined],
  ])("%s", (_, before, now, named) => {
    expect(nudgedSince(before, now)).toEqual(named);
  });

  test("what the log or a nudge names counts, and if one of them can be any, it can be any", () => {
    expect(bothNamed(["a"], ["b"])).toEqual(["a", "b"]);
    expect(bothNamed([], undefined)).toBeUndefined();
    expect(bothNamed(undefined, ["b"])).toBeUndefined();
  });
});

test("neither a late seal nor a late burial touches a session that went on, nor a heartbeat one that ended", () => {
  const beat = { election: "session#s", candidateId: "s", term: 1, renewIntervalMs: 1_000, value: undefined };
  const sealing = { election: "session#s", seen: { term: 1, revision: 9 }, at: 1, ttl: 1 };
  const beaten = renewed(row(), { ...beat, revision: 10, expiresAt: 1, at: 1 });
  expect(sessionSealed(beaten, sealing)).toBeUndefined();
  const sealed = sessionSealed(row(), sealing);
  expect(renewed(sealed, { ...beat, revision: 99, expiresAt: 1, at: 1 })).toBeUndefined();
  const times = { leaseDurationMs: 9, renewIntervalMs: 3, ttl: 1 };
  for (const there of [row(), sealed, placeholder()]) {
    expect(sessionBuried(there, { election: "session#s", revision: 5, ...times })).toBeUndefined();
    expect(sessionOpened(there, opening)).toBeUndefined();
  }
});
