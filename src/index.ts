export type { ElectionOptions, LeadOptions, RunOnceOptions, RunOnceResult, Signalled } from "./calls.js";
export { type Clock, type Instant, systemClock } from "./clock.js";
export { Election } from "./election.js";
export {
  type ActionRefusal,
  AlreadyCampaigningError,
  type EndReason,
  FencedOutError,
  IncumbentError,
  InvalidOptionError,
  LeaseLostError,
  MalformedLeaseError,
  TableError,
  TableUnavailableError,
  TransactionRefusedError,
  TransactionUnknownError,
} from "./errors.js";
export type { ElectionEvent, ResignOutcome } from "./events.js";
export type { GuardInput, TransactionAction } from "./fencing.js";
export type { Leader } from "./leader.js";
export type { Leadership, ResignOptions, TransactOptions } from "./leadership.js";
export type { Candidate, CompareCandidates, Order } from "./line.js";
export { type Asked, Operator, type OperatorOptions } from "./operator.js";
export type { ListedCandidate, PastLeader } from "./records.js";
export type { Work } from "./serving.js";
