import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVICTION_STEP } from "../../src/limits.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { Candidacy } from "../../src/protocol/move.js";
import { type Observation, observe, unchangedUntil } from "../../src/protocol/observation.js";
import { sessionPoll } from "../../src/protocol/polls.js";
import { boundsOf, MAX_DRIFT, serviceClockOf } from "../../src/protocol/service-clock.js";
import { OPENING_REVISION, ROW_LEASES, type SessionFate, sessionFate } from "../../src/protocol/sessions.js";
import { nextMove } from "../../src/protocol/takeover.js";
import { sessionSealed } from "../../src/protocol/transitions.js";
import { heldLease, leaseOf, vacantLease } from "../support/lease.js";

/** What a session's row proves, and what becomes of the leases under it. */

const LEASE_MS = 3_000;
const ROW_MS = ROW_LEASES * LEASE_MS;
const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const OBSERVE = { useServiceClock: false };
const CLOCK = { useServiceClock: true };

const session = heldLease({ term: 1, revision: 20, holder: "s", leaseDurationMs: LEASE_MS });
const fate = (observation: Observation, ms: number, how = OBSERVE) =>
  sessionFate(observation, at(ms), serviceAt(ms), how);

/** The table's time is the observer's own. */
function serviceAt(ms: number) {
  return serviceClockOf(boundsOf({ dateMs: ms, sent: at(ms), received: at(ms) }, 0), 0);
}

