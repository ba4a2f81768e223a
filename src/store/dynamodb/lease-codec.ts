import {
  MAX_CANDIDATE_TEXT,
  MAX_LEASE_MS,
  MAX_RESERVATION_MS,
  MAX_TERM,
  MAX_TICKS,
  MIN_RELEASE_IN_MS,
} from "../../limits.js";
import { endReasonOf } from "../../protocol/end-reason.js";
import type {
  AnnouncedEnd,
  Commit,
  Lease,
  LeaseRow,
  Reservation,
  StepDown,
  TenureRow,
} from "../../protocol/lease.js";
import { isKnown } from "../../protocol/schema-version.js";
import { isSessionRow } from "../../protocol/sessions.js";
import { isNormalTick } from "../../protocol/tick-form.js";
import { isWindow, lastTickOf, type TickReset, type TickWindow } from "../../protocol/ticks.js";
import type { AcquireRequest, CandidateRow } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import { CANDIDATE_SORT_KEY_PREFIX, LEASE_SORT_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../schema.js";
import type { Facts } from "./facts.js";
import { kindOf, numberOf, Row, textOf } from "./row.js";

/** Converts rows between DynamoDB's attributes and ours. Rows can come from anywhere, so each is checked. */

export function toLease(election: string, item: Item): Lease {
  const row = new Row(election, LEASE_SORT_KEY, item);
  row.checkVersion();
  const term = row.integer("term", 0, MAX_TERM);
  const holder = row.text("holder");
  const common = toLeaseRow(row);
  // Every attribute is checked, also those that say nothing in this state: a row is as we write it, or refused.
  const ofTerm = { ...common, ...toTenureRow(row), term };
  const isAwaited = row.optionalInteger("awaitedTerm", 1) === term || undefined;
  const ttl = numberOf(item[TTL_ATTRIBUTE]);
  const ofHolder = {
    session: row.text("session"),
    stepDown: toStepDown(row),
    announcement: toAnnouncement(row),
    isAwaited,
    // On an election's row it would mean nothing while somebody holds it.
    ttl: isSessionRow(election) ? ttl : undefined,
  };
  const ofEnd = {
    endReason: endReasonOf(row.text("endReason")),
    endedAt: row.optionalInteger("endedAt", 0),
    endedErrorMs: row.optionalInteger("endedErrorMs", 0),
    isAcknowledged: row.optionalInteger("acknowledgedTerm", 1) === term - 1 || undefined,
    reservation: toReservation(row, common.leaseDurationMs),
    ttl,
  };
  if (holder === undefined) {
    return term === 0 ? { ...common, kind: "placeholder", term } : { ...ofTerm, ...ofEnd, kind: "vacant" };
  }
  if (term > 0) return { ...ofTerm, ...ofHolder, kind: "held", holder };
  throw row.malformed("holder", "must be left out on a row of term 0", kindOf(item.holder), undefined);
}

function toLeaseRow(row: Row): LeaseRow {
  const leaseDurationMs = row.integer("leaseDurationMs", 1, MAX_LEASE_MS);
  return {
    revision: row.integer("revision", 1),
    leaseDurationMs,
    renewIntervalMs:
      row.optionalInteger("renewIntervalMs", 1, MAX_LEASE_MS) ?? Math.ceil(leaseDurationMs / 3),
    pausedBy: row.text("pausedBy"),
    pauseRevision: row.optionalInteger("pauseRevision", 1),
  };
}

function toTenureRow(row: Row): Omit<TenureRow, "term" | keyof LeaseRow> {
  return {
    attemptId: row.text("attemptId"),
    expiresAt: row.optionalInteger("expiresAt", 0),
    electedAt: row.optionalInteger("electedAt", 0),
    electedErrorMs: row.optionalInteger("electedErrorMs", 0),
    renewedAt: row.optionalInteger("renewedAt", 0),
    renewedErrorMs: row.optionalInteger("renewedErrorMs", 0),
    value: row.text("value"),
    line: row.texts("line"),
    ticks: toTicks(row),
    tickTerm: row.optionalInteger("tickTerm", 1),
    tickReset: toTickReset(row),
    previousTerm: row.optionalInteger("previousTerm", 1),
    previousEndReason: endReasonOf(row.text("previousEndReason")),
    lastCommit: toCommit(row, ["commitTerm", "commitNumber", "commitId"]),
    nudges: row.optionalInteger("nudges", 1),
    nudged: row.text("nudged"),
    commitBefore: toCommit(row, ["previousCommitTerm", "previousCommitNumber", "previousCommitId"]),
  };
}

function toTicks(row: Row): TickWindow | undefined {
  const floor = row.tick("tickFloor");
  const completed = row.texts("ticks") ?? [];
  const window = { floor, completed };
  if (!completed.every(isNormalTick) || !isWindow(window)) {
    const rule = `must be at most ${MAX_TICKS} ticks as this library writes them, in order and after \`tickFloor\``;
    throw row.malformed("ticks", rule, "L of something else", { L: [{ S: "2026-01-31" }] });
  }
  return lastTickOf(window) === undefined ? undefined : window;
}

function toTickReset(row: Row): TickReset | undefined {
  const term = row.optionalInteger("tickResetTerm", 1);
  const by = row.text("tickResetBy");
  const at = row.optionalInteger("tickResetAt", 0);
  const id = row.text("tickResetId");
  return term === undefined ? undefined : { term, by, at, id };
}

/** What a row says of completed ticks. `undefined` removes what was there. */
export function ofTicks(window: TickWindow | undefined): Facts {
  const { floor, completed = [] } = window ?? {};
  return { tickFloor: floor, ticks: completed.length > 0 ? completed : undefined };
}

function toStepDown(row: Row): StepDown | undefined {
  return row.has("stepDownBy") ? { by: row.text("stepDownBy") ?? "", to: row.text("stepDownTo") } : undefined;
}

function toAnnouncement(row: Row): AnnouncedEnd | undefined {
  const inMs = row.optionalInteger("releaseInMs", MIN_RELEASE_IN_MS);
  return inMs === undefined ? undefined : { inMs, to: row.text("releaseTo") };
}

function toReservation(row: Row, leaseDurationMs: number): Reservation | undefined {
  const candidateId = row.text("reservedForCandidate");
  const group = row.text("reservedForGroup");
  const until = row.optionalInteger("reservedUntil", 0);
  const forMs = row.optionalInteger("reservedForMs", 0, MAX_RESERVATION_MS) ?? leaseDurationMs;
  return candidateId === undefined && group === undefined ? undefined : { candidateId, group, until, forMs };
}

/** Absent, or of term 0: none has landed. */
function toCommit(row: Row, [term, number, id]: readonly [string, string, string]): Commit | undefined {
  const ofTerm = row.optionalInteger(term, 0) ?? 0;
  if (ofTerm === 0) return undefined;
  return { term: ofTerm, number: row.integer(number, 1), id: row.text(id) ?? "" };
}

/** A lease that was just acquired. */
export function held(request: AcquireRequest, revision: number): Facts {
  const { candidateId, term, attemptId, leaseDurationMs, renewIntervalMs, expiresAt, at, atErrorMs, value } =
    request;
  return {
    holder: candidateId,
    session: request.session,
    term,
    revision,
    attemptId,
    leaseDurationMs,
    renewIntervalMs,
    expiresAt,
    electedAt: at,
    electedErrorMs: atErrorMs,
    renewedAt: at,
    renewedErrorMs: atErrorMs,
    value,
    previousTerm: request.basis.previousTerm,
    previousEndReason: request.basis.previousEndReason,
  };
}

/**
 * A candidate's row. Undefined when it is none, or a newer client wrote it (rule 1h): that candidate is left out of the
 * line, and breaks nothing.
 */
export function toCandidate(item: Item): CandidateRow | undefined {
  const whole = (name: string) => numberOf(item[name]);
  // The candidate's id goes into the lease row, which everybody reads.
  const text = (name: string) => {
    const value = textOf(item[name]);
    return value !== undefined && value.length <= MAX_CANDIDATE_TEXT ? value : undefined;
  };
  const { eligible, rank, schemaVersion } = item;
  const candidateId = text("candidateId");
  const arrival = whole("arrival");
  const heartbeat = whole("heartbeat");
  const refreshIntervalMs = whole("refreshIntervalMs");
  const version = schemaVersion === undefined ? 1 : numberOf(schemaVersion);
  const isItsOwn = textOf(item[SORT_KEY]) === CANDIDATE_SORT_KEY_PREFIX + candidateId;
  if (
    version === undefined ||
    !isKnown({ schemaVersion: version }) ||
    !isItsOwn ||
    candidateId === undefined ||
    arrival === undefined ||
    heartbeat === undefined ||
    refreshIntervalMs === undefined
  ) {
    return undefined;
  }
  return {
    candidateId,
    label: text("label") ?? candidateId,
    arrival,
    rank: rank && "N" in rank ? Number(rank.N) : 0,
    eligible: eligible !== undefined && "BOOL" in eligible && eligible.BOOL === true,
    group: text("group"),
    value: text("value"),
    heartbeat,
    refreshIntervalMs,
    partitions: text("partitions"),
    expiresAt: whole("expiresAt"),
    ttl: whole("ttl"),
  };
}
