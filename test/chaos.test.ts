import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "./chaos/checker.js";
import type { EventOf, HistoryEvent, Outcome, Rule } from "./chaos/history.js";
import { scheduleOf } from "./chaos/schedule.js";
import { statisticsOf, unavailability } from "./chaos/statistics.js";

/**
 * The checker of `npm run chaos` against forged histories: a right one passes, and whatever is made wrong in it is
 * found under its name. The run itself needs minutes and is no unit test.
 */

const LEASE_MS = 2_000;

/** One leadership of a right history. */
interface Reign {
  readonly candidate: string;
  /** Times from its election on: the lead-in of the next begins after the last of these. */
  readonly views: number;
  readonly writes: readonly Outcome[];
  /** Whether it sends a stale write when the next has been elected. */
  readonly stale: boolean;
  readonly silent: boolean;
}

/** Reigns one after the other, as a protocol without faults would have them. */
function historyOf(reigns: readonly Reign[], rates: Readonly<Record<string, number>> = {}): HistoryEvent[] {
  const history: HistoryEvent[] = [{ type: "run", at: 0, seed: 1, leaseMs: LEASE_MS }];
  const landed: HistoryEvent[] = [];
  let at = 0;
  let n = 0;
  const tick = () => (at += 10);
  for (const candidate of new Set(reigns.map((reign) => reign.candidate))) {
    const rate = rates[candidate] ?? 1;
    history.push({ type: "life", at: tick(), candidate, label: candidate, rate, offset: "+0" });
  }
  let pending: (() => void)[] = [];
  reigns.forEach(({ candidate, views, writes, stale, silent }, i) => {
    const term = i + 1;
    history.push({ type: "elected", at: tick(), candidate, term, notBefore: at - 5 });
    view(true);
    for (const late of pending) late();
    pending = [];
    writes.forEach((outcome, k) => {
      const write = `${candidate}/${term}.${k}`;
      history.push({ type: "write", at: tick(), candidate, term, write, stale: false, since: at - 5 });
      if (outcome === "accepted")
        landed.push({ type: "landed", at: 0, candidate, term, write, stale: false, n: ++n });
      if (!silent) history.push({ type: "outcome", at: tick(), candidate, write, outcome });
    });
    for (let k = 0; k < views; k++) view(true);
    history.push({ type: "ended", at: tick(), candidate, term, reason: "expired" });
    view(false);
    history.push({ type: "workDone", at: tick(), candidate, term });
    if (!silent) history.push({ type: "resigned", at: tick(), candidate, term, outcome: "released" });
    if (!stale) return;
    pending.push(() => {
      const write = `${candidate}/${term}.stale`;
      history.push({ type: "write", at: tick(), candidate, term, write, stale: true, since: at - 5 });
      history.push({ type: "outcome", at: tick(), candidate, write, outcome: "fenced" });
    });

    function view(trusted: boolean): void {
      history.push({ type: "view", asked: tick(), at: tick(), candidate, term, trusted });
    }
  });
  history.push({ type: "calm", at: tick(), boundMs: 10 * LEASE_MS });
  const term = reigns.length + 1;
  const candidate = "the last";
  history.push({ type: "life", at: tick(), candidate, label: candidate, rate: 1, offset: "+0" });
  history.push({ type: "elected", at: tick(), candidate, term, notBefore: at - 5 });
  history.push({ type: "view", asked: tick(), at: tick(), candidate, term, trusted: true });
  return [...history, ...landed, { type: "register", at: tick(), n }];
}

const reign: fc.Arbitrary<Reign> = fc.record({
  candidate: fc.constantFrom("a", "b", "c"),
  views: fc.integer({ min: 1, max: 4 }),
  writes: fc.array(fc.constantFrom<Outcome>("accepted", "fenced", "refused", "notSent", "unknown"), {
    maxLength: 5,
  }),
  stale: fc.boolean(),
  silent: fc.boolean(),
});

/** Three reigns of three candidates, each with two accepted writes. */
const plain: Reign = {
  candidate: "a",
  views: 3,
  writes: ["accepted", "accepted"],
  stale: true,
  silent: false,
};
const right = () => historyOf([plain, { ...plain, candidate: "b" }, { ...plain, candidate: "c" }]);

