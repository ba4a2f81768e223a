import { setTimeout as delay } from "node:timers/promises";
import { necessaryMoves } from "./balance.js";
import { Group } from "./group.js";
import type { Laboratory } from "./laboratory.js";
import { LEASE_MS } from "./messages.js";
import type { Row } from "./report.js";
import { median, quantile, rounded } from "./statistics.js";

const PARTITIONS = 64;
const MEMBERS = 8;
const TARGET_LEASES = 1.5;
/** Each trial has four changes. */
const TRIALS_A_ROUND = 5;
/** After a change the members stay as they are for so long. What moves then moves too often. */
const AFTERMATH_MS = 2 * LEASE_MS;

/** One change of the members. */
interface Change {
  readonly necessary: number;
  readonly moves: number;
  readonly leases: number;
}

/**
 * 64 partitions and 8 members, each a process: which partitions move when one member joins, leaves or is killed, and how
 * long it takes until each is held again and all members hold the same number, to within one.
 */
export async function partitions(laboratory: Laboratory, trials: number): Promise<Row[]> {
  const rounds = Math.ceil(trials / TRIALS_A_ROUND);
  laboratory.progress.begin(`changes among ${MEMBERS} members`, rounds * 4);
  await using group = new Group(laboratory.programs.groupWorker, laboratory.groupConfig(PARTITIONS));
  while (group.members.length < MEMBERS) await group.join();
  await group.until(() => group.isBalanced);
  await delay(AFTERMATH_MS);
  const changes: Record<string, Change[]> = { joins: [], leaves: [], "is killed": [] };
  const change = async (kind: keyof typeof changes, begin: () => Promise<number>) => {
    changes[kind]?.push(await measured(group, begin));
    laboratory.progress.step();
  };
  for (let round = 0; round < rounds; round++) {
    const any = () => group.members[round % group.members.length] as (typeof group.members)[number];
    await change("joins", () => group.join());
    await change("leaves", () => group.leave(any()));
    await change("is killed", () => group.kill(any()));
    await change("joins", () => group.join());
  }
  return Object.entries(changes).map(([kind, all]) => rowOf(kind, all));
}

async function measured(group: Group, begin: () => Promise<number>): Promise<Change> {
  await delay(Math.random() * LEASE_MS);
  const before = group.takes.length;
  const beganMs = await begin();
  // The messages of one that joins or leaves may have come already, so nothing is read before them.
  const held = group.held;
  const necessary = necessaryMoves(held, PARTITIONS);
  await group.until(() => group.isBalanced);
  for (let settled = -1; settled !== group.takes.length; ) {
    settled = group.takes.length;
    await delay(AFTERMATH_MS);
    await group.until(() => group.isBalanced);
  }
  const takes = group.takes.slice(before);
  const lastMs = takes.at(-1)?.atMs ?? beganMs;
  return { necessary, moves: takes.length, leases: (lastMs - beganMs) / LEASE_MS };
}

function rowOf(kind: string, changes: readonly Change[]): Row {
  const beyond = changes.map(({ necessary, moves }) => moves - necessary);
  const leases = changes.map((change) => change.leases);
  const [most, worst] = [quantile(beyond, 1), quantile(leases, 1)];
  return {
    part: "partitions",
    name: `one member ${kind}`,
    unit: "moves and leases",
    figures: {
      changes: changes.length,
      "moves needed": median(changes.map(({ necessary }) => necessary)),
      "more, at most": most,
      "median time": rounded(median(leases), 2),
      worst: rounded(worst, 2),
    },
    target: `no move more; worst ≤ ${TARGET_LEASES} leases`,
    met: most === 0 && worst <= TARGET_LEASES,
    context: { partitions: PARTITIONS, members: MEMBERS },
    samples: leases.map((value) => rounded(value, 3)),
  };
}
