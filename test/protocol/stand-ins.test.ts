import fc from "fast-check";
import { expect, test } from "vitest";
import { type Instant, longestElapsedMs } from "../../src/clock.js";
import { trustLeftMs, trustMs } from "../../src/protocol/expiry.js";
import { boundsOf, MAX_DRIFT, serviceClockOf } from "../../src/protocol/service-clock.js";
import {
  endsUntilDoubt,
  type Grid,
  graceMs,
  isStillGood,
  latestInstant,
  plannedInstant,
  plannedMs,
  REVISIONS_PER_SLOT,
  Revisions,
  slotAt,
  slotOfTry,
  slotsAhead,
  standInFate,
  trustedFrom,
} from "../../src/protocol/stand-ins.js";
import type { RenewRequest } from "../../src/protocol/verbs.js";
import { resolveOptions } from "../../src/resolve-options.js";
import { heldLease } from "../support/lease.js";

const EPOCH_MS = 1_767_225_600_000;
const grid: Grid = { startMs: 1_000, intervalMs: 5_000, graceMs: 1_250 };

test("rule 12a: each slot after the last renewal has a stand-in, up to the longest stall and the end of the time to stop", () => {
  const ahead = (at: object) =>
    slotsAhead(grid, {
      nowMs: 1_000,
      renewedMs: 1_000,
      maxStallMs: 30_000,
      stopByMs: Number.POSITIVE_INFINITY,
      ...at,
    });
  expect(ahead({})).toEqual([1, 2, 3, 4, 5]);
  expect(plannedMs(grid, 1)).toBe(7_250);
  // What is past needs none. The stall counts from the holder's own renewal, however much was confirmed since.
  expect(ahead({ nowMs: 20_000 })).toEqual([4, 5]);
  expect(ahead({ nowMs: 31_001, renewedMs: 1_000 })).toEqual([]);
  expect(ahead({ nowMs: 6_100, renewedMs: 6_050 })).toEqual([2, 3, 4, 5, 6]);
  // A renewal that left early leaves its slot to the stand-in.
  expect(ahead({ nowMs: 5_990, renewedMs: 5_950 })).toEqual([1, 2, 3, 4, 5, 6]);
  expect(ahead({ stopByMs: 12_250 })).toEqual([1, 2]);
  expect(ahead({ stopByMs: 500 })).toEqual([]);
});

test("rule 12a: with any durations that are allowed, an answer fits into trust after the first stand-in has left", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 240_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (leaseDurationMs, part) => {
        const interval = Math.max(
          50,
          Math.ceil(leaseDurationMs / 64),
          Math.floor((leaseDurationMs / 2) * part),
        );
        let options: ReturnType<typeof resolveOptions>;
        try {
          const tuning = { requestTimeoutMs: 20 };
          options = resolveOptions(
            { name: "n", leaseDurationMs, renewIntervalMs: interval, heartbeat: "thread", tuning },
            () => "host",
          );
        } catch {
          return fc.pre(false);
        }
        const { renewIntervalMs, requestTimeoutMs } = options;
        expect(renewIntervalMs + graceMs(options) + requestTimeoutMs).toBeLessThanOrEqual(trustMs(options));
        expect(graceMs(options)).toBeLessThan(renewIntervalMs);
      },
    ),
  );
});

/** A host between the signing of a stand-in and the end of its trust, with steps of true time. */
type Step =
  | { readonly kind: "run" | "suspend"; readonly ms: number }
  | { readonly kind: "step"; readonly ms: number };

const lateness = fc.integer({ min: 0, max: 20_000 });
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("run" as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ kind: fc.constant("suspend" as const), ms: lateness }),
  ),
  { maxLength: 6 },
);

