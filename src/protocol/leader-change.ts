import type { EndReason } from "../errors.js";
import { pastEndReason } from "./end-reason.js";
import { type Leader, leaderOf } from "./leader.js";
import { endedTerm, endReasonIn, type Lease } from "./lease.js";
import type { TermRange, TermRecord } from "./verbs.js";

/** What `observe()` yields: who leads now, and which term ended for it. */
export interface LeaderChange {
  /** Who leads now. Undefined: nobody. */
  readonly leader: Leader | undefined;
  /**
   * The term that ended with this change. Undefined: none did, because it is the first leader, or because only `value` has
   * changed. The first change that is yielded has it if nobody leads.
   */
  readonly ended: EndedTerm | undefined;
}

/** The end of a term. */
export interface EndedTerm {
  readonly term: number;
  readonly candidateId: string;
  /**
   * `crashed`: its last will gave the lease back; `expired`: it died without one, or was cut off; `unknown`: nobody
   * recorded it, or a newer version of this library wrote a reason that this version does not know.
   */
  readonly reason: EndReason;
}

/** What an observer has told so far: the latest term, and its leader while it leads. */
export interface Told {
  readonly term: number;
  readonly leader: Leader | undefined;
}

/** What an observer sees. `leader`: by the row, if its lease has not run out. */
export interface Seen {
  readonly lease: Lease | undefined;
  readonly leader: Leader | undefined;
  /** How the session has ended under which the lease is still held, by the row (rule 14d). */
  readonly sessionEnd?: EndReason | undefined;
}

/** If more leaders than this were missed, only the latest ones are told. */
const MAX_MISSED = 1_000;

/**
 * An end that nobody wrote is only told after a consistent read: an old replica looks the same, and then the term would
 * lead again (rule 7i).
 */
export function mustConfirm(told: Told | undefined, { lease, leader }: Seen): boolean {
  if (lease?.kind === "vacant" || leader) return false;
  const isNew = lease?.kind === "held" && lease.term > (told?.term ?? 0);
  return isNew || told?.leader !== undefined;
}

/** The terms that must be read from history to tell what has changed. Undefined: the row says it all (rule 7i). */
export function missedTerms(told: Told | undefined, { lease, leader }: Seen): TermRange | undefined {
  if (lease === undefined || lease.kind === "placeholder") return undefined;
  const term = endedTerm(lease);
  // A vacant row does not say who held it.
  const before = lease.kind === "vacant" ? term + 1 : term;
  if (told === undefined) return leader ? undefined : rangeOf(term - 1, before);
  const isNext = lease.kind === "held" && lease.previousTerm === told.term;
  if (isNext || term <= told.term) return undefined;
  return rangeOf(told.leader ? told.term - 1 : told.term, before);
}

function rangeOf(after: number, before: number): TermRange | undefined {
  const limit = Math.min(before - after - 1, MAX_MISSED);
  return limit > 0 ? { after, before, limit } : undefined;
}

/** The changes since what was told, in the order of the terms, and what is told then. `past`: the missed terms. */
export function changesSince(
  told: Told | undefined,
  seen: Seen,
  past: readonly TermRecord[],
): { readonly changes: readonly LeaderChange[]; readonly told: Told } {
  const { lease, leader } = seen;
  const isRow = lease !== undefined && lease.kind !== "placeholder";
  const term = isRow ? endedTerm(lease) : (told?.term ?? 0);
  let before = told ? told.leader : leader ? undefined : holderIn(lease, past);
  const changes: LeaderChange[] = [];
  for (const next of leadersSince(told, seen, term, past)) {
    const ended = before && before.term !== next?.term ? endOf(before, seen, past) : undefined;
    const isFirst = told === undefined;
    if (isFirst || ended || newsOf(next) !== newsOf(before)) changes.push({ leader: next, ended });
    before = next;
  }
  return { changes, told: { term, leader: before } };
}

/** Who has led since, and who leads now, in order. Undefined: nobody. */
function leadersSince(
  told: Told | undefined,
  { lease, leader }: Seen,
  term: number,
  past: readonly TermRecord[],
): Array<Leader | undefined> {
  // A term that has ended never leads again, also if a late renewal of its holder lands.
  if (told?.term === term && told.leader === undefined) return [undefined];
  // Below what was told: an older row was put back.
  if (told === undefined || term <= told.term) return [leader];
  const missed = past
    .filter((record) => record.term > told.term && record.term < term)
    .sort((a, b) => a.term - b.term)
    .flatMap((record) => pastLeader(record) ?? []);
  if (leader) return [...missed, leader];
  const dead = holderIn(lease, past);
  return dead ? [...missed, dead, undefined] : [...missed, undefined];
}

/** Who held the latest term of this row. Undefined: the row is gone, or history does not say it. */
function holderIn(lease: Lease | undefined, past: readonly TermRecord[]): Leader | undefined {
  if (lease?.kind !== "vacant") return leaderOf(lease);
  const record = past.find(({ term }) => term === endedTerm(lease));
  return record && pastLeader(record);
}

function pastLeader({
  term,
  holder,
  electedAt,
  lastRenewedAt: renewedAt,
  endedAt,
}: TermRecord): Leader | undefined {
  if (holder === undefined) return undefined;
  const unknown = { value: undefined, standby: undefined };
  return { candidateId: holder, term, electedAt, renewedAt, expiresAt: endedAt, ...unknown };
}

function endOf({ term, candidateId }: Leader, seen: Seen, past: readonly TermRecord[]): EndedTerm {
  return { term, candidateId, reason: reasonOf(term, seen, past) };
}

function reasonOf(term: number, { lease, sessionEnd }: Seen, past: readonly TermRecord[]): EndReason {
  if (lease === undefined || lease.kind === "placeholder") return "deleted";
  const latest = endedTerm(lease);
  if (latest === term) return sessionEnd ?? endReasonIn(lease);
  // Without its row in history only the row of the very next term says it.
  const recorded = past.find((record) => record.term === term);
  const record = recorded ?? (lease.previousTerm === term ? { term } : undefined);
  return (record && pastEndReason(record, lease)) ?? "unknown";
}

/** Two leaders with the same news are not told twice. */
function newsOf(leader: Leader | undefined): string {
  return JSON.stringify([leader?.term, leader?.candidateId, leader?.value]);
}
