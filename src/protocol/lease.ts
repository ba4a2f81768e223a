import type { EndReason } from "../errors.js";
import type { TickReset, TickWindow } from "./ticks.js";

/** The types of a lease row. */

/**
 * The lease row, in one of three states. The store parses it once, so no other code checks which attributes it
 * has. Times in it are epoch milliseconds of service time.
 */
export type Lease = Placeholder | TermLease;

/** A lease that somebody has held at least once. */
export type TermLease = Held | Vacant;

/** The attributes of every lease row. */
export interface LeaseRow {
  /** Grows with every write by a holder. Observers watch (`term`, `revision`). */
  readonly revision: number;
  readonly leaseDurationMs: number;
  /**
   * How long after this write its holder means to write the next one, so that followers can poll in step (rule
   * 1c).
   */
  readonly renewIntervalMs: number;
  /** Who paused the election. While it is paused nobody may take the lease, and its holder gives it back (rule 7h). */
  readonly pausedBy?: string | undefined;
  /** +1 with each pause and each resume, so that a late one cannot undo a newer one. Absent counts as 0. */
  readonly pauseRevision?: number | undefined;
}

/**
 * A row that never had a holder. It stands where there was no row, so that no term can begin and end unseen
 * while a candidate reads in the history where terms go on (rule 5a).
 */
export interface Placeholder extends LeaseRow {
  readonly kind: "placeholder";
  readonly term: 0;
}

/** The attributes of a tenure: the present one or, on a vacant row, the last one. */
export interface TenureRow extends LeaseRow {
  /** The fencing token: +1 per acquisition, never restarts, from 1. */
  readonly term: number;
  /** The holder's try that took the lease. It resolves lost answers. */
  readonly attemptId?: string | undefined;
  /** Absent when its writer had no bound on service time. */
  readonly expiresAt?: number | undefined;
  /** Estimates of service time. `…ErrorMs`: how far the true time may be from them. */
  readonly electedAt?: number | undefined;
  readonly electedErrorMs?: number | undefined;
  readonly renewedAt?: number | undefined;
  readonly renewedErrorMs?: number | undefined;
  readonly value?: string | undefined;
  /** The candidates that come next, the standby first. Absent: nobody keeps a line. */
  readonly line?: readonly string[] | undefined;
  /** The ticks that `runOnce` completed (rule 10). Absent: none, or all were reset. */
  readonly ticks?: TickWindow | undefined;
  /** The term that completed the latest one. It resolves lost answers. */
  readonly tickTerm?: number | undefined;
  /** The latest reset of ticks by an operator. */
  readonly tickReset?: TickReset | undefined;
  /** The term that ended when this one was acquired, on this very row. Absent if the row was created again. */
  readonly previousTerm?: number | undefined;
  /** How that term ended. */
  readonly previousEndReason?: EndReason | undefined;
  /** The latest transaction that landed on this row, and the last one of the term that committed before it. */
  readonly lastCommit?: Commit | undefined;
  readonly commitBefore?: Commit | undefined;
  /** Only on a session's row: how often others have told its holder to look at a lease row, and at which one last (rule 14h). */
  readonly nudges?: number | undefined;
  readonly nudged?: string | undefined;
}

/** Somebody leads, or has led until it died. */
export interface Held extends TenureRow {
  readonly kind: "held";
  /** The candidate that leads. */
  readonly holder: string;
  /** The session under which it is held: the lease lasts as long as that session (rule 14b). Absent: it runs out by itself. */
  readonly session?: string | undefined;
  /** An operator wants another leader. */
  readonly stepDown?: StepDown | undefined;
  /** A candidate waits for the end of this very term (rule 2m). */
  readonly isAwaited?: boolean | undefined;
  /** Its holder plans to release it (rule 7e). */
  readonly announcement?: AnnouncedEnd | undefined;
  /** Epoch seconds, on a session's row only: each heartbeat puts it off (rule 14a). */
  readonly ttl?: number | undefined;
}

/** The last holder gave it back, or was evicted. */
export interface Vacant extends TenureRow {
  readonly kind: "vacant";
  /** How and when the last tenure ended. Absent on a row that this library did not write. */
  readonly endReason?: EndReason | undefined;
  readonly endedAt?: number | undefined;
  readonly endedErrorMs?: number | undefined;
  /** The evicted holder has seen it, and trusts nothing any more (rule 14h). */
  readonly isAcknowledged?: boolean | undefined;
  /** It is reserved for a candidate or a group. */
  readonly reservation?: Reservation | undefined;
  /** Epoch seconds: from then on the table may delete the row (rule 13). Absent: it stays. */
  readonly ttl?: number | undefined;
}

/** A planned end, announced beforehand (rule 7e). */
export interface AnnouncedEnd {
  /** Below 0 when the moment has passed and the work is still draining. */
  readonly inMs: number;
  readonly to?: string | undefined;
}

/** Keeps the lease for one candidate or one group. It lapses by itself. */
export interface Reservation {
  readonly candidateId?: string | undefined;
  readonly group?: string | undefined;
  readonly forMs: number;
  /** The same end in service time, if that is known. */
  readonly until: number | undefined;
}

/**
 * A transaction that landed. The transactions of a term are numbered from 1 (rule 9), and the id says what was
 * in it.
 */
export interface Commit {
  readonly term: number;
  readonly number: number;
  readonly id: string;
}

export interface StepDown {
  readonly by: string;
  /** The candidate that should come next. */
  readonly to?: string | undefined;
}

/** Drawn at random for each placeholder, so that no late request can have seen its pair before. */
export function placeholderRevision(random: () => number): number {
  return 1 + Math.floor(random() * 2 ** 48);
}

/** The session under which the lease is held. */
export function sessionOf(lease: Lease | undefined): string | undefined {
  return lease?.kind === "held" ? lease.session : undefined;
}

/**
 * Rule 14k. A quiet row is written only when something changes: it is held under a session, and nobody keeps a line. Then its interval
 * is half of its lease (rule 14b); else it is a small part of it.
 */
export function isQuiet(lease: Lease): boolean {
  return sessionOf(lease) !== undefined && lease.renewIntervalMs * 4 > lease.leaseDurationMs;
}

/** Undefined when nobody holds the lease. */
export function holderOf(lease: Lease | undefined): string | undefined {
  return lease?.kind === "held" ? lease.holder : undefined;
}

/** A holder's own tenure. */
export interface OwnTerm {
  readonly candidateId: string;
  readonly term: number;
}

/** Whether this candidate leads in this very term, by the row. */
export function isHeldIn(lease: Lease | undefined, { candidateId, term }: OwnTerm): lease is Held {
  return holderOf(lease) === candidateId && lease?.term === term;
}

/** How the tenure of this row ended, once it has ended. A lease that nobody gave back has run out. */
export function endReasonIn(lease: TermLease): EndReason {
  return (lease.kind === "vacant" ? lease.endReason : undefined) ?? "expired";
}

/** The term whose end this row records. An eviction uses up one more number. */
export function endedTerm(
  lease: Pick<Lease, "kind" | "term"> & { readonly endReason?: EndReason | undefined },
): number {
  const isEvicted = lease.kind === "vacant" && lease.endReason === "evicted";
  return isEvicted && lease.term > 1 ? lease.term - 1 : lease.term;
}