const rules = (history: readonly HistoryEvent[]) =>
  new Set(check(history).violations.map(({ rule }) => rule));

/** The one event that is so, changed. */
function changed<K extends HistoryEvent["type"]>(
  history: readonly HistoryEvent[],
  type: K,
  which: (event: EventOf<K>) => boolean,
  change: Partial<EventOf<K>>,
): HistoryEvent[] {
  const index = history.findIndex((event) => event.type === type && which(event as EventOf<K>));
  expect(index).toBeGreaterThanOrEqual(0);
  return history.with(index, { ...(history[index] as EventOf<K>), ...change });
}

function at<K extends HistoryEvent["type"]>(
  history: readonly HistoryEvent[],
  type: K,
  which: (event: EventOf<K>) => boolean,
): EventOf<K> {
  return history.find((event) => event.type === type && which(event as EventOf<K>)) as EventOf<K>;
}

describe("right histories pass", () => {
  test("three leaders, with stale writes that were refused", () => {
    expect(check(right())).toEqual({ violations: [], exclusionBrokenBySkew: 0 });
  });

  test("whatever the reigns, whoever falls silent", () => {
    fc.assert(
      fc.property(fc.array(reign, { maxLength: 8 }), (reigns) => {
        expect(check(historyOf(reigns)).violations).toEqual([]);
      }),
    );
  });

  test("reports that come late: a view is as old as the answer it was taken after", () => {
    fc.assert(
      fc.property(fc.array(reign, { maxLength: 8 }), fc.nat(10_000), (reigns, lateMs) => {
        const late = historyOf(reigns).map((event) =>
          event.type === "view" ? { ...event, at: event.at + lateMs } : event,
        );
        expect(check(late).violations).toEqual([]);
      }),
    );
  });

  test("a stale write that lands while nobody has come after it", () => {
    const write = "c/3.late";
    const { at: endedAt } = at(right(), "ended", ({ term }) => term === 3);
    const sent: HistoryEvent[] = [
      { type: "write", at: endedAt + 1, candidate: "c", term: 3, write, stale: true, since: endedAt },
      { type: "landed", at: 0, candidate: "c", term: 3, write, stale: true, n: 1 },
    ];
    expect(rules([...right(), ...sent])).toEqual(new Set());
  });

  test("an answer that was lost: the outcome is unknown, the write is there", () => {
    const unknown = changed(right(), "outcome", ({ write }) => write === "b/2.0", { outcome: "unknown" });
    expect(rules(unknown)).toEqual(new Set());
  });

  test("a killed table forgets that it had seen a write, and refuses it when it is sent again", () => {
    const refused = changed(right(), "outcome", ({ write }) => write === "b/2.0", { outcome: "refused" });
    const { at: toldAt } = at(refused, "outcome", ({ write }) => write === "b/2.0");
    const fault: HistoryEvent = { type: "fault", at: toldAt - 1, kind: "restartTable", what: "SIGKILL" };
    expect(rules([...refused, fault])).toEqual(new Set());
  });
});

/** A trusted view of term 1 after the first of term 2. */
function overlapping(history: readonly HistoryEvent[]): HistoryEvent[] {
  const { asked } = at(history, "view", ({ term, trusted }) => term === 2 && trusted);
  return [
    ...history,
    { type: "view", at: asked + 2, asked: asked + 1, candidate: "a", term: 1, trusted: true },
  ];
}

const wrong: Record<Rule, (history: readonly HistoryEvent[]) => HistoryEvent[]> = {
  exclusion: overlapping,
  order: (history) => changed(history, "landed", ({ n }) => n === 6, { term: 1, candidate: "a" }),
  register: (history) => changed(history, "landed", ({ n }) => n === 3, { n: 4 }),
  stale: (history) => {
    const { at: sentAt } = at(history, "write", ({ write }) => write === "a/1.stale");
    return [
      ...changed(history, "outcome", ({ write }) => write === "a/1.stale", { outcome: "unknown" }),
      { type: "landed", at: sentAt, candidate: "a", term: 1, write: "a/1.stale", stale: true, n: 1 },
    ];
  },
  owner: (history) => changed(history, "elected", ({ term }) => term === 2, { candidate: "c" }),
  terms: (history) => changed(history, "elected", ({ term }) => term === 3, { term: 1, candidate: "a" }),
  acknowledged: (history) => history.filter((event) => event.type !== "landed" || event.n !== 6),
  refused: (history) => changed(history, "outcome", ({ write }) => write === "c/3.1", { outcome: "fenced" }),
  told: (history) => [...history, at(history, "ended", ({ term }) => term === 2)],
  release: (history) => history.filter((event) => event.type !== "workDone" || event.term !== 2),
  will: (history) => [...history, { type: "willed", at: 1, candidate: "a", term: 1 }],
  crash: (history) => [
    ...history,
    { type: "crash", at: 1, candidate: "a", label: "a", lastWords: "TypeError: no" },
  ],
  liveness: (history) => history.filter((event) => event.type !== "view" || event.term !== 4),
};

