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

test("a lower count moves only what exceeds the shares of what is left", () => {
  fc.assert(
    fc.property(groups, fc.integer({ min: 1, max: 40 }), (members, lower) => {
      const resized = members.map((member) => ({ ...member, count: Math.min(member.count, lower) }));
      const { count } = resized[0] as Member;
      const remaining = (holds: ReadonlySet<number>) => new Set([...holds].filter((p) => p < count));
      const clean = resized.map((member) => ({ ...member, holds: remaining(member.holds) }));
      const left = movesOf(resized, assign(resized)).filter(({ partition }) => partition < count);
      expect(left).toEqual(movesOf(clean, assign(clean)));
    }),
    { numRuns: 500 },
  );
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

/** As `groups`, and members avoid some of what they do not hold. */
const avoiding = fc
  .tuple(groups, fc.array(fc.array(fc.nat({ max: 39 }), { maxLength: 6 }), { minLength: 9, maxLength: 9 }))
  .map(([members, avoided]) =>
    members.map((member, place): Member => {
      const avoids = (avoided[place] ?? []).filter((p) => p < member.count && !member.holds.has(p));
      return avoids.length > 0 ? { ...member, avoids: new Set(avoids) } : member;
    }),
  );

test("what failed at a member goes to one that has room, and to the same one only if no other can take it", () => {
  fc.assert(
    fc.property(avoiding, (members) => {
      const assignment = assign(members);
      const takers = takersIn(members);
      const { count, maxPerMember } = members[0] as Member;
      const given = assignment.filter((to) => to !== undefined).length;
      expect(given).toBe(takers.length === 0 ? 0 : Math.min(count, takers.length * maxPerMember));
      for (const { id } of takers) expect(numberOf(assignment, id)).toBeLessThanOrEqual(maxPerMember);
      for (const [partition, to] of assignment.entries()) {
        if (!takers.find(({ id }) => id === to)?.avoids?.has(partition)) continue;
        const others = takers.filter(({ avoids }) => !avoids?.has(partition));
        expect(others.every(({ id }) => numberOf(assignment, id) === maxPerMember)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a failure moves nothing but what failed", () => {
  fc.assert(
    fc.property(groups, fc.nat(), (members, at) => {
      const goal = assign(members);
      const settled = members.map((member) => ({
        ...member,
        holds: new Set(goal.flatMap((to, p) => (to === member.id ? [p] : []))),
      }));
      const taken = goal.flatMap((to, p) => (to === undefined ? [] : [p]));
      if (taken.length === 0) return;
      const failed = taken[at % taken.length] as number;
      const after = moved(settled, failed).map((member) =>
        member.id === goal[failed] ? { ...member, avoids: new Set([failed]) } : member,
      );
      expect(movesOf(after, assign(after))).toEqual([]);
      const to = assign(after)[failed];
      const held = moved(after, failed, to).map((member) =>
        member.id === to ? { ...member, avoids: undefined } : member,
      );
      expect(movesOf(held, assign(held))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
