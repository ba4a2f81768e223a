import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { consistentTimes, type RecordedTerm, type RecordedTimes } from "../../src/protocol/term-times.js";

/** Rule 5g. */

const moments = (times: readonly RecordedTimes[]) =>
  times.flatMap(({ electedAt, lastRenewedAt, endedAt }) => [electedAt, lastRenewedAt, endedAt]);
const isSorted = (values: readonly (number | undefined)[]) => {
  const known = values.filter((value) => value !== undefined);
  return known.every((value, i) => i === 0 || (known[i - 1] as number) <= value);
};

/** What truly happened: three moments a term, in order, and a writer of each whose clock is wrong by some part of its error. */
const truth = fc.array(
  fc.record({
    gaps: fc.tuple(fc.nat(2_000), fc.nat(2_000), fc.nat(2_000)),
    errors: fc.tuple(fc.nat(3_000), fc.nat(3_000), fc.nat(3_000)),
    wrongBy: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -1, max: 1, noNaN: true }))),
    missing: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  }),
  { minLength: 1, maxLength: 8 },
);

function recordedOf(terms: readonly TrueTerm[]) {
  let nowMs = 1_000_000;
  const trueMs: Array<number | undefined> = [];
  const recorded = terms.map(({ gaps, errors, wrongBy, missing }): RecordedTerm => {
    const [elected, renewed, ended] = gaps.map((gap, i) => {
      nowMs += gap;
      const isMissing = missing[i] && i > 0;
      trueMs.push(isMissing ? undefined : nowMs);
      const errorMs = errors[i] as number;
      const at = Math.round(nowMs + errorMs * (wrongBy[i] as number));
      return isMissing ? { at: undefined, errorMs: undefined } : { at, errorMs };
    }) as [Stamp, Stamp, Stamp];
    return {
      electedAt: elected.at,
      electedErrorMs: elected.errorMs,
      lastRenewedAt: renewed.at,
      lastRenewedErrorMs: renewed.errorMs,
      endedAt: ended.at,
      endedErrorMs: ended.errorMs,
      endReason: "resigned",
    };
  });
  return { recorded, trueMs };
}

interface TrueTerm {
  readonly gaps: readonly number[];
  readonly errors: readonly number[];
  readonly wrongBy: readonly number[];
  readonly missing: readonly boolean[];
}
interface Stamp {
  readonly at: number | undefined;
  readonly errorMs: number | undefined;
}

describe("with clocks that are wrong within their errors", () => {
  test("the order is never contradicted, no terms overlap, and the truth is within the error", () => {
    fc.assert(
      fc.property(truth, (terms) => {
        const { recorded, trueMs } = recordedOf(terms);
        const times = consistentTimes(recorded);
        expect(isSorted(moments(times))).toBe(true);
        const errors = times.flatMap((term) => [
          term.electedErrorMs,
          term.lastRenewedErrorMs,
          term.endedErrorMs,
        ]);
        for (const [i, at] of moments(times).entries()) {
          expect(at === undefined).toBe(trueMs[i] === undefined);
          if (at === undefined) continue;
          expect(Math.abs(at - (trueMs[i] as number))).toBeLessThanOrEqual((errors[i] as number) + 1);
          // What others wrote makes a time more certain, never less.
          const before = [terms.flatMap((term) => [...term.errors])[i] as number];
          expect(errors[i]).toBeLessThanOrEqual(Math.max(...before) + 1);
        }
      }),
    );
  });
});

test("with clocks that are wrong beyond any error, the order is not contradicted either", () => {
  const anything = fc.record({
    electedAt: fc.option(fc.nat(10_000), { nil: undefined }),
    electedErrorMs: fc.option(fc.nat(100), { nil: undefined }),
    lastRenewedAt: fc.option(fc.nat(10_000), { nil: undefined }),
    endedAt: fc.option(fc.nat(10_000), { nil: undefined }),
    endedErrorMs: fc.option(fc.nat(100), { nil: undefined }),
    leaseDurationMs: fc.option(fc.nat(3_000), { nil: undefined }),
    endReason: fc.constantFrom("expired" as const, "resigned" as const, undefined),
  });
  fc.assert(
    fc.property(fc.array(anything), (terms) => {
      expect(isSorted(moments(consistentTimes(terms)))).toBe(true);
    }),
  );
});

test("times that agree stay as they were written", () => {
  const terms = [
    { electedAt: 1_000, electedErrorMs: 50, endedAt: 5_000, endedErrorMs: 50 },
    { electedAt: 6_000, electedErrorMs: 700 },
    { electedAt: 9_000 },
  ];
  expect(consistentTimes(terms)).toMatchObject(terms);
  expect(consistentTimes(terms)[2]?.electedErrorMs).toBeUndefined();
});

test("an end after the next election: both move to where they can be, and say how sure that is", () => {
  const [first, second] = consistentTimes([
    { electedAt: 1_000, electedErrorMs: 0, endedAt: 5_705, endedErrorMs: 500, endReason: "resigned" },
    { electedAt: 5_000, electedErrorMs: 500 },
  ]);
  expect(first).toMatchObject({ endedAt: 5_353, endedErrorMs: 148 });
  expect(second).toMatchObject({ electedAt: 5_353, electedErrorMs: 148 });
});

test("a lease that was not given back ran out between one lease after its last renewal and its expiresAt", () => {
  const [term] = consistentTimes([
    {
      ...{ electedAt: 1_000, electedErrorMs: 100, lastRenewedAt: 8_000, lastRenewedErrorMs: 100 },
      ...{ leaseDurationMs: 3_000, endedAt: 11_500, endReason: "expired" as const },
    },
  ]);
  expect(term).toMatchObject({ endedAt: 11_200, endedErrorMs: 300 });
});
