import fc from "fast-check";
import { expect, test } from "vitest";
import { assign, type Member, movesOf } from "../../src/partitions/assignment.js";

/** Members that agree on the count, and hold any of the partitions, none of them twice. */
const groups = fc
  .record({
    count: fc.integer({ min: 1, max: 40 }),
    ids: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 9 }),
    seed: fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 40, maxLength: 40 }),
    free: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    leaving: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 9, maxLength: 9 }),
    maxPerMember: fc.oneof(fc.constant(4_096), fc.integer({ min: 1, max: 12 })),
    skew: fc.boolean(),
  })
  .map(({ count, ids, seed, free, leaving, maxPerMember, skew }) =>
    ids.map((id, place): Member => {
      const isHeld = (p: number) => {
        const drawn = seed[p] as number;
        const place_ = skew ? Math.min(drawn % ids.length, 1) : drawn % ids.length;
        return !free[p] && place_ % ids.length === place;
      };
      const holds = new Set([...Array(count).keys()].filter(isHeld));
      return { id, count, maxPerMember, takes: leaving[place] !== 0, holds };
    }),
  );

const numberOf = (assignment: ReturnType<typeof assign>, id: string) =>
  assignment.filter((to) => to === id).length;
const takersIn = (members: readonly Member[]) => members.filter(({ takes }) => takes);

/** `members` after this one has given the partition back, and perhaps another one has taken it. */
function moved(members: readonly Member[], partition: number, to?: string): Member[] {
  return members.map((member) => {
    const holds = new Set(member.holds);
    holds.delete(partition);
    if (member.id === to) holds.add(partition);
    return { ...member, holds };
  });
}

test("everything is assigned, levelled to within one, and never beyond what a member takes", () => {
  fc.assert(
    fc.property(groups, (members) => {
      const assignment = assign(members);
      const takers = takersIn(members);
      const { count, maxPerMember } = members[0] as Member;
      const loads = takers.map(({ id }) => numberOf(assignment, id));
      const room = takers.length * maxPerMember;
      expect(assignment.filter((to) => to !== undefined).length).toBe(
        takers.length === 0 ? 0 : Math.min(count, room),
      );
      if (takers.length > 0) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      for (const load of loads) expect(load).toBeLessThanOrEqual(maxPerMember);
      expect(assignment.every((to) => to === undefined || takers.some(({ id }) => id === to))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("no levelled assignment moves fewer partitions: exactly what exceeds the shares", () => {
  fc.assert(
    fc.property(groups, (members) => {
      const takers = takersIn(members);
      if (takers.length === 0) return;
      const { count, maxPerMember } = members[0] as Member;
      const total = Math.min(count, takers.length * maxPerMember);
      const base = Math.floor(total / takers.length);
      // Whoever holds most gets what does not divide: so the least is in excess.
      const held = takers.map(({ holds }) => holds.size).sort((a, b) => b - a);
      const excess = held.map((size, i) => Math.max(0, size - base - (i < total % takers.length ? 1 : 0)));
      const least = excess.reduce((a, b) => a + b, 0);
      const fromTakers = movesOf(members, assign(members)).filter(({ from }) =>
        takers.some(({ id }) => id === from),
      );
      expect(fromTakers.length).toBe(least);
    }),
    { numRuns: 500 },
  );
});

test("the order of the members does not matter", () => {
  fc.assert(
    fc.property(groups, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (members, random) => {
      const shuffled = members
        .map((member) => ({ member, at: random.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ member }) => member);
      expect(assign(shuffled)).toEqual(assign(members));
    }),
  );
});

test("a part of the moves changes nothing for the rest, whatever is done first", () => {
  fc.assert(
    fc.property(groups, fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 30 }), (members, steps) => {
      const goal = assign(members);
      let now: Member[] = members;
      for (const [at, isTaken] of steps) {
        const open = goal.flatMap((to, p) =>
          to !== undefined && now.find(({ id }) => id === to)?.holds.has(p) ? [] : [p],
        );
        if (open.length === 0) break;
        const partition = open[at % open.length] as number;
        now = moved(now, partition, isTaken ? goal[partition] : undefined);
        expect(assign(now)).toEqual(goal);
      }
    }),
    { numRuns: 500 },
  );
});

test("a member that joins, leaves or dies moves only what it must", () => {
  const group = (ids: readonly string[], count = 64): Member[] => {
    const empty = ids.map((id) => ({
      id,
      count,
      maxPerMember: 4_096,
      takes: true,
      holds: new Set<number>(),
    }));
    const assignment = assign(empty);
    return empty.map((member) => ({
      ...member,
      holds: new Set(assignment.flatMap((to, p) => (to === member.id ? [p] : []))),
    }));
  };
  const members = group(["a", "b", "c", "d", "e", "f", "g", "h"]);
  const joined = [...members, { ...(members[0] as Member), id: "i", holds: new Set<number>() }];
  const joins = movesOf(joined, assign(joined));
  expect(joins.length).toBe(7);
  expect(joins.every(({ to }) => to === "i")).toBe(true);
  const leaving = members.map((member) => (member.id === "c" ? { ...member, takes: false } : member));
  const leaves = movesOf(leaving, assign(leaving));
  expect(leaves.map(({ from }) => from)).toEqual(Array(8).fill("c"));
  const dead = members.filter(({ id }) => id !== "c");
  expect(movesOf(dead, assign(dead))).toEqual([]);
  expect(assign(dead).every((to) => to !== undefined)).toBe(true);
});

test("members that differ in their counts: each partition goes to a member that takes it, and the others are level", () => {
  const old = (id: string, holds: number[]) => ({
    id,
    count: 4,
    maxPerMember: 4_096,
    takes: true,
    holds: new Set(holds),
  });
  const members = [old("a", [0, 1]), old("b", [2, 3]), { ...old("c", []), count: 8 }];
  const assignment = assign(members);
  expect(assignment.slice(4)).toEqual(["c", "c", "c", "c"]);
  expect(movesOf(members, assignment)).toEqual([]);
  // A lower count: what nobody takes any more is given back.
  const fewer = [old("a", [0, 1, 5]), old("b", [2, 3])];
  expect(movesOf(fewer, assign(fewer))).toEqual([{ partition: 5, from: "a", to: undefined }]);
});

test("three slots among five members: whoever has one keeps it", () => {
  const slots = ["a", "b", "c", "d", "e"].map((id, i) => ({
    id,
    count: 3,
    maxPerMember: 1,
    takes: true,
    holds: new Set(i >= 2 ? [i - 2] : []),
  }));
  expect(assign(slots)).toEqual(["c", "d", "e"]);
});
