import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Instant } from "../../src/clock.js";
import {
  afterHeader,
  believedBounds,
  boundsOf,
  estimateMs,
  type HeaderBounds,
  type HeaderState,
  MAX_DRIFT,
  serviceClockOf,
} from "../../src/protocol/service-clock.js";

const EPOCH_MS = 1_767_225_600_000;
const LEASE_MS = 15_000;
const TRUSTING = { maxServiceClockErrorMs: 1_000, doubtMs: LEASE_MS };

const at = (ms: number, wallMs = ms): Instant => ({ monotonicMs: ms, wallMs });
/** A header of an answer that took no time, on a host whose wall clock is right. */
const header = (dateMs: number, ms: number) => ({ dateMs, sent: at(ms), received: at(ms) });
const boundsAt = (dateMs: number, ms: number) => boundsOf(header(dateMs, ms), 0);

/** A host whose clocks run, jump and stand still against true time, and what it hears of that. */
class Host {
  trueMs = EPOCH_MS;
  hearing: HeaderState | undefined;
  anomalies = 0;
  #monotonicMs = 0;

  constructor(
    private readonly rate: number,
    public wallOffsetMs: number,
  ) {}

  now(): Instant {
    return { monotonicMs: this.#monotonicMs, wallMs: this.trueMs + this.wallOffsetMs };
  }

  pass(ms: number): void {
    this.trueMs += ms;
    this.#monotonicMs += ms * this.rate;
  }

  /** Suspended: the monotonic clock stands still. */
  freeze(ms: number): void {
    this.trueMs += ms;
  }

  hear({ requestMs, answerMs, lieMs }: { requestMs: number; answerMs: number; lieMs: number }): void {
    const sent = this.now();
    this.pass(requestMs);
    const dateMs = Math.floor((this.trueMs + lieMs) / 1_000) * 1_000;
    this.pass(answerMs);
    const heard = afterHeader(this.hearing, { dateMs, sent, received: this.now() }, TRUSTING);
    this.hearing = heard.state;
    if (heard.contradicts) this.anomalies += 1;
  }

  /** Wherever there is a service clock, true time lies within its bounds. */
  expectTruth(): void {
    const bounds = believedBounds(this.hearing);
    if (bounds === undefined) return;
    const clock = serviceClockOf(bounds, TRUSTING.maxServiceClockErrorMs);
    expect(clock.earliestMs(this.now())).toBeLessThanOrEqual(this.trueMs + 1e-3);
    expect(clock.latestMs(this.now())).toBeGreaterThanOrEqual(this.trueMs - 1e-3);
  }
}

const LATER_MS = [0, 1, 2_345, 30_000];
const rate = fc.double({ min: 1 - MAX_DRIFT, max: 1 + MAX_DRIFT, noNaN: true });
const step = {
  passMs: fc.integer({ min: 1, max: 20_000 }),
  requestMs: fc.integer({ min: 0, max: 500 }),
  answerMs: fc.integer({ min: 0, max: 500 }),
  /** Servers that are right differ so far. */
  serverErrorMs: fc.integer({ min: -500, max: 500 }),
};
const freeze = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 }));

