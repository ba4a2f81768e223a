/** What a lease row means. */

/** The lease row. Times in it are epoch milliseconds of service time. */
export interface Lease {
  /** The fencing token: +1 per acquisition, never restarts. 0 only on a placeholder. */
  readonly term: number;
  /** Grows with every write by a holder. Observers watch (`term`, `revision`). */
  readonly revision: number;
  readonly leaseDurationMs: number;
  /** How long after this write its holder means to write the next: followers keep in step with it. */
  readonly renewIntervalMs: number;
  /** The candidate in charge; absent when the lease is vacant. */
  readonly holder?: string | undefined;
  /** Which of the holder's tries took the lease: resolves lost answers. */
  readonly attemptId?: string | undefined;
  /** Absent when its writer had no bound on service time. */
  readonly expiresAt?: number | undefined;
  readonly electedAt?: number | undefined;
  readonly renewedAt?: number | undefined;
  readonly value?: string | undefined;
  readonly stepDown?: StepDown | undefined;
  /** Who comes next if the holder goes: candidates in order, the standby first. Absent: nobody keeps a line. */
  readonly line?: readonly string[] | undefined;
  /**
   * A planned end, announced: how long after this write the holder means to let go; below 0: its work still drains.
   * A day back at most.
   */
  readonly lettingGoInMs?: number | undefined;
  /** Whom it will be reserved for then. */
  readonly lettingGoTo?: string | undefined;
  /** A vacant lease kept for one candidate, or for the candidates of a group … */
  readonly reservedFor?: string | undefined;
  readonly reservedGroup?: string | undefined;
  /** … until this service time; or for so long, by the clock of who observes it. */
  readonly reservedUntil?: number | undefined;
  readonly reservedMs?: number | undefined;
  /** By whom the election is paused: nobody may take the lease, and its holder gives it back. */
  readonly paused?: string | undefined;
  /** +1 with each pause and each resume, so that a late one cannot undo a newer one. Absent counts as 0. */
  readonly pauseRevision?: number | undefined;
  /** The last tick that `runOnce` completed. */
  readonly lastTick?: string | undefined;
  /** The term that completed it: resolves lost answers. */
  readonly lastTickTerm?: number | undefined;
  /** How and when the last tenure was given back; absent while held. */
  readonly endReason?: string | undefined;
  readonly endedAt?: number | undefined;
  /** The term that ended with the acquire of this one, on this very row; absent where the row was made anew. */
  readonly previousTerm?: number | undefined;
  /** The latest transaction that landed on this row, and the last one of the term that committed before it. */
  readonly lastCommit?: Commit | undefined;
  readonly commitBefore?: Commit | undefined;
}

/** A transaction that landed: the transactions of a term are numbered from 1, and its id tells what was in it. */
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
 * A row of term 0 is nobody's and never was: it stands where there was none, so that no term can begin and end
 * unseen while somebody reads in the history where terms go on.
 */
export function isPlaceholder({ term }: Pick<Lease, "term">): boolean {
  return term === 0;
}

/** Drawn anew for each placeholder, so that its pair is one that no late request can have seen. */
export function placeholderRevision(random: () => number): number {
  return 1 + Math.floor(random() * 2 ** 48);
}

export function isVacant(lease: Lease): boolean {
  return lease.holder === undefined;
}

/** A tick is done when a run recorded it, or a later one. Ticks are ordered strings. */
export function isTickDone(lastTick: string | undefined, tick: string): boolean {
  return lastTick !== undefined && lastTick >= tick;
}

/** The term that this row tells the end of: an eviction uses up one more. */
export function endedTerm({ term, endReason, holder }: Lease): number {
  return endReason === "evicted" && holder === undefined && term > 1 ? term - 1 : term;
}
