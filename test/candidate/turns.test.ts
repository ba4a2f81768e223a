import fc from "fast-check";
import { expect, test } from "vitest";
import type { Lease } from "../../src/protocol/lease.js";
import type { Candidacy } from "../../src/protocol/move.js";
import { observe } from "../../src/protocol/observation.js";
import { nextMove } from "../../src/protocol/takeover.js";
import { placeOf } from "../../src/protocol/turns.js";
import { type Facts, factsOf, heldLease, leaseOf, vacantLease } from "../support/lease.js";

/** Who tries when, by what stands in the row: the candidate's decisions alone, on a row that stays as it is. */

const LEASE_MS = 3_000;
const SLOT_MS = 100;
const held = (facts: Facts = {}) => heldLease({ term: 4, holder: "dead", ...facts });
const me = (candidateId: string, facts: Partial<Candidacy> = {}): Candidacy => ({
  candidateId,
  useServiceClock: false,
  jitterMs: 0,
  eligible: true,
  group: undefined,
  renewIntervalMs: 1_000,
  slotMs: SLOT_MS,
  handoffPollMs: 50,
  standbyPollMs: undefined,
  ...facts,
});
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });

/** An answer comes this much later than it was asked for, and the next decision a little after it. */
const ANSWER_MS = 1;
/** As exact as a try can be told, when looks take time. */
const NEARLY = 4 * ANSWER_MS;

/** Looks and waits as it is told; when it first tries to take a row that stays as it is. */
function triesAtMs(lease: Lease, candidacy: Candidacy, limitMs = 60_000): number | undefined {
  let observation = observe(undefined, lease, 0, true);
  let looks = 0;
  for (let nowMs = ANSWER_MS; nowMs < limitMs; ) {
    const move = nextMove(observation, candidacy, at(nowMs), undefined);
    if (move.kind === "acquire") return nowMs;
    looks = move.kind === "wait" ? 0 : looks + 1;
    if (looks > 2) throw new Error(`reads in a busy loop at ${nowMs} ms`);
    if (move.kind === "wait") nowMs = move.untilMs;
    else {
      nowMs += ANSWER_MS;
      observation = observe(observation, lease, nowMs, false);
      nowMs += ANSWER_MS;
    }
  }
  return undefined;
}

/** When it first tries, to the nearest slot's tenth. */
function triesAbout(lease: Lease, candidacy: Candidacy): number {
  return Math.round((triesAtMs(lease, candidacy) ?? Number.NaN) / 10) * 10;
}

test("a place is among those who wait: the holder in the line counts for nobody", () => {
  const line = ["b", "dead", "c"];
  expect(placeOf(held({ line }), "b")).toBe(0);
  expect(placeOf(held({ line }), "c")).toBe(1);
  expect(placeOf(held({ line }), "stranger")).toBe(2);
  expect(placeOf(held(), "anybody")).toBe(0);
});

test("place k waits k slots after the holder's death; who is not in the line comes after it", () => {
  const lease = held({ line: ["b", "c", "d"] });
  expect(triesAbout(lease, me("b"))).toBe(LEASE_MS);
  expect(triesAbout(lease, me("c"))).toBe(LEASE_MS + SLOT_MS);
  expect(triesAbout(lease, me("d"))).toBe(LEASE_MS + 2 * SLOT_MS);
  expect(triesAbout(lease, me("stranger", { jitterMs: 30 }))).toBe(LEASE_MS + 3 * SLOT_MS + 30);
});

test("whoever is behind looks before it tries: no herd", () => {
  const observation = observe(undefined, held({ line: ["b", "c"] }), 0, true);
  const at_ = at(LEASE_MS + SLOT_MS);
  expect(nextMove(observation, me("c"), at_, undefined)).toEqual({ kind: "read", consistent: false });
  expect(nextMove(observation, me("b"), at_, undefined)).toMatchObject({ kind: "acquire" });
});

/** Lines as a bug, a stale leader or a vandal might leave them. */
const anyLine = fc.option(fc.array(fc.constantFrom("a", "b", "c", "dead", "gone"), { maxLength: 16 }), {
  nil: undefined,
});
const anyRow = fc
  .record({
    line: anyLine,
    holder: fc.constantFrom("dead", undefined),
    announcement: fc.option(
      fc.record({
        inMs: fc.constantFrom(0, 500, 1_050),
        to: fc.constantFrom(undefined, "a", "gone"),
      }),
      { nil: undefined },
    ),
    reservation: fc.option(
      fc.record({
        candidateId: fc.constantFrom(undefined, "gone"),
        group: fc.constantFrom(undefined, "eu"),
        forMs: fc.constantFrom(1_000, LEASE_MS),
        until: fc.constant(undefined),
      }),
      { nil: undefined },
    ),
    endReason: fc.constantFrom(undefined, "resigned" as const, "evicted" as const),
  })
  .map((facts) => leaseOf({ term: 4, ...facts }));

