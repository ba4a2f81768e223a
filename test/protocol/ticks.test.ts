import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/errors.js";
import { MAX_TICKS } from "../../src/limits.js";
import {
  isWindow,
  lastTickOf,
  type TickMode,
  type TickWindow,
  ticksInHistory,
  verdictOn,
  windowFrom,
  withTick,
} from "../../src/protocol/ticks.js";

/** The window of completed ticks (rule 10), without a store. */

const WINDOW: TickWindow = { floor: "10", completed: ["12", "15"] };
const verdicts = (mode: TickMode) =>
  ["9", "10", "11", "12", "14", "15", "16"].map((tick) => {
    const verdict = verdictOn(tick, mode, WINDOW);
    return verdict.kind === "superseded" ? verdict.completed : verdict.kind;
  });

test("in the window and at the floor a tick is done exactly if it completed; below it nobody knows", () => {
  expect(verdicts("latest")).toEqual(["unknown", "done", "no", "done", "no", "done", "open"]);
  expect(verdicts("every")).toEqual(["unknown", "done", "open", "done", "open", "done", "open"]);
});

test("without a window everything runs", () => {
  for (const mode of ["latest", "every"] as const) {
    expect(verdictOn("1", mode, undefined)).toEqual({ kind: "open" });
    expect(verdictOn("1", mode, { completed: [] })).toEqual({ kind: "open" });
  }
});

test("a tick that falls behind because it is written in another way is misplaced, where it would be superseded", () => {
  const window: TickWindow = { floor: "tick-5", completed: ["tick-9"] };
  expect(verdictOn("tick-60", "latest", window).kind).toBe("misplaced");
  expect(verdictOn("tick-60", "every", window).kind).toBe("open");
  expect(verdictOn("tick-10", "every", window).kind).toBe("misplaced");
  expect(verdictOn("1769828400", "latest", window).kind).toBe("misplaced");
  expect(verdictOn("tick-7", "latest", window).kind).toBe("superseded");
});

test("a tick completed out of order does not make the last one fall", () => {
  const window = withTick(WINDOW, "13");
  expect(window).toEqual({ floor: "10", completed: ["12", "13", "15"] });
  expect(lastTickOf(window)).toBe("15");
});

test("what is dropped from a full window raises the floor, also the tick that was just completed", () => {
  const completed = Array.from({ length: MAX_TICKS }, (_, i) => String(100 + 2 * i));
  expect(withTick({ floor: "50", completed }, "999")).toEqual({
    floor: "100",
    completed: [...completed.slice(1), "999"],
  });
  expect(withTick({ floor: "50", completed }, "60")).toEqual({ floor: "60", completed });
});

test("a run of a tick that is done, or below the floor, is a bug", () => {
  for (const tick of ["12", "10", "9"]) expect(() => withTick(WINDOW, tick)).toThrow(InternalError);
});

type Step =
  | { readonly kind: "run"; readonly tick: number; readonly mode: TickMode }
  | { readonly kind: "reset"; readonly to: number | undefined }
  /** The lease row is deleted, and an election founded from history. */
  | { readonly kind: "delete" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      tick: fc.nat(150),
      mode: fc.constantFrom("latest" as const, "every" as const, "every" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("reset" as const),
      to: fc.option(fc.nat(150), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "delete" as const }) },
);

test("against a model that forgets nothing: no tick completes twice, and none vanishes in silence", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 400 }), (steps) => {
      let window: TickWindow | undefined;
      let completed = new Set<number>();
      /** Below it the table need not know. */
      let floor = -1;
      for (const each of steps) {
        const last = Math.max(-1, ...completed);
        if (each.kind === "reset") {
          window = windowFrom(each.to?.toString());
          completed = new Set(each.to === undefined ? [] : [each.to]);
          floor = each.to ?? -1;
          continue;
        }
        if (each.kind === "delete") {
          window = windowFrom(lastTickOf(window));
          floor = last;
          continue;
        }
        const { tick, mode } = each;
        const verdict = verdictOn(String(tick), mode, window);
        if (tick < floor) expect(verdict).toEqual({ kind: "superseded", completed: "unknown" });
        else if (completed.has(tick)) expect(verdict).toEqual({ kind: "done" });
        else if (mode === "every" || tick > last) expect(verdict).toEqual({ kind: "open" });
        else expect(verdict).toEqual({ kind: "superseded", completed: "no" });
        if (verdict.kind === "open") {
          completed.add(tick);
          window = withTick(window, String(tick));
          const known = [...completed].filter((one) => one >= floor).sort((a, b) => a - b);
          floor = Math.max(floor, known.at(-MAX_TICKS - 1) ?? -1);
        }
        expect(window === undefined || isWindow(window)).toBe(true);
        expect(lastTickOf(window)).toBe(completed.size === 0 ? undefined : String(Math.max(...completed)));
      }
    }),
  );
});

describe("what the history knows", () => {
  test("the highest tick of all terms, in the order of ticks", () => {
    expect(
      ticksInHistory([
        { term: 1, lastTick: "9" },
        { term: 3, lastTick: "4", lastTickBefore: "10" },
        { term: 2, lastTickBefore: "9", lastTick: "10" },
      ]),
    ).toEqual({ lastTick: "10", tickResetTerm: undefined });
    expect(ticksInHistory([])).toEqual({ lastTick: undefined, tickResetTerm: undefined });
  });

  const wrong = { term: 4, lastTickBefore: "9", lastTick: "9999" };
  const reset = (to?: string) => ({ ...wrong, tickReset: { by: "ana", to, revision: 8 } });

  test("a reset hides the ticks of its term and of earlier terms", () => {
    expect(ticksInHistory([{ term: 1, lastTick: "9" }, reset()])).toEqual({
      lastTick: undefined,
      tickResetTerm: 4,
    });
    expect(ticksInHistory([{ term: 1, lastTick: "9" }, reset("8")])).toEqual({
      lastTick: "8",
      tickResetTerm: 4,
    });
  });

  test("ticks of later terms count again", () => {
    const later = { term: 5, lastTickBefore: "8", lastTick: "9", tickResetTermBefore: 4 };
    expect(ticksInHistory([reset("8"), later])).toEqual({ lastTick: "9", tickResetTerm: 4 });
  });

  test("a later term tells of the reset, if the row that told of it first is gone or was never written", () => {
    const later = { term: 5, lastTickBefore: "8", tickResetTermBefore: 4 };
    expect(ticksInHistory([later, wrong])).toEqual({ lastTick: "8", tickResetTerm: 4 });
    expect(ticksInHistory([later, { term: 2, lastTick: "9999" }])).toEqual({
      lastTick: "8",
      tickResetTerm: 4,
    });
  });
});
