import { describe, expect, test } from "vitest";
import { type Held, holderOf, type Lease } from "../src/protocol/lease.js";
import type { Observation } from "../src/protocol/observation.js";
import { SMALL } from "./exploration/bounds.js";
import { REAL_RULES, type Rules } from "./exploration/rules.js";
import { type Explored, explore, search } from "./exploration/search.js";
import { heldLease } from "./support/lease.js";

/** In so many parts: on a busy machine, no test takes longer than another. */
const PARTS: Record<string, number> = { faults: 4, "service clock": 3, delays: 5 };
const STATES_A_PART = 25_000;

describe("in every interleaving within small bounds, no promise is broken", () => {
  for (const { name, ...bounds } of SMALL) {
    const { [name]: parts = 2 } = PARTS;
    const exploring = search(bounds);
    let explored: Explored | undefined;
    /** It goes on where the part before it has stopped. */
    const goOn = (untilStates: number) => {
      for (let states = 0; explored === undefined && states < untilStates; ) {
        const { done, value } = exploring.next(false);
        if (done) explored = value;
        else states = value.states;
      }
    };

    for (let part = 1; part < parts; part++) {
      test(`${bounds.candidates} candidates, ${name}: part ${part} of ${parts}`, () => {
        goOn(part * STATES_A_PART);
        expect(explored?.violations ?? []).toEqual([]);
      });
    }
    test(`${bounds.candidates} candidates, ${name}: part ${parts} of ${parts}, to the end`, () => {
      goOn(Number.POSITIVE_INFINITY);
      expect(explored?.violations).toEqual([]);
      expect(explored?.complete).toBe(true);
    });
  }
});