test("a wrong line costs slots, never exclusion: whatever stands in the row, everybody gets a turn, in no busy loop", () => {
  fc.assert(
    fc.property(anyRow, fc.constantFrom("a", "b", "c", "gone", "stranger"), (lease, id) => {
      const latestMs = LEASE_MS + 17 * SLOT_MS + 100 + NEARLY;
      expect(triesAtMs(lease, me(id, { jitterMs: 100 }))).toBeLessThanOrEqual(latestMs);
    }),
  );
});

test("no line, reservation or announcement lets anybody take a lease before it has run out", () => {
  fc.assert(
    fc.property(anyRow, fc.constantFrom("a", "b", "gone", "stranger"), (lease, id) => {
      if (lease.kind === "vacant" && lease.endReason !== "evicted") return;
      expect(triesAtMs(lease, me(id))).toBeGreaterThanOrEqual(LEASE_MS);
    }),
  );
});

test("the first of the line never waits behind another", () => {
  fc.assert(
    fc.property(anyRow, (lease) => {
      const { line, holder, reservation } = factsOf(lease) ?? {};
      const [first, ...others] = [...new Set(line?.filter((id) => id !== holder) ?? [])];
      if (first === undefined || reservation?.candidateId !== undefined) return;
      const firstMs = triesAtMs(lease, me(first)) as number;
      for (const other of others) expect(triesAtMs(lease, me(other))).toBeGreaterThan(firstMs);
    }),
  );
});

test("a reservation is kept for its candidate or its group, and lapses by observation", () => {
  const vacant = (facts: Facts) => vacantLease({ term: 4, endReason: "resigned", ...facts });
  const forB = vacant({
    reservation: { candidateId: "b", forMs: 700, until: undefined },
    line: ["a", "b", "c"],
  });
  expect(triesAbout(forB, me("b"))).toBe(0);
  // Also at the end of the line: it is asked by name.
  expect(triesAbout({ ...forB, line: ["a", "c", "b"] }, me("b"))).toBe(0);
  expect(triesAbout(forB, me("a"))).toBe(700);
  expect(triesAbout(forB, me("c"))).toBe(700 + 2 * SLOT_MS);
  const forEu = vacant({ reservation: { group: "eu", forMs: 5_000, until: undefined } });
  expect(triesAbout(forEu, me("a", { group: "eu" }))).toBe(0);
  expect(triesAbout(forEu, me("b", { group: "us" }))).toBe(5_000);
  expect(triesAbout(forEu, me("c"))).toBe(5_000);
});

test.each(["paused", "not eligible", "paused and vacant"])("nobody tries while %s", (why) => {
  const lease = held(why === "not eligible" ? {} : { pausedBy: "ana" });
  const row = why.includes("vacant") ? vacantLease(lease) : lease;
  expect(triesAtMs(row, me("a", { eligible: why !== "not eligible" }))).toBeUndefined();
  // Not even its own orphan.
  expect(triesAtMs(row, me("dead", { eligible: why !== "not eligible" }))).toBeUndefined();
});

/** Looks in the second after a row with this news was first seen, just after it was written. */
function looks(news: Facts, candidacy: Candidacy): number {
  const lease = held({ line: ["b", "c", "d", "e"], ...news });
  const before = observe(undefined, held({ line: ["b", "c", "d", "e"], revision: 8 }), -1_000, true);
  let observation = observe(before, lease, 0, true);
  let count = 0;
  for (let nowMs = 0; nowMs < 2_000; ) {
    const move = nextMove(observation, candidacy, at(nowMs), undefined);
    if (move.kind === "wait") nowMs = Math.max(nowMs + 1, move.untilMs);
    else {
      count += 1;
      observation = observe(observation, lease, nowMs, false);
    }
  }
  return count;
}

test("those at the head of the line watch closely; of an announced end, only whoever is next", () => {
  expect(looks({}, me("b"))).toBeGreaterThan(looks({}, me("d")));
  expect(looks({}, me("d"))).toBeGreaterThanOrEqual(looks({}, me("e")));
  const announced = { announcement: { inMs: 500 } };
  expect(looks(announced, me("b"))).toBeGreaterThan(15);
  expect(looks(announced, me("c"))).toBe(looks({}, me("c")));
  const named = { announcement: { inMs: 500, to: "d" } };
  expect(looks(named, me("d"))).toBeGreaterThan(15);
  expect(looks(named, me("b"))).toBe(looks({}, me("b")));
});

test("only the first in line polls as often as its user wants, whatever else is on the row", () => {
  const often = { standbyPollMs: 100 };
  expect(looks({}, me("b", often))).toBeGreaterThanOrEqual(20);
  expect(looks({}, me("b", often))).toBeLessThanOrEqual(20 + looks({}, me("b")));
  expect(looks({ line: ["dead", "b"] }, me("b", often))).toBeGreaterThanOrEqual(20);
  // An end that is announced to another one may not come.
  expect(looks({ announcement: { inMs: 500, to: "d" } }, me("b", often))).toBeGreaterThanOrEqual(20);
  for (const other of ["c", "d", "e", "stranger"]) {
    expect(looks({}, me(other, often))).toBe(looks({}, me(other)));
  }
  // Nobody is first in a line that nobody keeps, or that is empty.
  for (const line of [undefined, [], ["dead"]]) {
    expect(looks({ line }, me("b", often))).toBe(looks({ line }, me("b")));
  }
});
