import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CountEvent, checkCounts } from "./count-checker.js";
import { datesOf } from "./dates.js";
import type { RequestSample } from "./recorder.js";
import { checkTicks, type TickEvent, type TickViolation } from "./tick-checker.js";

/**
 * The checkers of `npm run verify:aws` against forged histories: a right one passes, and whatever is made wrong in it is
 * found under its name. Processes are judged by the checker of chaos, which test/chaos.test.ts forges histories for.
 */

/** One delivery of a tick to several candidates: some runs fail, then one completes or nobody knows. */
interface Delivery {
  readonly fails: number;
  readonly answer: "completed" | "unknown";
  readonly late: number;
}

function historyOf(deliveries: readonly Delivery[]): TickEvent[] {
  const history: TickEvent[] = [];
  const completed: string[] = [];
  let at = 0;
  let term = 0;
  const now = () => ++at;
  deliveries.forEach(({ fails, answer, late }, i) => {
    const tick = String(i + 1);
    const run = (end: "completed" | "failed" | "unknown", steps: number) => {
      const id = `c${term % 3}/${++term}`;
      history.push({ type: "began", at: now(), tick, run: id, candidate: `c${term % 3}`, term });
      for (let step = 0; step < steps; step++) history.push({ type: "trusted", at: now(), tick, run: id });
      history.push({ type: end, at: now(), tick, run: id });
    };
    for (let n = 0; n < fails; n++) run("failed", 1);
    run(answer, 3);
    if (answer === "completed") completed.push(tick);
    for (let n = 0; n < late; n++) history.push({ type: "done", at: now(), tick, candidate: `late${n}` });
  });
  return [...history, { type: "row", at: now(), tick: "", completed }];
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  fails: fc.nat(2),
  answer: fc.constantFrom("completed", "completed", "unknown"),
  late: fc.nat(3),
});

const right = () =>
  historyOf([
    { fails: 1, answer: "completed", late: 1 },
    { fails: 0, answer: "completed", late: 2 },
    { fails: 0, answer: "unknown", late: 0 },
  ]);
const rules = (history: readonly TickEvent[]) => new Set(checkTicks(history).map(({ rule }) => rule));
const sentences = (history: readonly TickEvent[]) => checkTicks(history).map(({ what }) => what);
const last = (history: readonly TickEvent[]) => history.at(-1)?.at ?? 0;

describe("ticks", () => {
  test("right histories pass", () => {
    expect(checkTicks(right())).toEqual([]);
    fc.assert(
      fc.property(fc.array(delivery, { maxLength: 8 }), (deliveries) => {
        expect(checkTicks(historyOf(deliveries))).toEqual([]);
      }),
    );
  });

  test("an answer that says done may come before that of the run itself", () => {
    const history = right();
    const [index] = history.flatMap(({ type }, i) => (type === "completed" ? [i] : []));
    const early: TickEvent = {
      type: "done",
      at: history[index ?? 0]?.at ?? 0,
      tick: "1",
      candidate: "early",
    };
    expect(checkTicks(history.toSpliced(index ?? 0, 0, early))).toEqual([]);
  });

  test("a run whose answer did not come may be on the row", () => {
    const history = right().map((event) =>
      event.type === "row" ? { ...event, completed: [...event.completed, "3"] } : event,
    );
    expect(checkTicks(history)).toEqual([]);
  });

  const runAgain = (history: readonly TickEvent[], at: number, term: number): TickEvent[] => [
    ...history,
    { type: "began", at, tick: "1", run: `again/${term}`, candidate: "again", term },
    { type: "trusted", at: at + 0.1, tick: "1", run: `again/${term}` },
    { type: "completed", at: at + 0.2, tick: "1", run: `again/${term}` },
  ];
  const overlapping = (history: readonly TickEvent[]) => {
    const [first] = history.flatMap((event) =>
      event.type === "trusted" && event.tick === "2" ? [event] : [],
    );
    return [...history, { type: "trusted", at: (first?.at ?? 0) + 0.5, tick: "1", run: "c1/2" } as const];
  };
  const wrong: [string, TickViolation["rule"], (history: TickEvent[]) => TickEvent[], RegExp][] = [
    ["a tick completed twice", "tick", (h) => runAgain(h, last(h) + 1, 9), /completed 2 times/],
    [
      "a run after completion",
      "tick",
      (h) => runAgain(h, last(h) + 1, 9),
      /began again after it had completed/,
    ],
    [
      "done, and nobody did it",
      "tick",
      (h) => [...h, { type: "done", at: last(h) + 1, tick: "7", candidate: "a" }],
      /tick 7: a caller was told that it is done/,
    ],
    [
      "a tick that vanished",
      "tick",
      (h) => h.filter(({ type, tick }) => tick !== "2" || type === "began" || type === "trusted"),
      /tick 2: no run completed it/,
    ],
    ["two runs at once", "exclusion", overlapping, /overlapped/],
    [
      "a later term that is not greater",
      "terms",
      (h) => h.map((event) => (event.type === "began" && event.tick === "2" ? { ...event, term: 1 } : event)),
      /term 1 began after term/,
    ],
    [
      "a row that forgot a tick",
      "tick",
      (h) => h.map((event) => (event.type === "row" ? { ...event, completed: ["2"] } : event)),
      /tick 1 completed, and the row does not show it/,
    ],
    [
      "a failed tick on the row",
      "tick",
      (h) => [
        { type: "began", at: -2, tick: "9", run: "x/0", candidate: "x", term: 0 },
        { type: "failed", at: -1, tick: "9", run: "x/0" },
        ...h.map((event) =>
          event.type === "row" ? { ...event, completed: [...event.completed, "9"] } : event,
        ),
      ],
      /the row shows tick 9, and no run completed it/,
    ],
    ["a row that was never read", "tick", (h) => h.filter(({ type }) => type !== "row"), /never read/],
  ];
  test.each(wrong)("%s is found", (_, rule, spoil, sentence) => {
    const spoilt = spoil(right());
    expect(rules(spoilt)).toContain(rule);
    expect(sentences(spoilt).join("\n")).toMatch(sentence);
  });
});

