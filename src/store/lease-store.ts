import type { ActionRefusal, EndReason } from "../errors.js";
import type { Lease } from "../lease.js";
import type { Candidate } from "../line.js";
import type { History } from "../sighting.js";
import type { Basis } from "../takeover.js";
import type { Action } from "./attributes.js";

/**
 * The verbs of the protocol. Each lease verb is one conditional write: it happens as a whole or is
 * refused, and a refusal brings the row as it stands.
 *
 * Verbs reject with `TableUnavailableError` (try again), `TableError` (do not) or `MalformedLeaseError`.
 * `signal` aborts the request; whether it then took effect is unknown.
 */
export interface LeaseStore {
  read(election: string, how: { consistent: boolean }, signal: AbortSignal): Promise<Read>;
  /** Where terms must go on when the lease row is gone. */
  readHistory(election: string, signal: AbortSignal): Promise<Answer & { history: History }>;
  /** Makes a placeholder, if there is no lease row. */
  holdPlace(request: HoldPlaceRequest, signal: AbortSignal): Promise<Written>;
  /**
   * With a basis for founding also records the term, in one transaction, and that terms after the history's are used;
   * refused without a row if one of them was used before.
   */
  acquire(request: AcquireRequest, signal: AbortSignal): Promise<Written>;
  renew(request: RenewRequest, signal: AbortSignal): Promise<Written>;
  resign(request: ResignRequest, signal: AbortSignal): Promise<Written>;
  requestStepDown(request: StepDownRequest, signal: AbortSignal): Promise<Written>;
  evict(request: EvictRequest, signal: AbortSignal): Promise<Written>;
  /** Only on the row as it was seen, so that one that comes late cannot undo a newer one. */
  pause(request: PauseRequest, signal: AbortSignal): Promise<Written>;
  /** Writes history: a term that began, or what became of one that ended. Merges with what is there. */
  recordTerm(election: string, record: TermRecord, signal: AbortSignal): Promise<Answer>;
  /** Recorded terms, latest first: at most `limit` of those up to `before` (exclusive), after `after` (exclusive). */
  readTerms(
    election: string,
    range: TermRange,
    signal: AbortSignal,
  ): Promise<Answer & { terms: readonly TermRecord[] }>;
  /** The next number of those who join. Each is given once; some are never used. */
  drawSeq(election: string, signal: AbortSignal): Promise<Answer & { seq: number }>;
  writeCandidate(election: string, row: CandidateRow, signal: AbortSignal): Promise<Answer>;
  /** Deletes a candidate's row, unless it was refreshed after `beat`. A row that is not there is no error. */
  deleteCandidate(
    election: string,
    candidate: Pick<CandidateRow, "candidateId" | "beat">,
    signal: AbortSignal,
  ): Promise<Answer>;
  /** All rows, of the dead too. */
  readCandidates(
    election: string,
    signal: AbortSignal,
  ): Promise<Answer & { candidates: readonly CandidateRow[] }>;
  /**
   * All actions, and the mark on the lease row that they are commit `number` of this term; or nothing, unless the
   * candidate still leads the term and the commit before was the last to land.
   */
  transact(request: TransactRequest, signal: AbortSignal): Promise<Transacted>;
  /** The names of a table's key attributes. */
  readKeyNames(tableName: string, signal: AbortSignal): Promise<Answer & { names: readonly string[] }>;
}

export interface Answer {
  /** The answer's `Date` header, epoch milliseconds. */
  readonly dateMs?: number | undefined;
}

export type Read = Answer & { readonly lease: Lease | undefined };

/** The row after the write, or, when it was refused, as it stands (undefined: there is none). */
export type Written = Answer &
  (
    | { readonly done: true; readonly lease: Lease }
    | { readonly done: false; readonly lease: Lease | undefined }
  );

export interface HoldPlaceRequest {
  readonly election: string;
  /** Drawn at random: the placeholder's pair is one that no late request can have seen. */
  readonly revision: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
}

export interface AcquireRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly attemptId: string;
  /** What was seen: refused if it is no longer so. */
  readonly basis: Basis;
  /** The term to begin: above the one that was seen, and above every one that this candidate has ever seen. */
  readonly term: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly value: string | undefined;
  readonly expiresAt: number | undefined;
  /** Service time, best guess. */
  readonly at: number | undefined;
}

export interface RenewRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  /** Greater than any revision this holder has tried, so that the row tells which try landed. */
  readonly revision: number;
  /** Time from this write to the next renewal. */
  readonly renewIntervalMs: number;
  readonly value: string | undefined;
  readonly expiresAt: number | undefined;
  readonly at: number | undefined;
  /** Undefined: as it was. */
  readonly line?: readonly string[] | undefined;
  /** Undefined: no end is planned. */
  readonly lettingGo?: LettingGo | undefined;
}

/** A planned end, told beforehand. */
export interface LettingGo {
  /** Below 0 when the moment is over, and the work still drains. */
  readonly inMs: number;
  readonly to?: string | undefined;
}

export interface ResignRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  readonly revision: number;
  readonly reason: EndReason;
  readonly at: number | undefined;
  /** Recorded in the same write: the tick whose run succeeded. */
  readonly tick?: string | undefined;
  readonly reservation?: Reservation | undefined;
}

/** For one candidate or one group. It lapses by itself. */
export interface Reservation {
  readonly candidateId?: string | undefined;
  readonly group?: string | undefined;
  readonly forMs: number;
  /** The same by service time, if that is known. */
  readonly until: number | undefined;
}

export interface StepDownRequest {
  readonly election: string;
  readonly term: number;
  readonly by: string;
  readonly to?: string | undefined;
}

/** `by` undefined: the election goes on. */
export interface PauseRequest {
  readonly election: string;
  readonly by: string | undefined;
  /** The row as it was seen: one that was made anew after a deletion is another, though its number may be the same. */
  readonly seen: Pick<Lease, "term" | "revision" | "pauseRevision">;
}

export interface EvictRequest {
  readonly election: string;
  readonly term: number;
  readonly at: number | undefined;
}

export interface TermRecord {
  readonly term: number;
  readonly holder?: string | undefined;
  readonly leaseDurationMs?: number | undefined;
  readonly electedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly endReason?: string | undefined;
  readonly lastRenewedAt?: number | undefined;
  /** The last tick completed when it began. */
  readonly lastTickBefore?: string | undefined;
  /** The tick that it completed. */
  readonly lastTick?: string | undefined;
  /** Epoch seconds; only on terms that a later, recorded term has followed. */
  readonly ttl?: number | undefined;
}

export interface TermRange {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

/** What a candidate tells of itself. */
export interface CandidateRow extends Candidate {
  /** +1 with every refresh, one of which is due each `refreshMs`. */
  readonly beat: number;
  readonly refreshMs: number;
  /** Service time from which it counts as dead. */
  readonly expiresAt?: number | undefined;
  /** Epoch seconds. */
  readonly ttl?: number | undefined;
}

export interface TransactRequest {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  /** None: a write of the lease row alone, which uses up the number. */
  readonly actions: readonly Action[];
  readonly commit: CommitMark;
}

/** A transaction's place among those of its term, from 1, and the name of what is in it. */
export interface CommitMark {
  readonly number: number;
  readonly id: string;
}

export type Transacted = Answer &
  (
    | { readonly done: true }
    /**
     * The lease row held it back; `lease` is that row as it stands. `attempts`: how often the request went over the
     * network, where that is known.
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