describe("wrong histories are found", () => {
  test("release: before the work has begun, which is right, and while it runs", () => {
    const [term, candidate] = [9, "a"];
    const late = [...right(), { type: "resigned", at: 1, candidate, term, outcome: "released" } as const];
    expect(rules(late)).toEqual(new Set());
    const begun = { type: "view", at: 1, asked: 1, candidate, term, trusted: false } as const;
    expect(rules([begun, ...late])).toContain("release");
  });

  test.each(Object.entries(wrong))("%s", (rule, spoil) => {
    expect(rules(spoil(right()))).toContain(rule);
  });

  test("a will of a worker that was to be ended, or after which nobody led, is right", () => {
    const history = right();
    const { at: endedAt } = at(history, "ended", ({ term }) => term === 1);
    const doomed = { type: "doomed", at: endedAt - 1, candidate: "a" } as const;
    const willed = { type: "willed", at: 1, candidate: "a", term: 1 } as const;
    expect(rules([...history, doomed, willed])).not.toContain("will");
    expect(rules([...history, { ...doomed, at: Number.MAX_VALUE }, willed])).toContain("will");
    expect(rules([...history, { ...willed, candidate: "the last", term: 4 }])).not.toContain("will");
  });

  test("liveness: somebody led, and too late", () => {
    const { boundMs } = at(right(), "calm", () => true);
    const late = changed(right(), "view", ({ term }) => term === 4, { asked: boundMs * 2 });
    expect(rules(late)).toEqual(new Set(["liveness"]));
  });

  test("acknowledged: a write that is there twice", () => {
    const twice = [...right(), at(right(), "landed", ({ n }) => n === 6)];
    expect(rules(twice)).toContain("acknowledged");
  });

  test("register: the count is ahead of the log", () => {
    expect(rules(changed(right(), "register", () => true, { n: 7 }))).toEqual(new Set(["register"]));
  });

  test("register: a write that nobody sent", () => {
    const stranger = right().filter((event) => event.type !== "write" || event.write !== "c/3.1");
    expect(rules(stranger)).toEqual(new Set(["register"]));
  });

  test("refused: not sent, the table's own word says otherwise", () => {
    const sent = changed(right(), "outcome", ({ write }) => write === "a/1.0", { outcome: "notSent" });
    expect(rules(sent)).toEqual(new Set(["refused"]));
  });

  test("stale: accepted by `transact` itself, before the later term has written anything", () => {
    const { at: electedAt } = at(right(), "elected", ({ term }) => term === 2);
    const late = changed(right(), "write", ({ write }) => write === "a/1.1", { since: electedAt + 1 });
    expect(rules(late)).toEqual(new Set(["stale"]));
  });
});