describe("counts", () => {
  const asked = (outcome: "accepted" | "refused" | "unknown"): CountEvent => ({
    ...{ type: "asked", counter: "c", via: "transact", outcome },
  });
  const counted = (n: number): CountEvent => ({ type: "counted", counter: "c", n });
  const outcome = fc.constantFrom("accepted" as const, "refused" as const, "unknown" as const);

  test("right sums pass, whichever of the unknown ones landed", () => {
    fc.assert(
      fc.property(fc.array(outcome), fc.nat(), (outcomes, luck) => {
        const told = (one: string) => outcomes.filter((each) => each === one).length;
        const n = told("accepted") + (luck % (told("unknown") + 1));
        expect(checkCounts([...outcomes.map(asked), counted(n)])).toEqual([]);
      }),
    );
  });

  test.each([
    [
      "an accepted write is missing",
      [asked("accepted"), asked("refused"), counted(0)],
      /shows 0, and 1 writes/,
    ],
    ["a refused write is there", [asked("accepted"), asked("refused"), counted(2)], /shows 2, and 1 writes/],
    [
      "one was written twice",
      [asked("accepted"), asked("unknown"), counted(3)],
      /shows 3, and 1 to 2 writes/,
    ],
    ["the sum was never read", [asked("accepted")], /never read/],
  ] as [string, CountEvent[], RegExp][])("%s is found", (_, events, sentence) => {
    expect(checkCounts(events).join("\n")).toMatch(sentence);
  });
});

describe("Date headers", () => {
  const NOON = Date.UTC(2026, 0, 1, 12);
  /** An answer of a server whose clock is this far ahead, made in the middle of its request. */
  const sample = (sentAt: number, aheadMs: number, more: Partial<RequestSample> = {}): RequestSample => ({
    ...{ operation: "GetItem", sentAt, tookMs: 10, status: 200 },
    date: new Date(Math.floor((sentAt + 5 + aheadMs) / 1_000) * 1_000).toUTCString(),
    ...more,
  });

  test("headers of one clock fit it, and bound how far it is ahead", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100_000), { minLength: 1 }),
        fc.integer({ min: -5_000, max: 5_000 }),
        (at, ahead) => {
          const { aheadMs, contradictionMs, answers } = datesOf(at.map((ms) => sample(NOON + ms, ahead)));
          expect({ contradictionMs, answers }).toEqual({ contradictionMs: 0, answers: at.length });
          expect(aheadMs?.least).toBeLessThanOrEqual(ahead);
          expect(aheadMs?.most).toBeGreaterThanOrEqual(ahead);
        },
      ),
    );
  });

  test("a header that contradicts the others, a missing and an unreadable one are counted", () => {
    const steady = Array.from({ length: 50 }, (_, i) => sample(NOON + i * 37, 0));
    expect(datesOf([...steady, sample(NOON, 5_000)]).contradictionMs).toBeGreaterThan(3_900);
    expect(datesOf([...steady, sample(NOON, -5_000)]).contradictionMs).toBeGreaterThan(3_900);
    const found = datesOf([
      ...[...steady, sample(NOON, 0, { date: undefined }), sample(NOON, 0, { date: "noon" })],
      sample(NOON, 0, { status: undefined, date: undefined }),
    ]);
    expect(found).toMatchObject({ answers: 52, withoutDate: 1, unreadable: 1, contradictionMs: 0 });
  });
});