test("rules 12c and 12d: whatever delays it meets, a stand-in is trusted no longer than its expiresAt says", () => {
  const leaseDurationMs = 15_000;
  const lasts = trustMs({ leaseDurationMs, safetyMarginMs: 60 });
  fc.assert(
    fc.property(
      fc.double({ min: 1 - MAX_DRIFT, max: 1 + MAX_DRIFT, noNaN: true }),
      fc.integer({ min: -600_000, max: 600_000 }),
      fc.integer({ min: 0, max: 240_000 }),
      fc.boolean(),
      steps,
      steps,
      (rate, wrongMs, aheadMs, isWallWrong, beforeSend, afterSend) => {
        let trueMs = EPOCH_MS;
        let monotonicMs = 1_000;
        // One witness is right: the headers, or the wall clock.
        const wallOffMs = isWallWrong ? wrongMs : 0;
        const headerOffMs = isWallWrong ? 0 : wrongMs;
        const now = (): Instant => ({ monotonicMs, wallMs: trueMs + wallOffMs });
        const live = ({ kind, ms }: Step) => {
          trueMs += ms;
          if (kind === "run") monotonicMs += ms * rate;
        };
        const signed = now();
        const header = { dateMs: trueMs - 500 + headerOffMs, sent: signed, received: signed };
        const clock = serviceClockOf(boundsOf(header, 1_000), 1_000);
        const planned = plannedInstant(signed, signed.monotonicMs + aheadMs);
        const expiresAt =
          Math.ceil(clock.latestMs(latestInstant(signed, planned.monotonicMs))) + leaseDurationMs;
        // The thread sends it at the planned moment by the monotonic clock, or later.
        live({ kind: "run", ms: aheadMs / rate });
        for (const step of beforeSend) live(step);
        const from = trustedFrom(planned, now());
        for (const step of afterSend) live(step);
        const leftMs = trustLeftMs(from, lasts, now());
        // While trust is left, no other clock may say that the lease has run out.
        if (leftMs > 0) expect(trueMs).toBeLessThan(expiresAt);
        // One that leaves late is not trusted for longer than from its planned moment.
        expect(leftMs).toBeLessThanOrEqual(trustLeftMs(planned, lasts, now()));
        expect(longestElapsedMs(from, now())).toBeGreaterThanOrEqual(longestElapsedMs(planned, now()));
      },
    ),
    { numRuns: 2_000 },
  );
});

test("rule 12d: trust counts from the planned moment if it leaves late, and from its departure if it leaves early", () => {
  const planned = { monotonicMs: 5_000, wallMs: 105_000, standstillMs: 3 };
  expect(trustedFrom(planned, { monotonicMs: 5_900, wallMs: 105_900 })).toEqual(planned);
  expect(trustedFrom(planned, { monotonicMs: 4_900, wallMs: 104_900 })).toEqual({
    monotonicMs: 4_900,
    wallMs: 104_900,
    standstillMs: 3,
  });
  // A wall clock that was set back meanwhile does not begin behind itself.
  expect(trustedFrom(planned, { monotonicMs: 5_100, wallMs: 95_000 }).wallMs).toBe(95_000);
});

test("rule 12b: a try is above each stand-in that may have left before it, and below each that leaves after it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 50, max: 60_000 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 5 }),
      (intervalMs, part, gaps) => {
        const grid: Grid = { startMs: 1_000, intervalMs, graceMs: intervalMs * part };
        const revisions = new Revisions(1);
        let nowMs = grid.startMs;
        for (const gap of gaps) {
          nowMs += gap * intervalMs;
          const revision = revisions.next(slotOfTry(grid, nowMs));
          for (let slot = 1; slot < 30; slot++) {
            const isDue = plannedMs(grid, slot) <= nowMs;
            expect(revision > revisions.ofStandIn(slot), `slot ${slot} at ${nowMs}`).toBe(isDue);
          }
        }
      },
    ),
  );
});

const renewal: RenewRequest = {
  election: "e",
  candidateId: "a",
  term: 7,
  revision: 15,
  renewIntervalMs: 5_000,
  value: "v",
  expiresAt: 20_000,
  at: 1,
};

test("rule 12c: a stand-in that promises the others less than a new one is signed anew", () => {
  expect(isStillGood(renewal, { ...renewal, expiresAt: 20_000, at: 2 })).toBe(true);
  expect(isStillGood(renewal, { ...renewal, expiresAt: 19_000 })).toBe(true);
  for (const fresh of [
    { expiresAt: 20_001 },
    { expiresAt: undefined },
    { value: undefined },
    { revision: 23 },
    { announcement: { inMs: 7, to: undefined } },
  ])
    expect(isStillGood(renewal, { ...renewal, ...fresh })).toBe(false);
  const unknown = { ...renewal, expiresAt: undefined };
  expect(isStillGood(unknown, unknown)).toBe(true);
  expect(isStillGood(unknown, renewal)).toBe(false);
});

