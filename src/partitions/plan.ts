import { assign, type Member, type Move, movesOf } from "./assignment.js";

/** What one member does next, by what it knows of the group. Pure. */

export interface Knowledge {
  readonly me: string;
  /** The members that are alive, and this one. */
  readonly members: readonly Member[];
  readonly nowMs: number;
  /** When the members were last read. A member that has gone since may still seem to be there. */
  readonly readMs: number;
  /** Since when this member takes part. */
  readonly joinedMs: number;
  /** When the members that are alive, or what they take, last changed. */
  readonly changedMs: number;
  /** Since when nobody holds a partition. */
  readonly freeSinceMs: ReadonlyMap<number, number>;
}

export interface Pace {
  readonly settleMs: number;
  readonly maxMovesAtOnce: number;
  /** A partition that is free for longer than this waits for something else, such as an operator who paused it. */
  readonly patienceMs: number;
}

export interface Plan {
  /** What this member should hold and does not. It campaigns for these, and for no others. */
  readonly mine: ReadonlySet<number>;
  /** Of these: what it should begin to campaign for now. */
  readonly claim: readonly number[];
  /** What it should give to another member now. */
  readonly handOver: readonly Move[];
  /** Something is free on its way to a member. */
  readonly isMoving: boolean;
}

/**
 * A free partition is claimed at once. A partition that somebody holds moves when the members have been the same for
 * `settleMs`. At most `maxMovesAtOnce` move at a time, and one that is free on its way still counts. What a leaving member
 * holds moves at once.
 */
export function planFor(known: Knowledge, { settleMs, maxMovesAtOnce, patienceMs }: Pace): Plan {
  const { me, members, nowMs, readMs, joinedMs, changedMs, freeSinceMs } = known;
  const assignment = assign(members);
  const moves = movesOf(members, assignment);
  const gone = new Set(members.filter(({ takes }) => !takes).map(({ id }) => id));
  const onTheirWay = [...freeSinceMs].filter(
    ([partition, sinceMs]) => assignment[partition] !== undefined && nowMs - sinceMs < patienceMs,
  );
  const budget = readMs - changedMs < settleMs ? 0 : Math.max(0, maxMovesAtOnce - onTheirWay.length);
  const due = [
    ...moves.filter(({ from }) => gone.has(from)),
    ...moves.filter(({ from }) => !gone.has(from)).slice(0, budget),
  ];
  const holds = members.find(({ id }) => id === me)?.holds;
  const mine = new Set(assignment.flatMap((to, p) => (to === me && !holds?.has(p) ? [p] : [])));
  // A fleet that starts joins within moments: the first member must not take everything, only to give it away.
  const free = readMs - joinedMs < settleMs ? [] : [...mine].filter((p) => freeSinceMs.has(p));
  return {
    mine,
    claim: [...free, ...due.filter(({ to }) => to === me).map(({ partition }) => partition)],
    handOver: due.filter(({ from }) => from === me),
    isMoving: onTheirWay.length > 0,
  };
}

/** Since when each of the partitions is free, after another look. */
export function freeSince(
  before: ReadonlyMap<number, number>,
  members: readonly Member[],
  nowMs: number,
): Map<number, number> {
  const held = new Set(members.flatMap(({ holds }) => [...holds]));
  const count = members.reduce((most, member) => Math.max(most, member.count), 0);
  const free = [...Array(count).keys()].filter((partition) => !held.has(partition));
  return new Map(free.map((partition) => [partition, before.get(partition) ?? nowMs]));
}