describe("a session's row is judged as a lease row", () => {
  test("it is dead when its pair has not changed for its lease, from the first sight of that pair on", () => {
    const seen = observe(undefined, session, 100, false);
    const later = observe(seen, session, 2_900, false);
    expect(fate(later, 3_099)).toEqual({ kind: "alive", untilMs: 3_100 });
    const { term, revision } = session;
    expect(fate(later, 3_100)).toEqual({ kind: "dead", seal: { term, revision } });
    expect(fate(observe(later, { ...session, revision: 21 }, 3_099, false), 6_098).kind).toBe("alive");
  });

  test("an answer with an older pair makes it neither dead nor alive", () => {
    const seen = observe(undefined, session, 100, false);
    const stale = observe(seen, { ...session, revision: 19 }, 2_000, false);
    expect(fate(stale, 3_100)).toMatchObject({ kind: "dead", seal: { revision: 20 } });
    // Believed only from an answer that cannot be stale, and then as a row that was put back (rule 6b).
    const restored = observe(seen, { ...session, revision: 19, expiresAt: 10 }, 2_000, true);
    expect(fate(restored, 4_999, CLOCK)).toEqual({ kind: "alive", untilMs: 5_000 });
    expect(fate(restored, 5_000, CLOCK)).toMatchObject({ kind: "dead", seal: { revision: 19 } });
  });

  test("a nudge is no sign of life", () => {
    const seen = observe(undefined, session, 100, false);
    const nudged = observe(seen, { ...session, nudges: 3, nudged: "x" }, 2_000, true);
    expect(fate(nudged, 3_100).kind).toBe("dead");
  });

  test("the service clock proves it dead sooner, and only where it may be used", () => {
    const seen = observe(undefined, { ...session, expiresAt: 2_000 }, 100, false);
    expect(fate(seen, 3_000, OBSERVE).kind).toBe("alive");
    expect(fate(seen, 1_999, CLOCK).kind).toBe("alive");
    expect(fate(seen, 2_100, CLOCK).kind).toBe("dead");
    expect(sessionFate(seen, at(2_100), undefined, CLOCK).kind).toBe("alive");
  });

  test("vacant is ended for ever, in whichever way a holder, its will or a seal ended it", () => {
    for (const reason of ["resigned", "crashed", "expired"] as const) {
      const ended = observe(undefined, vacantLease({ ...session, endReason: reason }), 100, false);
      expect(fate(ended, 100)).toEqual({ kind: "ended", sinceMs: 100, reason });
    }
  });

  test("the end counts from when it was seen, also after the holder was seen", () => {
    const seen = observe(undefined, session, 100, false);
    const sealed = sessionSealed(session, { election: "session#s", seen: session, at: undefined, ttl: 1 });
    expect(fate(observe(seen, sealed, 3_200, true), 3_300)).toMatchObject({ kind: "ended", sinceMs: 3_200 });
  });

  test("a seal upon the opening proves no death, nor does a tombstone or an end that nobody wrote", () => {
    const opening = { ...session, revision: OPENING_REVISION };
    const sealed = sessionSealed(opening, { election: "session#s", seen: opening, at: undefined, ttl: 1 });
    const beaten = { ...opening, revision: OPENING_REVISION + 1 };
    const sealedLater = sessionSealed(beaten, { election: "session#s", seen: beaten, at: undefined, ttl: 1 });
    const kindOf = (lease: Lease | undefined) => fate(observe(undefined, lease, 100, true), 100).kind;
    expect(kindOf(sealed)).toBe("tombstone");
    expect(kindOf(sealedLater)).toBe("ended");
    expect(kindOf(vacantLease({ revision: 77, endReason: "deleted" }))).toBe("tombstone");
    expect(kindOf(vacantLease({ revision: 77 }))).toBe("tombstone");
    // Its own end, though it never sent a heartbeat.
    expect(kindOf(vacantLease({ revision: OPENING_REVISION + 1, endReason: "crashed" }))).toBe("ended");
  });

  test("no row is no end", () => {
    expect(fate(observe(undefined, undefined, 100, true), 900_000).kind).toBe("missing");
  });

  test("nobody proves a session dead that its holder still trusts, whatever the rates of their clocks and the order of answers", () => {
    const rates = fc.constantFrom(1 - MAX_DRIFT, 1, 1 + MAX_DRIFT);
    const beats = fc.array(
      fc.record({
        gapMs: fc.integer({ min: 1, max: 2_500 }),
        landsInMs: fc.integer({ min: 0, max: 400 }),
        expires: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    );
    const looks = fc.array(
      fc.record({
        atMs: fc.integer({ min: 0, max: 16_000 }),
        lagMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4_000 })),
        answerMs: fc.integer({ min: 0, max: 500 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(rates, rates, beats, looks, (holderRate, takerRate, sent, asked) => {
        // In true time. The first row is the opening, at 0.
        let sentMs = 0;
        const writes = [{ sentMs, landsMs: 0, row: { ...session, revision: 1, expiresAt: LEASE_MS } }];
        for (const { gapMs, landsInMs, expires } of sent) {
          sentMs += gapMs;
          const expiresAt = expires ? Math.ceil(sentMs) + LEASE_MS : undefined;
          const row = { ...session, revision: writes.length + 1, expiresAt } as typeof session & {
            expiresAt: number;
          };
          writes.push({ sentMs, landsMs: sentMs + landsInMs, row });
        }
        const visibleAt = (ms: number) => writes.filter(({ landsMs }) => landsMs <= ms).at(-1);
        // The holder trusts from when the write left, by its own clock, less the least margin (4a).
        const trustMs = LEASE_MS * (1 - 2 * MAX_DRIFT);
        const trustedUntilMs = Math.max(...writes.map((write) => write.sentMs + trustMs / holderRate));
        let observation: Observation | undefined;
        for (const { atMs, lagMs, answerMs } of [...asked].sort(
          (a, b) => a.atMs + a.answerMs - b.atMs - b.answerMs,
        )) {
          const row = visibleAt(atMs - lagMs)?.row;
          if (row === undefined) continue;
          const receivedMs = (atMs + answerMs) * takerRate;
          observation = observe(observation, row, receivedMs, lagMs === 0 && answerMs === 0);
          for (const laterMs of [0, 1_000, 2_990, 3_010]) {
            const trueMs = atMs + answerMs + laterMs;
            const service = serviceClockOf(
              boundsOf({ dateMs: trueMs, sent: at(trueMs), received: at(trueMs) }, 0),
              0,
            );
            const now = { monotonicMs: trueMs * takerRate, wallMs: trueMs };
            for (const how of [OBSERVE, CLOCK]) {
              const judged = sessionFate(observation, now, how.useServiceClock ? service : undefined, how);
              // The seal lands only on the pair that was seen.
              const isSealed =
                judged.kind === "dead" && visibleAt(trueMs)?.row.revision === judged.seal.revision;
              const isLast = judged.kind === "dead" && judged.seal.revision === writes.length;
              if (isSealed && isLast) expect(trueMs).toBeGreaterThanOrEqual(trustedUntilMs);
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const me: Candidacy = {
  candidateId: "a",
  useServiceClock: false,
  jitterMs: 0,
  eligible: true,
  group: undefined,
  renewIntervalMs: 1_000,
  slotMs: 100,
  handoffPollMs: 10,
  standbyPollMs: undefined,
};
const quiet = heldLease({ holder: "x", session: "s", leaseDurationMs: ROW_MS, renewIntervalMs: ROW_MS / 2 });
const seen = observe(undefined, quiet, 0, true);
const move = (observation: Observation, ms: number, known?: SessionFate, who: Partial<Candidacy> = {}) =>
  nextMove(observation, { ...me, ...who }, at(ms), undefined, known);
const acquires = (ms: number, known?: SessionFate, who: Partial<Candidacy> = {}) =>
  move(seen, ms, known, who).kind === "acquire";

describe("a lease under a session", () => {
  test("is not free while its session may live, however long its own row is silent", () => {
    const untilMs = Number.MAX_SAFE_INTEGER;
    const fates: Array<SessionFate | undefined> = [
      undefined,
      { kind: "alive", untilMs },
      { kind: "dead", seal: session },
      { kind: "missing" },
    ];
    for (const known of fates) {
      for (const ms of [0, LEASE_MS, ROW_MS, 1_000 * ROW_MS]) {
        expect(acquires(ms, known)).toBe(false);
        // Not even by an `expiresAt` that somebody wrote.
        const dated = observe(undefined, { ...quiet, expiresAt: 1 }, 0, true);
        const service = serviceAt(ms);
        const who = { ...me, useServiceClock: true };
        expect(nextMove(dated, who, at(ms), service, known).kind).not.toBe("acquire");
      }
    }
  });

  test("is free at once when its session has ended, in turns of the line", () => {
    const ended: SessionFate = { kind: "ended", sinceMs: 5_000, reason: "crashed" };
    expect(acquires(5_000, ended)).toBe(true);
    expect(acquires(5_029, ended, { jitterMs: 30 })).toBe(false);
    expect(acquires(5_030, ended, { jitterMs: 30 })).toBe(true);
    const lined = observe(undefined, { ...quiet, line: ["b", "a"] }, 0, true);
    expect(move(lined, 5_099, ended).kind).toBe("wait");
    expect(move(lined, 5_100, ended)).toEqual({ kind: "read", consistent: false });
    expect(move(observe(lined, { ...quiet, line: ["b", "a"] }, 5_101, false), 5_101, ended).kind).toBe(
      "acquire",
    );
    expect(move(lined, 5_000, ended, { candidateId: "b" }).kind).toBe("acquire");
  });

  test("is free a row lease after the first sight of its session's tombstone", () => {
    const tombstone: SessionFate = { kind: "tombstone", sinceMs: 5_000 };
    expect(acquires(5_000 + ROW_MS - 1, tombstone)).toBe(false);
    expect(acquires(5_000 + ROW_MS, tombstone)).toBe(true);
  });

  test("tells the next term how its session ended", () => {
    const basisOf = (known: SessionFate) => {
      const next = move(seen, 2 * ROW_MS, known);
      return next.kind === "acquire" ? next.basis : undefined;
    };
    const reasonOf = (known: SessionFate) => basisOf(known)?.previousEndReason;
    expect(reasonOf({ kind: "ended", sinceMs: 0, reason: "crashed" })).toBe("crashed");
    expect(reasonOf({ kind: "ended", sinceMs: 0, reason: "expired" })).toBe("expired");
    expect(reasonOf({ kind: "tombstone", sinceMs: 0 })).toBe("expired");
  });

  test("put back by a restore counts as held for a row lease, though its session has ended", () => {
    const later = observe(undefined, { ...quiet, term: 6 }, 0, true);
    const restored = observe(later, quiet, 1_000, true);
    const ended: SessionFate = { kind: "ended", sinceMs: 0, reason: "expired" };
    expect(move(restored, 1_000 + ROW_MS - 1, ended).kind).not.toBe("acquire");
    expect(move(restored, 1_000 + ROW_MS, ended)).toMatchObject({ kind: "acquire", term: 7 });
  });

  test("is polled rarely, when all rows are, and a vacant row by the candidate's interval", () => {
    const everyMs = 32 * ROW_MS;
    for (const polledMs of [0, 1, everyMs - 1]) {
      expect(move(observe(seen, quiet, polledMs, false), polledMs)).toEqual({
        kind: "wait",
        untilMs: everyMs,
      });
    }
    expect(move(observe(seen, quiet, everyMs, false), everyMs)).toEqual({
      kind: "wait",
      untilMs: 2 * everyMs,
    });
    // Long leases are polled once per day, if their holder does not look less often.
    const long = observe(
      undefined,
      { ...quiet, leaseDurationMs: 6_000_000, renewIntervalMs: 3_000_000 },
      0,
      true,
    );
    expect(move(long, 0)).toEqual({ kind: "wait", untilMs: 86_400_000 });
    const evicted = observe(seen, vacantLease({ ...quiet, term: 6, endReason: "evicted" }), 10_000, true);
    const next = move(observe(evicted, evicted.lease, 10_010, false), 10_010);
    expect(next).toMatchObject({ kind: "wait" });
    expect(next.kind === "wait" ? next.untilMs : undefined).toBeLessThanOrEqual(11_020);
    const paused = observe(seen, vacantLease({ ...quiet, pausedBy: "ana" }), 10_000, true);
    expect(move(paused, 10_000)).toEqual({ kind: "wait", untilMs: 11_000 });
  });

  test("evicted, is free when its holder has acknowledged that, and else a row lease later", () => {
    const revision = quiet.revision + EVICTION_STEP;
    const row = vacantLease({ ...quiet, term: 6, revision, endReason: "evicted" });
    const evicted = observe(seen, row, 10_000, true);
    expect(move(evicted, 10_000 + ROW_MS - 1).kind).not.toBe("acquire");
    expect(move(evicted, 10_000 + ROW_MS).kind).toBe("acquire");
    const acknowledged = observe(evicted, { ...row, isAcknowledged: true }, 12_000, false);
    expect(move(acknowledged, 12_000).kind).toBe("acquire");
  });

  test("announced, is polled for from the last look at the session that did not tell of it", () => {
    // The session was polled at 20,000 and 21,000. Its log named this election then, and the row was read.
    const announced = { ...quiet, revision: quiet.revision + 1, announcement: { inMs: 1_500 } };
    const read = observe(unchangedUntil(seen, 20_000), announced, 21_010, true, 21_000);
    expect(move(read, 21_010)).toEqual({ kind: "wait", untilMs: 32 * ROW_MS });
    const poll = (polledMs: number, ms = polledMs) => sessionPoll(read, me, polledMs, at(ms));
    // 50 ms before the earliest moment at which the announced end can be.
    expect(poll(21_010)).toEqual({ atMs: 21_450, consistent: true });
    expect(poll(21_460)?.atMs).toBeLessThan(21_490);
    // It drains for long.
    expect(poll(23_500)).toEqual({ atMs: expect.closeTo(23_599, 0), consistent: false });
    // A lease of the session after it, the release is not expected any more.
    expect(poll(25_510)).toBeUndefined();
    expect(sessionPoll(seen, me, 0, at(0))).toBeUndefined();
    const lined = observe(undefined, { ...announced, renewIntervalMs: 1_000 }, 0, true);
    expect(sessionPoll(lined, me, 0, at(0))).toBeUndefined();
  });

  test("is mine if an answer was lost, whatever became of that session", () => {
    const mine = observe(undefined, leaseOf({ ...quiet, holder: "a" }), 0, true);
    expect(move(mine, 1).kind).toBe("acquire");
  });
});