test("rule 12c: on clocks within the promised rates, nothing is signed anew only because time passes", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1 - MAX_DRIFT, max: 1 + MAX_DRIFT, noNaN: true }),
      fc.integer({ min: 1, max: 200_000 }),
      fc.integer({ min: 0, max: 40_000 }),
      (wallRate, passedMs, leftMs) => {
        const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: EPOCH_MS + ms * wallRate });
        const header = { dateMs: EPOCH_MS, sent: at(0), received: at(0) };
        const clock = serviceClockOf(boundsOf(header, 1_000), 1_000);
        const atMs = passedMs + leftMs;
        const latest = (now: Instant) => Math.ceil(clock.latestMs(latestInstant(now, atMs)));
        expect(latest(at(passedMs))).toBeLessThanOrEqual(latest(at(0)));
      },
    ),
  );
});

test("rule 12e: the row tells what became of a stand-in", () => {
  const row = (facts: object) =>
    heldLease({ holder: "a", term: 7, revision: 15, expiresAt: 20_000, ...facts });
  expect(standInFate(row({}), renewal)).toBe("confirmed");
  expect(standInFate(row({ revision: 17 }), renewal)).toBe("outranked");
  expect(standInFate(row({ expiresAt: 19_000 }), renewal)).toBe("outranked");
  expect(standInFate(row({ term: 8 }), renewal)).toBe("lost");
  expect(standInFate(row({ holder: "b" }), renewal)).toBe("lost");
  expect(standInFate(undefined, renewal)).toBe("lost");
});

test("rule 12b: no revision is given twice, and a stand-in is above the tries before it and below those after it", () => {
  const action = fc.oneof(
    fc.constant("try" as const),
    fc.constant("sign" as const),
    fc.constant("wait" as const),
    fc.constant("withdraw" as const),
  );
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(action, { maxLength: 200 }), (acquired, actions) => {
      const revisions = new Revisions(acquired);
      const used = new Set<number>([acquired]);
      const signed = new Map<number, number>();
      let slot = 0;
      let last = acquired;
      for (const each of actions) {
        if (each === "wait") slot += 1;
        if (each === "try") {
          const revision = revisions.next(slot);
          expect(revision).toBeGreaterThan(last);
          expect(used.has(revision)).toBe(false);
          expect([...signed.values()]).not.toContain(revision);
          used.add(revision);
          last = revision;
        }
        if (each === "sign") {
          if (revisions.hasPassed(slot + 1)) revisions.leaveBehind(slot);
          for (let ahead = slot + 1; ahead < slot + 7; ahead++) {
            const revision = revisions.ofStandIn(ahead);
            expect(revision).toBeGreaterThan(last);
            expect(used.has(revision)).toBe(false);
            expect(revisions.mayBeStandIns(revision)).toBe(true);
            signed.set(ahead, revision);
          }
        }
        if (each === "withdraw") {
          revisions.leaveBehind(slot);
          expect(revisions.next(slot)).toBeGreaterThan(Math.max(0, ...signed.values()));
          return;
        }
      }
    }),
  );
  const revisions = new Revisions(1);
  expect(revisions.next(0)).toBe(2);
  expect(revisions.ofStandIn(1)).toBe(16);
  // The try of slot 1 is below its stand-in, and that of slot 2 above it.
  expect([revisions.next(1), revisions.next(2)]).toEqual([10, 18]);
});

test("rule 1b: without stand-ins each try is one above the one before", () => {
  const revisions = new Revisions(41);
  const tries = Array.from({ length: 20 }, () => revisions.next(undefined));
  expect(tries).toEqual(Array.from({ length: 20 }, (_, i) => 42 + i));
  expect(slotAt(grid, 5_999)).toBe(0);
  expect(REVISIONS_PER_SLOT).toBe(8);
});

test("once a row or a stand-in says no end, those after it say none: they could not land", () => {
  const ends = (given: Array<number | undefined>, row: number | undefined) => {
    const ahead = given.map((expiresAt, slot) => ({ slot, renewal: { ...renewal, expiresAt } }));
    return endsUntilDoubt(ahead, { expiresAt: row }).map((each) => each.renewal.expiresAt);
  };
  expect(ends([20_000, 40_000], 1_000)).toEqual([20_000, 40_000]);
  expect(ends([20_000, undefined, 60_000], 1_000)).toEqual([20_000, undefined, undefined]);
  expect(ends([undefined, 40_000], 1_000)).toEqual([undefined, undefined]);
  expect(ends([20_000, 40_000], undefined)).toEqual([undefined, undefined]);
  expect(ends([], undefined)).toEqual([]);
});
