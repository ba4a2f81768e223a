import { expect, test } from "vitest";
import { Farewell } from "../../src/leader/announcement.js";
import { MIN_LETTING_GO_IN_MS } from "../../src/limits.js";

const DAY_MS = 86_400_000;

test("an announcement counts down, also when its moment is over", () => {
  const farewell = new Farewell("stepped-down", "c", 1_000);
  expect(farewell.tell(500)).toEqual({ inMs: 1_000, to: "c" });
  farewell.heard(510);
  expect(farewell.tell(1_400)).toEqual({ inMs: 100, to: "c" });
  expect(farewell.tell(9_000)).toEqual({ inMs: -7_500, to: "c" });
});

test.each([1, 2, 365])(
  "a leader that ignores it for %d days writes no less than every reader takes",
  (days) => {
    const farewell = new Farewell("stepped-down", undefined, 1_000);
    farewell.tell(0);
    farewell.heard(10);
    const { inMs } = farewell.tell(days * DAY_MS + 1_001);
    expect(inMs).toBe(MIN_LETTING_GO_IN_MS);
  },
);
