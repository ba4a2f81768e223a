import fc from "fast-check";
import { expect, test } from "vitest";
import { isBalanced, necessaryMoves } from "../../bench/balance.js";

/** The figure "moves beyond the necessary" of `npm run bench` is only as good as the number that it is compared with. */

const COUNT = 7;

/** How many each of the members may hold, so that all partitions are held and the numbers differ by one at most. */
function balances(members: number): number[][] {
  const all = (left: number, of: number): number[][] =>
    of === 0
      ? left === 0
        ? [[]]
        : []
      : Array.from({ length: left + 1 }, (_, own) =>
          all(left - own, of - 1).map((rest) => [own, ...rest]),
        ).flat();
  return all(COUNT, members).filter((held) => isBalanced(held, COUNT));
}

test("no way to balance the members moves fewer, and one way moves so many", () => {
  const held = fc.integer({ min: 1, max: 5 }).chain((members) =>
    fc
      .array(fc.integer({ min: 0, max: members }), { minLength: COUNT, maxLength: COUNT })
      // The last number stands for a member that is gone.
      .map((holders) => Array.from({ length: members }, (_, i) => holders.filter((one) => one === i).length)),
  );
  fc.assert(
    fc.property(held, (before) => {
      const received = balances(before.length).map((after) =>
        after.reduce((sum, own, i) => sum + Math.max(0, own - (before[i] ?? 0)), 0),
      );
      expect(necessaryMoves(before, COUNT)).toBe(Math.min(...received));
    }),
  );
});

test.each([
  ["one joins eight", [8, 8, 8, 8, 8, 8, 8, 8, 0], 7],
  ["one of nine leaves", [7, 7, 7, 7, 7, 7, 7, 7], 8],
  ["one of eight is killed", [8, 8, 8, 8, 8, 8, 8], 8],
  ["nothing has happened", [8, 8, 8, 8, 8, 8, 8, 8], 0],
])("64 partitions, %s", (_, held, moves) => {
  expect(necessaryMoves(held, 64)).toBe(moves);
});

test("partitions that nobody holds are not balanced", () => {
  expect(isBalanced([3, 3], 7)).toBe(false);
  expect(isBalanced([3, 4], 7)).toBe(true);
  expect(isBalanced([2, 5], 7)).toBe(false);
});