/** Each is one rule gone wrong, and the promise that it must be seen to break. */
const FAULTS: ReadonlyArray<{
  readonly fault: string;
  readonly breaks: string;
  readonly rules: Partial<Rules>;
  /** Where it shows, if only there. */
  readonly within?: string;
}> = [
  {
    fault: "trust has no margin, and clocks are not alike",
    breaks: "exclusion",
    rules: { trustMs: ({ leaseDurationMs }) => leaseDurationMs },
  },
  {
    fault: "trust counts from the response",
    breaks: "exclusion",
    rules: { trustedFrom: (_sent, received) => received },
  },
  {
    fault: "trust goes by the monotonic clock alone",
    breaks: "exclusion",
    rules: { trustLeftMs: (sent, trustMs, now) => trustMs - (now.monotonicMs - sent.monotonicMs) },
  },
  {
    fault: "trust goes by the wall clock alone",
    breaks: "exclusion",
    rules: { trustLeftMs: (sent, trustMs, now) => trustMs - (now.wallMs - sent.wallMs) },
  },
  {
    fault: "what a refusal shows counts as seen from before it was asked",
    breaks: "exclusion",
    rules: { seenFrom: (sent) => sent },
  },
  {
    fault: "a holder is called dead before a whole lease of observation",
    breaks: "exclusion",
    rules: {
      nextMove: (observation, me, now, service) => {
        const early = { ...now, monotonicMs: now.monotonicMs + 1_000 };
        return REAL_RULES.nextMove(observation, me, early, service);
      },
    },
  },
  {
    fault: "a renewal that is seen does not begin the observation anew",
    breaks: "exclusion",
    rules: {
      observe: (previous, lease, receivedMs, authoritative) => ({
        ...REAL_RULES.observe(previous, lease, receivedMs, authoritative),
        firstSeenMs: previous?.firstSeenMs ?? receivedMs,
      }),
    },
  },
  {
    fault: "an evicted lease is a vacancy",
    breaks: "exclusion",
    rules: {
      evicted: (row, request) => {
        const lease = REAL_RULES.evicted(row, request);
        return lease && { ...lease, endReason: "resigned" };
      },
    },
  },
  {
    fault: "the service clock is taken for exact",
    breaks: "exclusion",
    within: "service clock",
    rules: {
      boundsOf: (header, errorMs) =>
        REAL_RULES.boundsOf({ ...header, dateMs: header.dateMs + 2_000 }, errorMs - 4_000),
      serviceClockOf: (headers, errorMs) =>
        Object.assign(REAL_RULES.serviceClockOf(headers, errorMs - 8_000), { disagreementMs: () => 0 }),
    },
  },
  {
    fault: "a taker believes its headers alone",
    breaks: "exclusion",
    within: "service clock",
    rules: {
      serviceClockOf: (headers, errorMs) => {
        const clock = REAL_RULES.serviceClockOf(headers, errorMs);
        const early = REAL_RULES.serviceClockOf(headers, Number.NEGATIVE_INFINITY);
        return {
          earliestMs: (now) => early.earliestMs(now),
          latestMs: (now) => clock.latestMs(now),
          surelyPastInMs: (atMs, now) => early.surelyPastInMs(atMs, now),
          disagreementMs: (now) => clock.disagreementMs(now),
        };
      },
    },
  },
  {
    fault: "a holder believes its headers alone",
    breaks: "exclusion",
    within: "service clock",
    rules: {
      serviceClockOf: (headers, errorMs) => {
        const clock = REAL_RULES.serviceClockOf(headers, errorMs);
        return {
          earliestMs: (now) => clock.earliestMs(now),
          latestMs: (now) => headers.latestMs(now),
          surelyPastInMs: (atMs, now) => clock.surelyPastInMs(atMs, now),
          disagreementMs: (now) => clock.disagreementMs(now),
        };
      },
    },
  },
  {
    fault: "a renewal that comes late takes the row back in time",
    breaks: "pairs never repeat",
    rules: {
      renewed: (row, request) => REAL_RULES.renewed(row && { ...row, revision: -1 }, request),
    },
  },
  {
    fault: "a renewal makes its sender the holder again",
    breaks: "released stays released",
    rules: {
      renewed: (row, request) =>
        row?.term === request.term && row.kind === "vacant"
          ? REAL_RULES.renewed(heldLease({ ...row, holder: request.candidateId, revision: -1 }), request)
          : REAL_RULES.renewed(row, request),
    },
  },
  {
    fault: "an acquire does not compare what it saw",
    breaks: "terms increase",
    rules: {
      acquired: (row, request) =>
        REAL_RULES.acquired(row && ({ ...row, ...pairOf(request.basis) } as Lease), request),
    },
  },
  {
    fault: "an acquire does not compare the revision that it saw",
    breaks: "fresh basis",
    rules: {
      acquired: (row, request) =>
        REAL_RULES.acquired(row && { ...row, revision: request.basis.revision }, request),
    },
  },
  {
    fault: "a term is given twice",
    breaks: "terms increase",
    rules: {
      acquired: (row, request) => {
        const lease = REAL_RULES.acquired(row, request);
        return lease && { ...lease, term: Math.max(1, request.basis.term) };
      },
    },
  },
  {
    fault: "the history of a deleted row is not gone by",
    breaks: "liveness",
    within: "deleted rows",
    rules: {
      observeHistory: (observation) => ({ ...observation, history: { highestTerm: 0, longestLeaseMs: 0 } }),
    },
  },
  {
    fault: "a release is accepted by the term alone",
    breaks: "own release",
    rules: {
      resigned: (row, request) =>
        REAL_RULES.resigned(
          row && heldLease({ ...row, holder: request.candidateId, term: request.term }),
          request,
        ),
    },
  },
  {
    fault: "a last will leaves the revision as it is",
    breaks: "pairs never repeat",
    within: "last will",
    rules: {
      crashed: (row, request) => {
        const lease = REAL_RULES.crashed(row, request);
        return lease && { ...lease, revision: lease.revision - 1 };
      },
    },
  },
  {
    fault: "a last will has a revision from when it was signed",
    breaks: "pairs never repeat",
    within: "last will",
    rules: {
      // As the acquire of this term wrote it, and one more.
      crashed: (row, request) => {
        const lease = REAL_RULES.crashed(row, request);
        return lease && { ...lease, revision: request.term + 1 };
      },
    },
  },
  {
    fault: "a last will asks for no term",
    breaks: "no will of the living",
    within: "last will",
    rules: {
      crashed: (row, request) =>
        row?.kind === "held"
          ? REAL_RULES.crashed(row, { ...request, candidateId: row.holder, term: row.term })
          : undefined,
    },
  },
  {
    fault: "a will is handed over when the acquire has been answered",
    breaks: "vacant after a will",
    within: "last will",
    rules: {
      willsBeforeAcquire: (wills) => wills,
      willsAfter: (wills, row, candidateId) => {
        const isMine = holderOf(row) === candidateId && row !== undefined;
        return isMine
          ? [{ term: row.term, basis: undefined }]
          : REAL_RULES.willsAfter(wills, row, candidateId);
      },
    },
  },
  {
    fault: "the will for the next term replaces that for the present one",
    breaks: "vacant after a will",
    within: "last will",
    rules: { willsBeforeAcquire: (_wills, next) => [next] },
  },
  {
    fault: "a will that was refused is not sent again",
    breaks: "vacant after a will",
    within: "last will",
    rules: { isRefusalFinal: () => true },
  },
  {
    fault: "a will is taken back when an acquire has been refused",
    breaks: "vacant after a will",
    within: "last will",
    rules: {
      willsAfter: (wills, row, candidateId) =>
        REAL_RULES.willsAfter(
          wills.filter(({ basis }) => basis === undefined),
          row,
          candidateId,
        ),
    },
  },
  {
    fault: "the end of the pipe alone is taken for the death of the process",
    breaks: "no will of the living",
    within: "last will",
    rules: { isDead: ({ hasPipeEnded }) => hasPipeEnded },
  },
  {
    fault: "a crashed lease is not free at once",
    breaks: "liveness",
    within: "last will",
    rules: {
      nextMove: (observation, ...rest) => {
        const lease = observation?.lease;
        const isCrashed = lease?.kind === "vacant" && lease.endReason === "crashed";
        const evicted = isCrashed ? { ...observation, lease: { ...lease, endReason: "evicted" } } : undefined;
        return REAL_RULES.nextMove((evicted as Observation | undefined) ?? observation, ...rest);
      },
    },
  },
  {
    fault: "a fence asks for the name alone",
    breaks: "fencing",
    rules: { isFencePassed: (row, { candidateId }): row is Held => holderOf(row) === candidateId },
  },
  {
    fault: "a refused renewal is taken for a success",
    breaks: "justified belief",
    rules: { renewSucceeded: () => true },
  },
  {
    fault: "an earlier try to acquire is taken for this one",
    breaks: "justified belief",
    rules: { acquireSucceeded: (lease, { candidateId }) => holderOf(lease) === candidateId },
  },
  {
    fault: "a refused renewal is taken for a loss",
    breaks: "true loss",
    rules: { renewSucceeded: () => false },
  },
  {
    fault: "a refused release is taken for a loss",
    breaks: "true loss",
    rules: { resignSucceeded: () => false },
  },
  {
    fault: "every look begins the observation anew",
    breaks: "liveness",
    rules: {
      observe: (previous, lease, receivedMs, authoritative) => ({
        ...REAL_RULES.observe(previous, lease, receivedMs, authoritative),
        firstSeenMs: receivedMs,
      }),
    },
  },
];

