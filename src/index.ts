export { type Clock, type Instant, systemClock } from "./clock.js";
export { Election } from "./election.js";
export { IncumbentError } from "./error-base.js";
export {
  type ActionRefusal,
  AlreadyCampaigningError,
  type EndReason,
  FencedOutError,
  InternalError,
  InvalidOptionError,
  LeaseHeldError,
  LeaseLostError,
  SessionClosedError,
  TableError,
  TableUnavailableError,
  TransactionRefusedError,
  TransactionUnknownError,
  WorkNotStoppedError,
} from "./errors.js";
export type { ElectionEvent, ResignOutcome } from "./events.js";
export type { Leadership, ResignOptions, TransactOptions } from "./leader/leadership.js";
export type { Work } from "./leader/run-work.js";
export { type Asked, Operator, type OperatorOptions, type ResetTicks } from "./operator.js";
export type {
  ElectionOptions,
  HistoryOptions,
  LeadOptions,
  LineSuccession,
  OwnTuning,
  RankSuccession,
  RunOnceOptions,
  RunOnceResult,
  Runtime,
  SessionHandle,
  Signalled,
  Succession,
  TryLeadOptions,
  TryLeadResult,
  Tuning,
  UnderSessionOptions,
} from "./options.js";
export type {
  GroupOptions,
  MemberOptions,
  PartitionsOptions,
  RunOptions,
  SessionMemberOptions,
} from "./partitions/options.js";
export { type PartitionOwner, Partitions } from "./partitions/partitions.js";
export type { Leader } from "./protocol/leader.js";
export type { EndedTerm, LeaderChange } from "./protocol/leader-change.js";
export type { Candidate, CompareCandidates } from "./protocol/line.js";
export type { Role } from "./protocol/role.js";
export type { TermTimes } from "./protocol/term-times.js";
export type { Tick } from "./protocol/tick-form.js";
export { MalformedLeaseError, SchemaVersionError } from "./row-errors.js";
export type { SessionOptions, SessionTuning } from "./session/options.js";
export { Session } from "./session/session.js";
export type { GuardInput, TransactionAction } from "./store/fencing.js";
export type { ListedCandidate, PastLeader, PastTickReset } from "./views/history.js";
