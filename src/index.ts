export { type Clock, type Instant, systemClock } from "./clock.js";
export { Election, type ElectionOptions, type RunOnceResult, type Signalled, type Work } from "./election.js";
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
export type { Leadership } from "./leadership.js";
export type { Leader } from "./observer.js";
