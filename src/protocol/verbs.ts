import type { ActionRefusal, EndReason } from "../errors.js";
import type { AnnouncedEnd, Lease, Reservation, Vacant } from "./lease.js";
import type { Candidate } from "./line.js";
import type { Basis } from "./move.js";
import type { RecordedTimes } from "./term-times.js";
import type { TermTicks, TickWindow } from "./ticks.js";

/** Requests and answers of the store's verbs (rule 2). */

export interface Answer {
  /** The answer's `Date` header, epoch milliseconds. */
  readonly dateMs?: number | undefined;
}

export type Read = Answer & { readonly lease: Lease | undefined };

/**
 * The row after the write. When the write was refused: the row as it stands, or undefined when there is none.
 */
export type Written<L extends Lease = Lease> = Answer &
  ({ readonly done: true; readonly lease: L } | { readonly done: false; readonly lease: Lease | undefined });

export interface PlaceholderRequest {
  readonly election: string;
  /** Drawn at random, so that no late request can have seen the placeholder's pair before. */
  readonly revision: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
}

export interface AcquireRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly attemptId: string;
  /** What was seen. Refused if the row has changed since. */
  readonly basis: Basis;
  /** The term to begin: above the one that was seen, and above every one that this candidate has ever seen. */
  readonly term: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly value: string | undefined;
  readonly expiresAt: number | undefined;
  /** The best estimate of service time. */
  readonly at: number | undefined;
  /** How far the true time may be from `at`. */
  readonly atErrorMs?: number | undefined;
  /** The session under which the lease is held. Its row has no `expiresAt` of its own (rule 14b). Undefined: none. */
  readonly session?: string | undefined;
}

export interface RenewRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  /** Greater than any revision that this holder has tried, so that the row tells which try landed (rule 3b). */
  readonly revision: number;
  /** Time from this write to the next renewal. */
  readonly renewIntervalMs: number;
  readonly value: string | undefined;
  readonly expiresAt: number | undefined;
  readonly at: number | undefined;
  /** How far the true time may be from `at`. */
  readonly atErrorMs?: number | undefined;
  /** Undefined: the row keeps its line. */
  readonly line?: readonly string[] | undefined;
  /** Undefined: no end is planned. */
  readonly announcement?: AnnouncedEnd | undefined;
  /** It was signed ahead, so it is refused where it would put `expiresAt` back (rule 12b). */
  readonly isStandIn?: boolean | undefined;
  /** Epoch seconds, on a session's row only: long after its session must have ended (rule 14a). Undefined: it stays as it is. */
  readonly ttl?: number | undefined;
}

export interface ResignRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  readonly revision: number;
  readonly reason: EndReason;
  readonly at: number | undefined;
  /** How far the true time may be from `at`. */
  readonly atErrorMs?: number | undefined;
  /** The completed ticks, with the one of this run. Undefined: they stay as they are. */
  readonly ticks?: TickWindow | undefined;
  readonly reservation?: Reservation | undefined;
  /** Epoch seconds: from then on the table may delete the row (rule 13). A paused row refuses it. Undefined: the row stays. */
  readonly ttl?: number | undefined;
}

/**
 * The last will of a holder (rule 2n). It is written and signed while the holder lives, so it knows neither the time nor
 * the revision of the row on which it will land.
 */
export interface CrashRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
}

export interface StepDownRequest {
  readonly election: string;
  readonly term: number;
  readonly by: string;
  readonly to?: string | undefined;
}

/** A candidate waits for the end of this term. */
export interface AwaitRequest {
  readonly election: string;
  readonly term: number;
}

/** `by` undefined: resume. */
export interface PauseRequest {
  readonly election: string;
  readonly by: string | undefined;
  /**
   * The row as it was seen. A row that was made anew after a deletion is another one, though its number may be
   * the same.
   */
  readonly seen: Pick<Lease, "kind" | "term" | "revision" | "pauseRevision">;
}