describe("true time lies within the bounds", () => {
  test("while headers are right: through freezes, wall clocks off by hours and stepped, drift, disagreeing servers", () => {
    const wallStepMs = fc.oneof(fc.constant(0), fc.integer({ min: -7_200_000, max: 7_200_000 }));
    const steps = fc.array(fc.record({ ...step, frozenMs: freeze, wallStepMs }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, rate, fc.integer({ min: -7_200_000, max: 7_200_000 }), (all, hostRate, offMs) => {
        const host = new Host(hostRate, offMs);
        for (const { passMs, frozenMs, wallStepMs: byMs, serverErrorMs, ...answer } of all) {
          host.pass(passMs);
          // A machine frozen and stepped back at once would blind both clocks: outside what is promised.
          if (frozenMs > 0) host.freeze(frozenMs);
          else host.wallOffsetMs += byMs;
          host.hear({ ...answer, lieMs: serverErrorMs });
          expect(believedBounds(host.hearing)).toBeDefined();
          for (const later of LATER_MS) {
            host.pass(later);
            host.expectTruth();
          }
        }
        expect(host.anomalies).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("while the wall clock is right, whatever the headers say, the first of them too", () => {
    const lieMs = fc.oneof(fc.constant(0), fc.integer({ min: -60_000, max: 60_000 }));
    const steps = fc.array(fc.record({ ...step, frozenMs: freeze, lieMs }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(steps, rate, fc.integer({ min: -500, max: 500 }), (all, hostRate, offMs) => {
        const host = new Host(hostRate, offMs);
        for (const { passMs, frozenMs, lieMs: byMs, serverErrorMs, ...answer } of all) {
          host.pass(passMs);
          host.freeze(frozenMs);
          host.hear({ ...answer, lieMs: byMs + serverErrorMs });
          for (const later of LATER_MS) {
            host.pass(later);
            host.expectTruth();
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test("though the wall clock is wrong too: while each spell of lies contradicts what was heard before, and is shorter than a lease", () => {
    const spells = fc.array(
      fc.record({
        /** Right headers before it, each at most a renewal after the other. */
        right: fc.integer({ min: 1, max: 8 }),
        lies: fc.integer({ min: 0, max: 3 }),
        byMs: fc.oneof(fc.integer({ min: -60_000, max: -6_000 }), fc.integer({ min: 6_000, max: 60_000 })),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const answers = fc.record({
      requestMs: fc.integer({ min: 0, max: 50 }),
      answerMs: fc.integer({ min: 0, max: 50 }),
    });
    const wrong = fc.integer({ min: -60_000, max: 60_000 });
    fc.assert(
      fc.property(spells, answers, rate, wrong, (all, answer, hostRate, offMs) => {
        const host = new Host(hostRate, offMs);
        for (const { right, lies, byMs } of all) {
          for (let i = 0; i < right + lies; i++) {
            host.hear({ ...answer, lieMs: i < right ? 0 : byMs });
            if (i >= right) expect(believedBounds(host.hearing)).toBeUndefined();
            for (const later of [0, 1_000, 3_000]) {
              host.pass(later);
              host.expectTruth();
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("after a contradiction", () => {
  const RIGHT_MS = 1_000_000;
  const LIE_MS = 20_000;
  /** Heard every second from 0 on: right at first, then as `lieMs` says. */
  const heardFor = (seconds: number, lieMs: (second: number) => number) => {
    let hearing: HeaderState | undefined;
    let anomalies = 0;
    for (let second = 0; second <= seconds; second++) {
      const ms = second * 1_000;
      const heard = afterHeader(hearing, header(RIGHT_MS + ms + lieMs(second), ms), TRUSTING);
      hearing = heard.state;
      if (heard.contradicts) anomalies += 1;
    }
    return { hearing, anomalies };
  };

  test("neither the old headers nor the newest are believed, for at least a lease", () => {
    for (let seconds = 1; seconds <= LEASE_MS / 1_000; seconds++) {
      const { hearing, anomalies } = heardFor(seconds, (second) => (second === 0 ? 0 : LIE_MS));
      expect(anomalies).toBe(1);
      expect(believedBounds(hearing), `${seconds} s`).toBeUndefined();
    }
  });

  test("headers that agree for longer than a lease count again, and only those that were heard after it", () => {
    const { hearing, anomalies } = heardFor(17, (second) => (second === 0 ? 0 : LIE_MS));
    expect(anomalies).toBe(1);
    const now = at(17_000);
    expect(believedBounds(hearing)?.earliestMs(now)).toBe(RIGHT_MS + LIE_MS + 17_000 - 500);
    expect(believedBounds(hearing)?.latestMs(now)).toBe(RIGHT_MS + LIE_MS + 17_000 + 1_500);
  });

  test("another contradiction begins the time anew, again and again", () => {
    const { hearing, anomalies } = heardFor(100, (second) => (second % 10 === 5 ? LIE_MS : 0));
    expect(anomalies).toBe(20);
    expect(believedBounds(hearing)).toBeUndefined();
  });

  test("the last header before it is over and the first after it are held against each other too", () => {
    const { hearing, anomalies } = heardFor(17, (second) => (second === 0 || second === 17 ? 0 : LIE_MS));
    expect(anomalies).toBe(2);
    expect(believedBounds(hearing)).toBeUndefined();
  });

  test("an answer that comes after it counts only if its request left after it", () => {
    const { hearing } = heardFor(1, (second) => (second === 0 ? 0 : LIE_MS));
    const late = { dateMs: RIGHT_MS + LIE_MS + 15_000, sent: at(15_900), received: at(17_000) };
    expect(believedBounds(afterHeader(hearing, late, TRUSTING).state)).toBeUndefined();
    const next = { dateMs: RIGHT_MS + LIE_MS + 16_000, sent: at(16_100), received: at(17_000) };
    expect(believedBounds(afterHeader(hearing, next, TRUSTING).state)).toBeDefined();
  });

  test("its time is told by the slower of the two local clocks, and a step of the wall clock costs one stretch of it", () => {
    const { hearing } = heardFor(1, (second) => (second === 0 ? 0 : LIE_MS));
    const heardAt = (before: HeaderState | undefined, ms: number, wallMs: number) => {
      const told = { dateMs: RIGHT_MS + LIE_MS + ms, sent: at(ms, wallMs), received: at(ms, wallMs) };
      return afterHeader(before, told, TRUSTING).state;
    };
    // Stepped forth by an hour: the monotonic clock says that 10 s have passed.
    const forth = heardAt(hearing, 11_000, 3_611_000);
    expect(believedBounds(forth)).toBeUndefined();
    expect(believedBounds(heardAt(forth, 16_100, 3_616_100))).toBeDefined();
    // Stepped back by an hour: that stretch counts for nothing, and the next one does again.
    const back = heardAt(hearing, 11_000, -3_589_000);
    expect(believedBounds(back)).toBeUndefined();
    expect(believedBounds(heardAt(back, 26_100, -3_573_900))).toBeDefined();
  });
});

describe("two witnesses", () => {
  /** A header of 1,000,000, which alone tells 999,500 to 1,001,500, on a host whose wall clock shows `wallMs`. */
  const told = (wallMs: number) => {
    const now = at(0, wallMs);
    const bounds = boundsOf({ dateMs: 1_000_000, sent: now, received: now }, 1_000);
    const clock = serviceClockOf(bounds, 1_000);
    return [clock.earliestMs(now), clock.latestMs(now), clock.disagreementMs(now)];
  };

  test("a bound is as early, or as late, as either of them allows; they disagree by the gap between them", () => {
    expect(told(1_000_500)).toEqual([999_500, 1_001_500, 0]);
    expect(told(999_000)).toEqual([998_500, 1_001_500, 0]);
    expect(told(1_002_000)).toEqual([999_500, 1_002_500, 0]);
    expect(told(1_002_001)).toEqual([999_500, 1_002_501, 1]);
    expect(told(900_000)).toEqual([899_500, 1_001_500, 99_000]);
  });
});

test("many answers narrow the bounds to less than a header's second", () => {
  let bounds: HeaderBounds | undefined;
  for (let ms = 0; ms < 10_000; ms += 130) {
    const told = boundsAt(Math.floor(ms / 1_000) * 1_000, ms);
    bounds = bounds ? bounds.narrow(told, at(ms)) : told;
  }
  const now = at(10_000);
  expect((bounds?.latestMs(now) ?? 0) - (bounds?.earliestMs(now) ?? 0)).toBeLessThan(300);
});

test("surelyPastInMs is the wait after which a moment has surely passed, and no shorter one is", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 100_000 }), (aheadMs) => {
      const from = at(0, 1_000_000);
      const clock = serviceClockOf(boundsOf({ dateMs: 1_000_000, sent: from, received: from }, 0), 0);
      const waitMs = clock.surelyPastInMs(1_000_000 + aheadMs, from);
      const after = (ms: number) => clock.earliestMs(at(ms, 1_000_000 + ms));
      expect(after(waitMs)).toBeGreaterThan(1_000_000 + aheadMs);
      expect(after(waitMs - 3)).toBeLessThan(1_000_000 + aheadMs);
    }),
  );
});

test("surelyPastInMs tells for how long a moment has passed, too", () => {
  const now = at(0, 5_000);
  const clock = serviceClockOf(boundsOf({ dateMs: 5_000, sent: now, received: now }, 0), 0);
  expect(clock.surelyPastInMs(4_500, now)).toBe(-500);
  expect(clock.surelyPastInMs(5_000, now)).toBeGreaterThan(0);
});

test("a slow answer widens the upper bound by its whole round trip, and by drift", () => {
  const received = at(1_000);
  const bounds = boundsOf({ dateMs: 5_000, sent: at(0), received }, 0);
  expect(bounds.earliestMs(received)).toBe(5_000);
  expect(bounds.latestMs(received)).toBeCloseTo(5_000 + 1_000 + 1_002, 6);
  expect(estimateMs(bounds, received)).toBe(6_001);
});

test("bounds that meet in one moment agree; a millisecond apart they contradict each other", () => {
  const bounds = boundsAt(5_000, 0);
  const meeting = bounds.narrow(boundsAt(6_000, 0), at(0));
  expect([meeting?.earliestMs(at(0)), meeting?.latestMs(at(0))]).toEqual([6_000, 6_000]);
  expect(bounds.narrow(boundsAt(6_001, 0), at(0))).toBeUndefined();
});