describe("a fault in the rules is seen", () => {
  for (const { fault, breaks, rules, within } of FAULTS) {
    test(`${fault}: ${breaks} is broken`, () => {
      const found: string[] = [];
      for (const { name, ...bounds } of SMALL) {
        if (within !== undefined && name !== within) continue;
        const { violations } = explore({ ...bounds, rules });
        found.push(...violations.map(({ promise }) => promise));
        if (found.length > 0) break;
      }
      expect(found).toEqual([breaks]);
    });
  }

  test("and told as the shortest story, one line an event", () => {
    const { name: _, ...bounds } = SMALL[0] as (typeof SMALL)[number];
    const rules: Partial<Rules> = { trustMs: ({ leaseDurationMs }) => leaseDurationMs };
    const [violation] = explore({ ...bounds, rules }).violations;
    expect(violation?.trace.at(-1)).toMatch(/^[ab] trusts term \d while [ab] trusts term \d$/);
    expect(violation?.trace.join("\n")).toMatch(/a tick, in which the clocks of [ab] are (slow|fast)/);
  });
});

test("a search that was given up is not complete", () => {
  const { name: _, ...bounds } = SMALL[0] as (typeof SMALL)[number];
  const { complete, states } = explore({ ...bounds, maxStates: 1_000 });
  expect(complete).toBe(false);
  expect(states).toBeGreaterThan(1_000);
});

function pairOf({ term, revision }: Pick<Lease, "term" | "revision">) {
  return { term, revision };
}