describe("any one thing made wrong in any right history is found", () => {
  const accepting = fc.array(
    reign.map((one): Reign => ({ ...one, silent: false, writes: ["accepted", ...one.writes] })),
    { minLength: 2, maxLength: 8 },
  );
  const pick = fc.nat();

  test("an acknowledged write that is gone", () => {
    fc.assert(
      fc.property(accepting, pick, (reigns, which) => {
        const history = historyOf(reigns);
        const landed = history.filter(({ type }) => type === "landed");
        const gone = landed[which % landed.length];
        expect(rules(history.filter((event) => event !== gone))).toContain("acknowledged");
      }),
    );
  });

  test("two accepted writes of different terms that change places", () => {
    fc.assert(
      fc.property(accepting, (reigns) => {
        const history = historyOf(reigns);
        const [first, last] = [1, reigns.length].map((term) =>
          at(history, "landed", (one) => one.term === term),
        );
        if (!first || !last) throw new Error("each term has written");
        const swapped = history.map((event): HistoryEvent => {
          if (event === first) return { ...last, n: first.n };
          return event === last ? { ...first, n: last.n } : event;
        });
        expect(rules(swapped)).toContain("order");
      }),
    );
  });

  test("a leader that trusts its lease when the next has begun to", () => {
    fc.assert(
      fc.property(accepting, pick, (reigns, which) => {
        const history = historyOf(reigns);
        const term = 1 + (which % (reigns.length - 1));
        const { asked } = at(history, "view", (view) => view.trusted && view.term === term + 1);
        const view = at(history, "view", (one) => one.trusted && one.term === term);
        expect(rules([...history, { ...view, asked: asked + 1, at: asked + 2 }])).toEqual(
          new Set(["exclusion"]),
        );
      }),
    );
  });

  test("a refusal that was none", () => {
    const falsely = fc.constantFrom<Outcome>("fenced", "refused", "notSent");
    fc.assert(
      fc.property(accepting, pick, falsely, (reigns, which, outcome) => {
        const history = historyOf(reigns);
        const told = history.filter((event) => event.type === "outcome" && event.outcome === "accepted");
        const lie = told[which % told.length];
        const lied = history.map((event) => (event === lie ? { ...event, outcome } : event) as HistoryEvent);
        expect(rules(lied)).toEqual(new Set(["refused"]));
      }),
    );
  });
});

describe("elections side by side", () => {
  const other = "shards/0";
  const ofOther = (history: readonly HistoryEvent[]) =>
    history.flatMap((event): HistoryEvent[] => {
      if (event.type === "run") return [];
      const candidate = "candidate" in event && { candidate: `${event.candidate}'` };
      if (event.type === "life") return [{ ...event, ...candidate, elections: [other] }];
      return [{ ...event, ...candidate, election: other } as HistoryEvent];
    });
  const both = (own: readonly HistoryEvent[], others: readonly HistoryEvent[]): HistoryEvent[] => [
    { type: "run", at: 0, seed: 1, leaseMs: LEASE_MS, elections: [other] },
    ...own.filter(({ type }) => type !== "run"),
    ...ofOther(others),
  ];

  test("the same terms at the same moments, with one register each", () => {
    const backwards = historyOf([{ ...plain, candidate: "c" }, plain, { ...plain, candidate: "a" }]);
    expect(check(both(right(), backwards)).violations).toEqual([]);
    expect(statisticsOf(both(right(), right()))).toMatchObject({ leaderships: 8, others: 4 });
  });

  test.each(Object.entries(wrong))("%s, in the other one alone", (rule, spoil) => {
    const { violations } = check(both(right(), spoil(right())));
    expect(violations.map((violation) => violation.rule)).toContain(rule);
    if (rule !== "crash") for (const { what } of violations) expect(what).toMatch(/^shards\/0: /);
  });

  test("nobody held it after the faults were over, and nobody ever did", () => {
    const silent = both(right(), [at(right(), "calm", () => true)]);
    expect(check(silent).violations).toEqual([
      { rule: "liveness", what: expect.stringMatching(/^shards\/0: nobody led within/) },
    ]);
  });

  test("a clock of a wrong rate excuses an overlap only where its candidate stands", () => {
    const reigns = [plain, { ...plain, candidate: "b" }];
    const overlap = overlapping(historyOf(reigns));
    expect(rules(both(historyOf(reigns, { a: 2 }), overlap))).toEqual(new Set(["exclusion"]));
    expect(rules(both(historyOf(reigns), overlapping(historyOf(reigns, { a: 2 }))))).toEqual(new Set());
  });
});

