import {
  MAX_CANDIDATE_TEXT,
  MAX_LEASE_MS,
  MAX_RESERVATION_MS,
  MAX_TERM,
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
import type { AcquireRequest, CandidateRow } from "../../protocol/verbs.js";
import { type Attribute, type Item, n, s } from "../attribute.js";
import { CANDIDATE_SORT_KEY_PREFIX, LEASE_SORT_KEY, SORT_KEY } from "../schema.js";
import { kindOf, Row } from "./row.js";
import type { Update } from "./update-expression.js";

/** Converts rows between DynamoDB's attributes and ours. Rows can come from anywhere, so each is checked. */

export function toLease(election: string, item: Item): Lease {
  const row = new Row(election, LEASE_SORT_KEY, item);
  row.checkVersion();
  const term = row.integer("term", 0, MAX_TERM);
  const holder = row.text("holder");
  const common = toLeaseRow(row);
  // Every attribute is checked, also those that say nothing in this state: a row is as we write it, or refused.
  const ofTerm = { ...common, ...toTenureRow(row), term };
  const ofHolder = { stepDown: toStepDown(row), announcement: toAnnouncement(row) };
  const ofEnd = {
    endReason: endReasonOf(row.text("endReason")),
    endedAt: row.optionalInteger("endedAt", 0),
    reservation: toReservation(row, common.leaseDurationMs),
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
    renewedAt: row.optionalInteger("renewedAt", 0),
    value: row.text("value"),
    line: row.texts("line"),
    lastTick: row.text("lastTick"),
    lastTickTerm: row.optionalInteger("lastTickTerm", 1),
    previousTerm: row.optionalInteger("previousTerm", 1),
    lastCommit: toCommit(row, ["commitTerm", "commitNumber", "commitId"]),
    commitBefore: toCommit(row, ["previousCommitTerm", "previousCommitNumber", "previousCommitId"]),
  };
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

/** The attributes of a lease that was just acquired. */
export function held(request: AcquireRequest, revision: number): Update["set"] {
  return {
    holder: s(request.candidateId),
    term: n(request.term),
    revision: n(revision),
    attemptId: s(request.attemptId),
    leaseDurationMs: n(request.leaseDurationMs),
    renewIntervalMs: n(request.renewIntervalMs),
    expiresAt: optional(n, request.expiresAt),
    electedAt: optional(n, request.at),
    renewedAt: optional(n, request.at),
    value: optional(s, request.value),
    previousTerm: optional(n, request.basis.previousTerm),
  };
}

export function withoutAbsent(set: Update["set"]): Item {
  return Object.fromEntries(Object.entries(set).filter((entry): entry is [string, Attribute] => !!entry[1]));
}

export function optional<T>(attribute: (value: T) => Attribute, value: T | undefined): Attribute | undefined {
  return value === undefined ? undefined : attribute(value);
}

/**
 * A candidate's row. Undefined when it is none, or a newer client wrote it (rule 1h): that candidate is left out of the
 * line, and breaks nothing.
 */
export function toCandidate(item: Item): CandidateRow | undefined {
  const number = (name: string) => {
    const attribute = item[name];
    return attribute && "N" in attribute ? Number(attribute.N) : undefined;
  };
  const whole = (name: string) => {
    const value = number(name);
    return Number.isSafeInteger(value) ? value : undefined;
  };
  // The candidate's id goes into the lease row, which everybody reads.
  const text = (name: string) => {
    const attribute = item[name];
    return attribute && "S" in attribute && attribute.S.length <= MAX_CANDIDATE_TEXT
      ? attribute.S
      : undefined;
  };
  const isSet = (name: string) => {
    const attribute = item[name];
    return attribute !== undefined && "BOOL" in attribute && attribute.BOOL === true;
  };
  const candidateId = text("candidateId");
  const arrival = whole("arrival");
  const heartbeat = whole("heartbeat");
  const refreshIntervalMs = whole("refreshIntervalMs");
  const version = item.schemaVersion === undefined ? 1 : whole("schemaVersion");
  const sortKey = item[SORT_KEY];
  const isItsOwn = sortKey && "S" in sortKey && sortKey.S === CANDIDATE_SORT_KEY_PREFIX + candidateId;
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
    rank: number("rank") ?? 0,
    eligible: isSet("eligible"),
    group: text("group"),
    value: text("value"),
    heartbeat,
    refreshIntervalMs,
    expiresAt: whole("expiresAt"),
    ttl: whole("ttl"),
  };
}

/** The attributes that have a value. In an update `undefined` means: remove. */
export function attributes(facts: object): Update["set"] {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, fact === undefined ? undefined : attributeOf(fact)]),
  );
}

function attributeOf(fact: string | number | boolean): Attribute {
  if (typeof fact === "boolean") return { BOOL: fact };
  return typeof fact === "number" ? n(fact) : s(fact);
}
