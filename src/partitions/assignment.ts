import { fnv1a } from "../fnv1a.js";

/**
 * Which member should hold which partition. Pure: every member computes the same from the same membership, whatever order
 * the members come in. Safety does not depend on it, because the lease of each partition decides.
 */

/** A member of a group, as its row shows it. */
export interface Member {
  readonly id: string;
  /** It takes the partitions from 0 to below this number. */
  readonly count: number;
  /** The most partitions that it takes. */
  readonly maxPerMember: number;
  /** False: it leaves, or is not healthy. It takes no partitions, and gives back those that it holds. */
  readonly takes: boolean;
  readonly holds: ReadonlySet<number>;
  /** Partitions that failed here lately: it takes them only if no other member can. Left out: none. */
  readonly avoids?: ReadonlySet<number> | undefined;
}

/** By partition: the id of the member that should hold it. Undefined: no member can take it. */
export type Assignment = ReadonlyArray<string | undefined>;

/** A partition that one member holds and another one should hold. */
export interface Move {
  readonly partition: number;
  readonly from: string;
  /** Undefined: no member takes it. */
  readonly to: string | undefined;
}

/**
 * Each member keeps what it holds, up to its share. All the rest goes to members that have room, each partition to the one
 * with the highest score for it. So only what exceeds a share moves. If a part of the moves is done, the rest stays
 * the same: a partition that was given back, or was taken, changes nothing for the others.
 */
export function assign(members: readonly Member[]): Assignment {
  const takers = members.filter(({ takes }) => takes).sort(byId);
  const total = takers.reduce((most, { count }) => Math.max(most, count), 0);
  const holders = holdersOf(members);
  const shares = sharesOf(takers, total, holders);
  const assigned: Array<string | undefined> = new Array(total).fill(undefined);
  const loads = new Map(takers.map(({ id }) => [id, 0]));
  const give = (partition: number, id: string) => {
    assigned[partition] = id;
    loads.set(id, (loads.get(id) ?? 0) + 1);
  };

  // Those that few members take come first: the others have more places to go.
  const counting = (partition: number) => takers.filter(({ count }) => count > partition);
  const takersOf = (partition: number) => counting(partition).filter(({ avoids }) => !avoids?.has(partition));
  const isMixed = takers.some(({ count, avoids }) => count !== total || avoids);
  const numbers = isMixed ? assigned.map((_, partition) => takersOf(partition).length) : [];
  const fewestTakers = (a: number, b: number) => (numbers[a] ?? 0) - (numbers[b] ?? 0);
  for (const taker of takers) {
    const mine = [...taker.holds].filter((p) => p < taker.count && holders.get(p) === taker.id);
    mine.sort((a, b) => (isMixed && fewestTakers(a, b)) || score(b, taker.id) - score(a, taker.id) || a - b);
    for (const partition of mine.slice(0, shares.get(taker.id))) give(partition, taker.id);
  }

  const pool = [...assigned.keys()].filter((p) => assigned[p] === undefined);
  if (isMixed) pool.sort((a, b) => fewestTakers(a, b) || a - b);
  const left = pool.filter((partition) => {
    const withRoom = takersOf(partition).filter(({ id }) => (loads.get(id) ?? 0) < (shares.get(id) ?? 0));
    const best = bestOf(withRoom, partition);
    if (best !== undefined) give(partition, best);
    return best === undefined;
  });

  // Members that differ in what they take: nobody who takes these has room in its share.
  const hasRoom = ({ id, maxPerMember }: Member) => (loads.get(id) ?? 0) < maxPerMember;
  for (const partition of left) {
    const willing = takersOf(partition).filter(hasRoom);
    const able = willing.length > 0 ? willing : counting(partition).filter(hasRoom);
    const holder = able.find(({ id }) => id === holders.get(partition));
    const least = Math.min(...able.map(({ id }) => loads.get(id) ?? 0));
    const to =
      holder?.id ??
      bestOf(
        able.filter(({ id }) => loads.get(id) === least),
        partition,
      );
    if (to !== undefined) give(partition, to);
  }
  return assigned;
}

/** What members hold and others should hold, in the order in which it moves. */
export function movesOf(members: readonly Member[], assignment: Assignment): Move[] {
  return [...holdersOf(members)]
    .map(([partition, from]) => ({ partition, from, to: assignment[partition] }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => a.partition - b.partition);
}

/** Who holds each partition. Of two rows that name one partition, one is old: until it is read again, the first counts. */
function holdersOf(members: readonly Member[]): Map<number, string> {
  const holders = new Map<number, string>();
  for (const { id, holds } of [...members].sort(byId)) {
    for (const partition of holds) if (!holders.has(partition)) holders.set(partition, id);
  }
  return holders;
}

/**
 * How many partitions each member should hold: the same number, but not more than its `maxPerMember`. What does not divide
 * goes, one each, first to members that hold more than that already, so that it need not move.
 */
function sharesOf(
  takers: readonly Member[],
  total: number,
  holders: ReadonlyMap<number, string>,
): Map<string, number> {
  const atLevel = (level: number) => takers.map(({ maxPerMember }) => Math.min(level, maxPerMember));
  let level = 0;
  while (level < total && sum(atLevel(level + 1)) <= total) level += 1;
  const shares = new Map(takers.map(({ id, maxPerMember }) => [id, Math.min(level, maxPerMember)]));
  const counts = new Map(takers.map(({ id, count }) => [id, count]));
  const held = new Map<string, number>();
  // What its holder counts no more is given back, so it keeps no place for it.
  for (const [partition, id] of holders)
    if (partition < (counts.get(id) ?? 0)) held.set(id, (held.get(id) ?? 0) + 1);
  const growing = takers.filter(({ maxPerMember }) => maxPerMember > level);
  const isAbove = ({ id }: Member) => (held.get(id) ?? 0) > level;
  const inOrder = [...growing.filter(isAbove), ...growing.filter((taker) => !isAbove(taker))];
  for (const { id } of inOrder.slice(0, total - sum([...shares.values()]))) shares.set(id, level + 1);
  // The place of a partition that failed here stays empty: a failure moves nothing else.
  for (const { id, avoids } of takers)
    if (avoids) shares.set(id, Math.max(0, (shares.get(id) ?? 0) - avoids.size));
  return shares;
}

function bestOf(members: readonly Member[], partition: number): string | undefined {
  let best: { id: string; score: number } | undefined;
  for (const { id } of members) {
    const its = score(partition, id);
    if (best === undefined || its > best.score) best = { id, score: its };
  }
  return best?.id;
}

/** Rendezvous hashing: each pair of a member and a partition has a score of its own, whoever else is there. */
function score(partition: number, id: string): number {
  let hash = fnv1a(id);
  hash ^= Math.imul(partition + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
