import type { History } from "../protocol/observation.js";
import type {
  AcquireRequest,
  Answer,
  CandidateRow,
  CommitRequest,
  EvictRequest,
  PauseRequest,
  PlaceholderRequest,
  Read,
  RenewRequest,
  ResignRequest,
  StepDownRequest,
  TermRange,
  TermRecord,
  Transacted,
  Written,
} from "../protocol/verbs.js";
import type { Action } from "./transaction.js";

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
  createPlaceholder(request: PlaceholderRequest, signal: AbortSignal): Promise<Written>;
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
  drawArrival(election: string, signal: AbortSignal): Promise<Answer & { arrival: number }>;
  writeCandidate(election: string, row: CandidateRow, signal: AbortSignal): Promise<Answer>;
  /** Deletes a candidate's row, unless it was refreshed after `heartbeat`. A row that is not there is no error. */
  deleteCandidate(
    election: string,
    candidate: Pick<CandidateRow, "candidateId" | "heartbeat">,
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

export interface TransactRequest extends CommitRequest {
  /** None: a write of the lease row alone, which uses up the number. */
  readonly actions: readonly Action[];
}
