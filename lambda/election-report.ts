import { statedEndMs } from "../src/protocol/expiry.js";
import { holderOf, type Lease, type Vacant } from "../src/protocol/lease.js";
import type { TermRecord } from "../src/protocol/verbs.js";
import type { Watched } from "./monitor-settings.js";
import type { Known } from "./table-rows.js";
import type { WatchedSince } from "./watched.js";

/** Computes the monitor's figures of an election from its rows and the time of reading. Pure. */

/** How far back terms are counted. */
export const HOUR_MS = 3_600_000;

/** A first deployment has so long to start its workers. Then an election that never had a leader lacks one. */
export const FIRST_LEADER_MS = 900_000;

export interface Figures {
  readonly election: string;
  readonly term: number;
  readonly leader: string | undefined;
  /** Somebody holds the lease, and it has not run out. */
  readonly hasLeader: boolean;
  /** Time since the holder's last renewal. It grows when the holder is dead. Undefined: nobody holds the lease. */
  readonly leaseAgeMs: number | undefined;
  /**
   * Time since the lease was given back or ran out. 0 while somebody leads, and while a scheduled election waits for its
   * next tick: then it needs no leader. Undefined: the row does not show since when.
   */
  readonly secondsWithoutLeader: number | undefined;
  /** The number of terms that began within the last hour. */
  readonly termsPerHour: number;
  /**
   * Time since the end of the run that completed the last tick. Of a watched job that never completed one: since it is
   * watched. Undefined: no tick was ever completed.
   */
  readonly secondsSinceLastTick: number | undefined;
}

export function figuresOf({ election, lease, over, terms, atMs }: Known): Figures {
  const ranOutAt = over ? over.at : statedEndMs(lease);
  const hasLeader = lease.kind === "held" && !over && (ranOutAt === undefined || ranOutAt > atMs);
  const since = lease.kind === "vacant" ? lease.endedAt : ranOutAt;
  const isMissed = !hasLeader && !isAtRest(lease);
  return {
    election,
    term: lease.term,
    leader: holderOf(lease),
    hasLeader,
    leaseAgeMs: lease.kind === "held" ? elapsedMs(lease.renewedAt, atMs) : undefined,
    secondsWithoutLeader: isMissed ? seconds(elapsedMs(since, atMs)) : 0,
    termsPerHour: termsWithin(HOUR_MS, lease, terms, atMs),
    secondsSinceLastTick: seconds(elapsedMs(lastTickAt(lease, terms), atMs)),
  };
}

/** The watched elections that never had a leader, and the watched jobs that never completed a tick. */
export function neverRun(figures: readonly Figures[], { elections, jobs }: Watched): string[] {
  const led = new Set(figures.map(({ election }) => election));
  const ticked = new Set(
    figures
      .filter(({ secondsSinceLastTick }) => secondsSinceLastTick !== undefined)
      .map((one) => one.election),
  );
  const names = [...elections.filter((name) => !led.has(name)), ...jobs.filter((name) => !ticked.has(name))];
  return [...new Set(names)];
}

/**
 * Adds what is known of elections that never ran: a job is overdue since it is watched, and an election lacks a leader. An
 * election whose workers are still being deployed has FIRST_LEADER_MS.
 */
export function withNeverRun(
  figures: readonly Figures[],
  { jobs }: Watched,
  since: WatchedSince,
  atMs: number,
): Figures[] {
  const isJob = new Set(jobs);
  const sinceLastTick = (name: string) =>
    isJob.has(name) ? seconds(elapsedMs(since.get(name), atMs)) : undefined;
  const known = figures.map((one) => ({
    ...one,
    secondsSinceLastTick: one.secondsSinceLastTick ?? sinceLastTick(one.election),
  }));
  const seen = new Set(figures.map(({ election }) => election));
  const others = [...since].filter(([election]) => !seen.has(election));
  const never = others.map(
    ([election, sinceMs]): Figures => ({
      election,
      term: 0,
      leader: undefined,
      hasLeader: false,
      leaseAgeMs: undefined,
      secondsWithoutLeader: isJob.has(election) ? 0 : seconds(elapsedMs(sinceMs + FIRST_LEADER_MS, atMs)),
      termsPerHour: 0,
      secondsSinceLastTick: sinceLastTick(election),
    }),
  );
  return [...known, ...never];
}

/**
 * The term that completed the last tick, if only its history row shows when, because another term has begun since.
 * Undefined: no history row is needed.
 */
export function termOfLastTick(lease: Lease): number | undefined {
  return isAtRest(lease) || lease.kind === "placeholder" ? undefined : lease.tickTerm;
}

/** Whether the last term completed its tick and gave the lease back. */
function isAtRest(lease: Lease): lease is Vacant {
  return lease.kind === "vacant" && lease.tickTerm === lease.term;
}

function lastTickAt(lease: Lease, terms: readonly TermRecord[]): number | undefined {
  if (isAtRest(lease)) return lease.endedAt;
  const run = terms.find(({ term }) => term === termOfLastTick(lease));
  // The end of a term is written by its successor, and can be missing. Then its last renewal is used.
  return run?.endedAt ?? run?.lastRenewedAt ?? run?.electedAt;
}

/** The current term counts even if its history row has not landed yet. */
function termsWithin(periodMs: number, lease: Lease, terms: readonly TermRecord[], atMs: number): number {
  const known = lease.kind === "placeholder" ? terms : [...terms, lease];
  const recent = known.filter(({ electedAt }) => electedAt !== undefined && electedAt > atMs - periodMs);
  return new Set(recent.map(({ term }) => term)).size;
}

/** Never negative: times in the table and the time of reading have an error of about a second. */
function elapsedMs(since: number | undefined, atMs: number): number | undefined {
  return since === undefined ? undefined : Math.max(0, Math.round(atMs - since));
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
