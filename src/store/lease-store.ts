import type { History } from "../protocol/observation.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  Answer,
  AwaitRequest,
  BuryRequest,
  CandidateRow,
  CommitRequest,
  CrashRequest,
  EvictRequest,
  NudgeRequest,
  OpenRequest,
  PauseRequest,
  PlaceholderRequest,
  Read,
  ReadMany,
  RenewRequest,
  ResignRequest,
  SealRequest,
  StepDownRequest,
  TermRange,
  TermRecord,
  TickResetRequest,
  Transacted,
  Written,
} from "../protocol/verbs.js";
import type { HttpAnswer, SignedRequest } from "./signed-request.js";
import type { Action } from "./transaction.js";

/**
 * The verbs of the protocol (rule 2). Each lease verb is one conditional write: all of it is written, or it is refused,
 * and the refusal returns the row as it is.
 *
 * Verbs reject with `TableUnavailableError` (another try can help), `TableError` (it cannot), `MalformedLeaseError` or
 * `SchemaVersionError`. `signal` aborts the request. Then nobody knows whether it took effect.
 */
export interface LeaseStore {
  read(election: string, how: { consistent: boolean }, signal: AbortSignal): Promise<Read>;
  /**
   * The lease rows of one page (`row-pages.ts`). A name that is missing in the answer has no row, or one that cannot be read:
   * `read` tells which. Rows that the table leaves out because it is busy are asked for again, until `signal` aborts.
   */
  readMany(
    elections: readonly string[],
    how: { consistent: boolean },
    signal: AbortSignal,
  ): Promise<ReadMany>;
  /** The history, and after it the floor: by both terms go on when the lease row is gone. */
  readHistory(election: string, signal: AbortSignal): Promise<Answer & { history: History }>;
  /** Creates a placeholder, if there is no lease row. */
  createPlaceholder(request: PlaceholderRequest, signal: AbortSignal): Promise<Written>;
  /**
   * On a placeholder it also records the new term, and the term that follows history and floor, in one transaction. It is
   * refused without a row if one of these terms was recorded before, or if the floor has changed.
   */
  acquire(request: AcquireRequest, signal: AbortSignal): Promise<Written>;
  renew(request: RenewRequest, signal: AbortSignal): Promise<Written>;
  resign(request: ResignRequest, signal: AbortSignal): Promise<Written>;
  /** A holder's last will: its lease is vacant, with `endReason` `crashed`. */
  crash(request: CrashRequest, signal: AbortSignal): Promise<Written>;
  /** Signs verbs for later. Undefined: this store has no requests that anybody else could send. */
  readonly signer: LeaseSigner | undefined;
  /** Undefined: answers to signed requests come in another way than over HTTP. */
  readonly answers: AnswerReader | undefined;
  /** Tells the holder that a candidate waits. It does not change `revision`. */
  markAwaited(request: AwaitRequest, signal: AbortSignal): Promise<Written>;
  requestStepDown(request: StepDownRequest, signal: AbortSignal): Promise<Written>;
  evict(request: EvictRequest, signal: AbortSignal): Promise<Written>;
  /** Undoes completed ticks, on a vacant row. Conditional on the pair that was seen. */
  resetTicks(request: TickResetRequest, signal: AbortSignal): Promise<Written>;
  /** Conditional on the row that was read, so that a late request cannot undo a newer one. */
  pause(request: PauseRequest, signal: AbortSignal): Promise<Written>;
  /** Opens a session, if there is no row of this name. */
  openSession(request: OpenRequest, signal: AbortSignal): Promise<Written>;
  /** Ends a dead session for ever. Conditional on the pair that was seen. */
  sealSession(request: SealRequest, signal: AbortSignal): Promise<Written>;
  /** Puts a tombstone where a session has no row. */
  burySession(request: BuryRequest, signal: AbortSignal): Promise<Written>;
  /** Tells a session's holder to look at a lease row. It does not change `revision`. */
  nudgeSession(request: NudgeRequest, signal: AbortSignal): Promise<Written>;
  /** Notes on an evicted row that its holder trusts nothing any more. It does not change `revision`. */
  acknowledgeEviction(request: AcknowledgeRequest, signal: AbortSignal): Promise<Written>;
  /**
   * Writes history: that a term began, how one ended, or a reset of ticks. Merges with the row that is there. If it shows a
   * later reset of that term, nothing is written, and that is no error.
   */
  recordTerm(election: string, record: TermRecord, signal: AbortSignal): Promise<Answer>;
  /**
   * Raises the floor of this election's shard until it covers this term, if it does not yet (rule 13a). The term must be one
   * that `floorOver` knows a floor for.
   */
  raiseFloor(election: string, term: number, signal: AbortSignal): Promise<Answer>;
  /** Recorded terms, latest first: at most `limit` of those below `before` and above `after`. */
  readTerms(
    election: string,
    range: TermRange,
    signal: AbortSignal,
  ): Promise<Answer & { terms: readonly TermRecord[] }>;
  /** The next number for a candidate that joins. Each is given once, and some are never used. */
  drawArrival(election: string, signal: AbortSignal): Promise<Answer & { arrival: number }>;
  writeCandidate(election: string, row: CandidateRow, signal: AbortSignal): Promise<Answer>;
  /** Deletes a candidate's row, unless it was refreshed after `heartbeat`. A missing row is no error. */
  deleteCandidate(
    election: string,
    candidate: Pick<CandidateRow, "candidateId" | "heartbeat">,
    signal: AbortSignal,
  ): Promise<Answer>;
  /** All rows, also those of dead candidates. */
  readCandidates(
    election: string,
    signal: AbortSignal,
  ): Promise<Answer & { candidates: readonly CandidateRow[] }>;
  /**
   * Writes all actions, and a mark on the lease row that they are commit `number` of this term. Writes nothing unless
   * the candidate still leads this term and commit `number` - 1 was the last one.
   */
  transact(request: TransactRequest, signal: AbortSignal): Promise<Transacted>;
  /** The names of a table's key attributes. */
  readKeyNames(tableName: string, signal: AbortSignal): Promise<Answer & { names: readonly string[] }>;
}

/** Signs a verb as a request that something else can send, once or more, while the signature is valid. Sends nothing. */
export interface LeaseSigner {
  crash(request: CrashRequest, signal: AbortSignal): Promise<SignedRequest>;
  resign(request: ResignRequest, signal: AbortSignal): Promise<SignedRequest>;
  renew(request: RenewRequest, signal: AbortSignal): Promise<SignedRequest>;
}

/** Reads the answers to signed requests, without the SDK. */
export interface AnswerReader {
  /** The row after a write on the lease row or, if it was refused, the row as it is. Throws as the verbs reject. */
  written(election: string, answer: HttpAnswer): Written;
}

export interface TransactRequest extends CommitRequest {
  /** Empty: only the lease row is written, which uses the number. */
  readonly actions: readonly Action[];
}
