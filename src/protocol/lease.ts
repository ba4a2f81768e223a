/** What a lease row means. */

/** The lease row. Times in it are epoch milliseconds of service time. */
export interface Lease {
  /** The fencing token: +1 per acquisition, never restarts. 0 only on a placeholder. */
  readonly term: number;
  /** Grows with every write by a holder. Observers watch (`term`, `revision`). */
  readonly revision: number;
  readonly leaseDurationMs: number;
  /**
   * How long after this write its holder means to write the next one, so that followers can poll in step (rule
   * 1c).
   */
  readonly renewIntervalMs: number;
  /** The candidate that leads. Absent when the lease is vacant. */
  readonly holder?: string | undefined;
  /** Which of the holder's tries took the lease: resolves lost answers. */
  readonly attemptId?: string | undefined;
  /** Absent when its writer had no bound on service time. */
  readonly expiresAt?: number | undefined;
  readonly electedAt?: number | undefined;
  readonly renewedAt?: number | undefined;
  readonly value?: string | undefined;
  readonly stepDown?: StepDown | undefined;
  /** The candidates that come next, the standby first. Absent: nobody keeps a line. */
  readonly line?: readonly string[] | undefined;
  /** Its holder plans to release it (rule 7e). */
  readonly announcement?: AnnouncedEnd | undefined;
  /** A vacant lease is kept for somebody. */
  readonly reservation?: Reservation | undefined;
  /** Who paused the election: nobody may take the lease, and its holder gives it back (rule 7h). */
  readonly pausedBy?: string | undefined;
  /** +1 with each pause and each resume, so that a late one cannot undo a newer one. Absent counts as 0. */
  readonly pauseRevision?: number | undefined;
  /** The last tick that `runOnce` completed. */
  readonly lastTick?: string | undefined;
  /** The term that completed it: resolves lost answers. */
  readonly lastTickTerm?: number | undefined;
  /** How and when the last tenure was given back; absent while held. */
  readonly endReason?: string | undefined;
  readonly endedAt?: number | undefined;
  /** The term that ended when this one was acquired, on this very row. Absent where the row was made anew. */
  readonly previousTerm?: number | undefined;
  /** The latest transaction that landed on this row, and the last one of the term that committed before it. */
  readonly lastCommit?: Commit | undefined;
  readonly commitBefore?: Commit | undefined;
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

/**
 * A row of term 0 never had a holder. It stands where there was no row, so that no term can begin and end
 * unseen while a candidate reads in the history where terms go on (rule 5a).
 */
export function isPlaceholder({ term }: Pick<Lease, "term">): boolean {
  return term === 0;
}

/** Drawn at random for each placeholder, so that no late request can have seen its pair before. */
export function placeholderRevision(random: () => number): number {
  return 1 + Math.floor(random() * 2 ** 48);
}

export function isVacant(lease: Lease): boolean {
  return lease.holder === undefined;
}

/** A tick is done when a run recorded it, or a later one. Ticks are strings that sort in order of time. */
export function isTickDone(lastTick: string | undefined, tick: string): boolean {
  return lastTick !== undefined && lastTick >= tick;
}

/** The term whose end this row records. An eviction uses up one more number. */
export function endedTerm({ term, endReason, holder }: Lease): number {
  return endReason === "evicted" && holder === undefined && term > 1 ? term - 1 : term;
}
