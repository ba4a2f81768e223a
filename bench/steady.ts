import { setTimeout as delay } from "node:timers/promises";
import { Election } from "../src/index.js";
import type { Contest, Start } from "./contest.js";
import type { Laboratory } from "./laboratory.js";
import type { Member } from "./member.js";

/** Renewals of a leader before it is disturbed. By then each follower knows when to poll. */
const RENEWALS = 6;

/** If the election is disturbed more often than this in a row, nothing can be measured. */
const TRIES = 10;

/** The state before a disturbance: a leader that has led for some time, and all candidates alive. */
export interface Calm {
  readonly leader: Start;
  /** The standby by the lease row; undefined without a line. */
  readonly standby: Member | undefined;
}

/**
 * Waits until the election is in its normal state, and then for a random moment. If a leader loses its lease meanwhile
 * (because the machine is too busy), `disturbed` is called, and the wait starts again.
 */
export async function calm(
  laboratory: Laboratory,
  contest: Contest,
  { hasLine, renewals = RENEWALS }: { hasLine: boolean; renewals?: number },
  disturbed: () => void,
): Promise<Calm> {
  const { leaseMs, renewMs } = contest;
  for (let tries = 0; tries < TRIES; tries++) {
    await contest.fill();
    await contest.until(() => contest.leader !== undefined);
    const leader = contest.leader as Start;
    await delay(Math.max(0, leader.atMs + renewals * renewMs - performance.now()));
    await delay(Math.random() * leaseMs);
    const standby = hasLine ? await standbyOf(laboratory, contest) : undefined;
    if (contest.leader === leader && (standby || !hasLine)) return { leader, standby };
    disturbed();
  }
  throw new Error(
    `${contest.election}: leaders lose their leases all the time; the machine has too much to do`,
  );
}

/** The standby by the lease row, once it is a living candidate. */
async function standbyOf(laboratory: Laboratory, contest: Contest): Promise<Member | undefined> {
  const election = new Election({
    client: laboratory.client,
    tableName: laboratory.tableName,
    name: contest.election,
    leaseDurationMs: contest.leaseMs,
    label: "bench",
  });
  for (let tries = 0; tries < 20; tries++) {
    const leader = await election.leader();
    const standby = contest.member(leader?.standby);
    if (standby && leader?.candidateId === contest.leader?.member.candidateId) return standby;
    await delay(contest.renewMs / 4);
  }
  return undefined;
}
