import type { EndReason } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { pastEndReason } from "../protocol/end-reason.js";
import { hasSurelyPassed } from "../protocol/expiry.js";
import { endedTerm, type Held, type Lease, sessionOf } from "../protocol/lease.js";
import type { Candidate } from "../protocol/line.js";
import { aliveMembers, updateMembership } from "../protocol/membership.js";
import { type Role, roleOf } from "../protocol/role.js";
import { consistentTimes, type RecordedTerm, type TermTimes } from "../protocol/term-times.js";
import { lastTickOf } from "../protocol/ticks.js";
import { type SessionEnd, type Standing, standing } from "../protocol/under-session.js";
import type { TermRecord } from "../protocol/verbs.js";

/** A candidate, by its own row and the lease row. */
export interface ListedCandidate extends Candidate {
  /** Its role, by the lease row. */
  readonly role: Role;
}

/** One term of the past, for people. A term never ends after the next one begins. */
export interface PastLeader extends TermTimes {
  readonly term: number;
  readonly candidateId: string;
  /**
   * `crashed`: its last will gave the lease back; `expired`: it died without one, or was cut off; `unknown`: a newer version
   * of this library wrote a reason that this version does not know. Undefined: it still leads, or its successor has not recorded it.
   */
  readonly endReason: EndReason | undefined;
  /**
   * An operator reset the completed ticks after this term. `to`: the tick that was the last one from then on; undefined:
   * there was none. Undefined: nobody did.
   */
  readonly tickReset: PastTickReset | undefined;
  /**
   * The times as the candidates wrote them, for audits. Each candidate estimates the table's clock for itself, so an end
   * can be later here than the next election, by the sum of the two errors at most.
   */
  readonly recorded: TermTimes;
}

/** A reset of completed ticks. */
export interface PastTickReset {
  readonly by: string;
  readonly at: number | undefined;
  readonly to: string | undefined;
}

/** Reads the rows beside the lease, for people. No decision depends on them. */
export class HistoryView {
  constructor(private readonly client: LeaseClient) {}

  async candidates(signal?: AbortSignal): Promise<ListedCandidate[]> {
    const { answer } = await this.client.look(true, signal);
    return this.candidatesBeside(answer.lease, signal);
  }

  async history(limit: number, signal?: AbortSignal): Promise<PastLeader[]> {
    return this.historyBeside(await this.standing(signal), limit, signal);
  }

  /** The lease, which the other rows are shown with, and how it stands by its session. */
  async standing(signal?: AbortSignal): Promise<Standing> {
    const { lease } = (await this.client.look(true, signal)).answer;
    const id = sessionOf(lease);
    const session = id === undefined ? undefined : await this.client.readSession(id, true, signal);
    return standing(lease, session?.answer.lease);
  }

  async candidatesBeside(lease: Lease | undefined, signal?: AbortSignal): Promise<ListedCandidate[]> {
    const { answer, received } = await this.client.readCandidates(signal);
    const membership = updateMembership(new Map(), answer.candidates, received.monotonicMs);
    return aliveMembers(membership, received, this.client.time.headers)
      .sort((a, b) => a.arrival - b.arrival)
      .map(({ candidateId, label, arrival, rank, eligible, group, value }) => {
        const role = roleOf(lease, candidateId, eligible);
        return { candidateId, label, arrival, rank, eligible, group, value, role };
      });
  }

  async historyBeside({ lease, over }: Standing, limit: number, signal?: AbortSignal): Promise<PastLeader[]> {
    // One more: its end narrows the time of the next election.
    const { terms } = (await this.client.readTerms({ limit: limit + 1 }, signal)).answer;
    const held = lease?.kind === "held" ? lease : undefined;
    const hasRunOut = hasSurelyPassed(held?.expiresAt, this.client.time.now(), this.client.time.headers);
    const end = over ?? (hasRunOut ? { reason: "expired" as const, at: held?.expiresAt } : undefined);
    const isRecorded = held === undefined || terms.some(({ term }) => term === held.term);
    const known = isRecorded ? terms : [{ ...held, tickReset: undefined }, ...terms];
    const past = known.flatMap((record) => pastTerm(record, lease, end) ?? []).reverse();
    const times = consistentTimes(past);
    return past
      .map((term, i) => pastLeader(term, times[i] as TermTimes))
      .reverse()
      .slice(0, limit);
  }
}

/** A term as it is recorded, in history or on the lease row. */
interface PastTerm extends RecordedTerm {
  readonly term: number;
  readonly candidateId: string;
  readonly tickReset: PastTickReset | undefined;
}

/**
 * The end of the latest term stands on the lease row until the next term has begun. `end`: how a term ended that nobody gave
 * back, and that is on the row. If a term is not the latest and nobody recorded its end, it was not given back.
 */
function pastTerm(
  record: TermRecord | (Omit<Held, "tickReset"> & { tickReset: undefined }),
  lease: Lease | undefined,
  end: Partial<SessionEnd> | undefined,
): PastTerm | undefined {
  const { term, holder: candidateId, electedAt, electedErrorMs, leaseDurationMs } = record;
  if (candidateId === undefined) return undefined;
  const tickReset = tickResetAfter(record, lease);
  const known = { term, candidateId, electedAt, electedErrorMs, leaseDurationMs, tickReset };
  if (lease === undefined || lease.kind === "placeholder" || endedTerm(lease) !== term) {
    const endReason = pastEndReason(record as TermRecord, lease);
    const { lastRenewedAt, lastRenewedErrorMs, endedAt, endedErrorMs } = record as TermRecord;
    return { ...known, lastRenewedAt, lastRenewedErrorMs, endedAt, endedErrorMs, endReason };
  }
  const { renewedAt: lastRenewedAt, renewedErrorMs: lastRenewedErrorMs } = lease;
  const renewed = { ...known, leaseDurationMs: lease.leaseDurationMs, lastRenewedAt, lastRenewedErrorMs };
  if (lease.kind === "vacant") {
    const { endedErrorMs, endReason, expiresAt } = lease;
    // A last will says no time. It was executed before the lease had run out.
    const endedAt = lease.endedAt ?? (endReason === "crashed" ? expiresAt : undefined);
    return { ...renewed, endedAt, endedErrorMs, endReason };
  }
  return { ...renewed, endedAt: end?.at, endedErrorMs: end?.errorMs, endReason: end?.reason };
}

function pastLeader(
  { term, candidateId, endReason, tickReset, ...written }: PastTerm,
  times: TermTimes,
): PastLeader {
  const { electedAt, electedErrorMs, lastRenewedAt, lastRenewedErrorMs, endedAt, endedErrorMs } = written;
  const renewed = { lastRenewedAt, lastRenewedErrorMs };
  const recorded = { electedAt, electedErrorMs, ...renewed, endedAt, endedErrorMs };
  return { term, candidateId, ...times, endReason, tickReset, recorded };
}

/** The lease row shows it first, and the operator records it then. */
function tickResetAfter(
  { term, tickReset: recorded }: Pick<TermRecord, "term" | "tickReset">,
  lease: Lease | undefined,
): PastTickReset | undefined {
  if (recorded) return { by: recorded.by, at: recorded.at, to: recorded.to };
  const { tickReset, ticks } = lease?.kind === "vacant" ? lease : {};
  if (tickReset?.term !== term || tickReset.by === undefined) return undefined;
  return { by: tickReset.by, at: tickReset.at, to: lastTickOf(ticks) };
}