export interface EvictRequest {
  readonly election: string;
  readonly term: number;
  readonly at: number | undefined;
  /** How far the true time may be from `at`. */
  readonly atErrorMs?: number | undefined;
}

/** Undoes completed ticks. Conditional on the pair that was seen, on a vacant row (rule 10d). */
export interface TickResetRequest {
  readonly election: string;
  readonly seen: Pick<Vacant, "kind" | "term" | "revision" | "endReason">;
  readonly by: string;
  readonly at: number | undefined;
  /** Random. The same for each try, so that the row tells whether one of them landed (rule 3d). */
  readonly id: string;
  /** The last completed tick from now on. Undefined: there is none. */
  readonly to: string | undefined;
}

/** Opens a session, if there is no row of this name (rule 14a). */
export interface OpenRequest {
  /** The row's name. */
  readonly election: string;
  /** The session's id. */
  readonly candidateId: string;
  readonly attemptId: string;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly expiresAt: number | undefined;
  readonly at: number | undefined;
  /** How far the true time may be from `at`. */
  readonly atErrorMs?: number | undefined;
  /** Epoch seconds. */
  readonly ttl?: number | undefined;
}

/** Ends a dead session for ever. Conditional on the pair that was seen, and on there being a holder (rule 14d). */
export interface SealRequest {
  readonly election: string;
  readonly seen: Pick<Lease, "term" | "revision">;
  readonly at: number | undefined;
  readonly atErrorMs?: number | undefined;
  /** Epoch seconds. */
  readonly ttl: number | undefined;
}

/** Puts a tombstone where a session's row is missing (rule 14e). */
export interface BuryRequest {
  readonly election: string;
  /** Drawn at random, so that no late request can have seen the tombstone's pair before. */
  readonly revision: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  /** Epoch seconds. */
  readonly ttl: number | undefined;
}

/** Tells a session's holder to look at a lease row (rule 14h). */
export interface NudgeRequest {
  readonly election: string;
  /** The election of that lease row. */
  readonly name: string;
}

/** An evicted holder trusts nothing any more, and its work has stopped (rule 14h). */
export interface AcknowledgeRequest {
  readonly election: string;
  /** The term that was evicted. */
  readonly term: number;
}

/** The rows by election. A name that is missing here has no row, or one that cannot be read: `read` tells which. */
export type ReadMany = Answer & { readonly leases: ReadonlyMap<string, Lease> };

export interface TermRecord extends RecordedTimes, TermTicks {
  readonly holder?: string | undefined;
  readonly leaseDurationMs?: number | undefined;
  readonly endReason?: EndReason | undefined;
  /** Epoch seconds; only on terms that a later, recorded term has followed, or that a floor covers (rule 13). */
  readonly ttl?: number | undefined;
}

export interface TermRange {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

/** A candidate's own row (rule 7a). */
export interface CandidateRow extends Candidate {
  /** +1 with every refresh. A refresh is due every `refreshIntervalMs`. */
  readonly heartbeat: number;
  readonly refreshIntervalMs: number;
  /** Of a member of a partition group: what it takes and what it holds, as text. */
  readonly partitions?: string | undefined;
  /** From this service time on it counts as dead. */
  readonly expiresAt?: number | undefined;
  /** Epoch seconds. */
  readonly ttl?: number | undefined;
}

/** A transaction as the lease row sees it. */
export interface CommitRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  readonly commit: CommitMark;
}

/** A transaction's number among those of its term, from 1, and the id of its content (rule 9a). */
export interface CommitMark {
  readonly number: number;
  readonly id: string;
}

export type Transacted = Answer &
  (
    | { readonly done: true }
    /**
     * The lease row refused it; `lease` is that row as it stands. `attempts`: how often the request went over
     * the network, where that is known.
     */
    | {
        readonly done: false;
        readonly fenced: true;
        readonly lease: Lease | undefined;
        readonly attempts?: number | undefined;
      }
    /** Refused as a whole; one entry per action, in order. */
    | { readonly done: false; readonly fenced: false; readonly refusals: readonly ActionRefusal[] }
  );