describe("clocks of a wrong rate", () => {
  const reigns = [plain, { ...plain, candidate: "b" }, { ...plain, candidate: "c" }];

  test.each(["a", "b"])("an overlap of two terms, one of them %s's: counted, no violation", (skewed) => {
    const history = overlapping(historyOf(reigns, { [skewed]: 2 }));
    expect(check(history)).toEqual({ violations: [], exclusionBrokenBySkew: 1 });
  });

  test("an overlap of two honest ones, with a skewed term between: it may have opened the way", () => {
    const history = historyOf(reigns, { b: 2 });
    const { asked } = at(history, "view", ({ term, trusted }) => term === 3 && trusted);
    const view = at(history, "view", ({ term, trusted }) => term === 1 && trusted);
    const late = [...history, { ...view, asked: asked + 1, at: asked + 2 }];
    expect(check(late)).toEqual({ violations: [], exclusionBrokenBySkew: 2 });
  });

  test("an overlap of two honest ones next to each other is a violation, whoever else is skewed", () => {
    expect(rules(overlapping(historyOf(reigns, { c: 2 })))).toEqual(new Set(["exclusion"]));
  });

  test("a term between of which nobody was heard may have been a skewed one's, if there was one", () => {
    const unheard = (rates: Record<string, number>) => {
      const history = historyOf(reigns, rates);
      const { asked } = at(history, "view", ({ term, trusted }) => term === 3 && trusted);
      const view = at(history, "view", ({ term, trusted }) => term === 1 && trusted);
      const silent = history.filter((event) => !("term" in event && event.term === 2));
      return check([...silent, { ...view, asked: asked + 1, at: asked + 2 }]);
    };
    expect(unheard({ b: 0.5 }).exclusionBrokenBySkew).toBe(1);
    expect(unheard({}).violations.map(({ rule }) => rule)).toContain("exclusion");
  });

  test("excuse nothing but exclusion", () => {
    const skewed = { a: 2, b: 0.5, c: 2 };
    for (const [rule, spoil] of Object.entries(wrong)) {
      if (rule !== "exclusion") expect(rules(spoil(historyOf(reigns, skewed)))).toContain(rule);
    }
  });
});

describe("statistics", () => {
  test("of a history", () => {
    expect(statisticsOf(right())).toMatchObject({ leaderships: 4, fencedWrites: 6, staleRefused: 2 });
  });

  test("time without a leader: from the last sure trust of one term to the first of the next", () => {
    const view = (term: number, asked: number): HistoryEvent => ({
      ...{ type: "view", candidate: `of ${term}`, term, trusted: true },
      ...{ asked, at: asked },
    });
    const history = [view(1, 0), view(1, 100), view(2, 400), view(2, 500), view(3, 450), view(4, 1_500)];
    // 300 to term 2, none to term 3 which overlaps, 1,000 from the end of term 2 to term 4.
    expect(statisticsOf(history).unavailabilityMs).toEqual({ p50: 300, p99: 1_000, max: 1_000 });
  });

  test("percentiles are gaps that there were", () => {
    const gaps = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(unavailability(gaps)).toEqual({ p50: 100, p99: 198, max: 200 });
    expect(unavailability([])).toEqual({ p50: 0, p99: 0, max: 0 });
  });
});

describe("the schedule", () => {
  const options = { seed: 7, minutes: 5, workers: 5, skews: true };

  test("is the same for the same seed, and another for another", () => {
    expect(scheduleOf(options)).toEqual(scheduleOf(options));
    expect(scheduleOf({ ...options, seed: 8 }).faults).not.toEqual(scheduleOf(options).faults);
  });

  test("has every kind of fault, for any seed", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const kinds = new Set(scheduleOf({ ...options, seed }).faults.map(({ kind }) => kind));
        expect(kinds.size).toBe(17);
      }),
      { numRuns: 20 },
    );
  });

  test("keeps wrong rates out of its first half, and to two workers", () => {
    const { faults, endMs } = scheduleOf({ ...options, minutes: 60 });
    const rates = faults.filter(
      (fault) => fault.kind === "skew" && fault.clock !== undefined && fault.clock.rate !== 1,
    );
    expect(rates.length).toBeGreaterThan(0);
    for (const fault of rates) {
      expect(fault.atMs).toBeGreaterThan(endMs / 2);
      expect([0, 1]).toContain("target" in fault && fault.target);
    }
  });

  test("has no skews where clocks cannot be skewed", () => {
    const { faults, firstClocks } = scheduleOf({ ...options, skews: false });
    expect(faults.filter(({ kind }) => kind === "skew")).toEqual([]);
    expect(firstClocks).toEqual(Array(5).fill(undefined));
  });
});
