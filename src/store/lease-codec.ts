import { MalformedLeaseError } from "../errors.js";
import type { Lease } from "../lease.js";
import type { History } from "../sighting.js";
import type { Attribute, Item } from "./expressions.js";
import type { AcquireRequest, TermRecord } from "./lease-store.js";
import type { Update } from "./update-expression.js";

/** The lease row between DynamoDB's attributes and ours. Rows can come from anywhere, so each is checked. */

export function toLease(election: string, item: Item): Lease {
  const row = new Row(election, item);
  const leaseDurationMs = row.integer("leaseDurationMs", 1);
  return {
    term: row.integer("term", 0),
    revision: row.integer("revision", 1),
    leaseDurationMs,
    renewIntervalMs: row.optionalInteger("renewIntervalMs", 1) ?? Math.ceil(leaseDurationMs / 3),
    holder: row.text("holder"),
    attemptId: row.text("attemptId"),
    expiresAt: row.optionalInteger("expiresAt", 0),
    electedAt: row.optionalInteger("electedAt", 0),
    renewedAt: row.optionalInteger("renewedAt", 0),
    value: row.text("value"),
    stepDown: row.has("stepDown") ? { by: row.text("stepDown") ?? "" } : undefined,
    reservedFor: row.text("reservedFor"),
    reservedUntil: row.optionalInteger("reservedUntil", 0),
    lastTick: row.text("lastTick"),
    lastTickTerm: row.optionalInteger("lastTickTerm", 1),
    endReason: row.text("endReason"),
    endedAt: row.optionalInteger("endedAt", 0),
  };
}

class Row {
  constructor(
    private readonly election: string,
    private readonly item: Item,
  ) {}

  has(name: string): boolean {
    return this.item[name] !== undefined;
  }

  integer(name: string, least: number): number {
    const attribute = this.item[name];
    const value = attribute && "N" in attribute ? Number(attribute.N) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw this.malformed(name, `must be a whole number (N) from ${least}`, attribute, { N: "15000" });
  }

  optionalInteger(name: string, least: number): number | undefined {
    return this.has(name) ? this.integer(name, least) : undefined;
  }

  text(name: string): string | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("S" in attribute) return attribute.S;
    throw this.malformed(name, "must be a string (S)", attribute, { S: "worker-1" });
  }

  private malformed(name: string, rule: string, found: Attribute | undefined, wouldDo: Attribute) {
    return new MalformedLeaseError(this.election, name, rule, found ?? "nothing", wouldDo);
  }
}

/** What the rows of past terms tell. */
export function toHistory(rows: Item[]): History {
  const number = (row: Item, name: string) => {
    const attribute = row[name];
    return attribute && "N" in attribute ? Number(attribute.N) : 0;
  };
  const ticks = rows
    .flatMap(({ lastTickBefore, lastTick }) => [lastTickBefore, lastTick])
    .flatMap((tick) => (tick && "S" in tick ? [tick.S] : []));
  return {
    highestTerm: Math.max(0, ...rows.map((row) => number(row, "term"))),
    longestLeaseMs: Math.max(0, ...rows.map((row) => number(row, "leaseDurationMs"))),
    lastTick: ticks.sort().at(-1),
  };
}

/** The attributes of a lease just taken. */
export function held(request: AcquireRequest, term: number, revision: number): Update["set"] {
  return {
    holder: s(request.candidateId),
    term: n(term),
    revision: n(revision),
    attemptId: s(request.attemptId),
    leaseDurationMs: n(request.leaseDurationMs),
    renewIntervalMs: n(request.renewIntervalMs),
    expiresAt: optional(n, request.expiresAt),
    electedAt: optional(n, request.at),
    renewedAt: optional(n, request.at),
    value: optional(s, request.value),
  };
}

/** The attributes of a history row: those facts that are known. */
export function termRow(record: TermRecord): Item {
  const row: Item = {};
  for (const [name, fact] of Object.entries(record)) {
    if (fact !== undefined) row[name] = typeof fact === "number" ? n(fact) : s(fact);
  }
  return row;
}

export function withoutAbsent(set: Update["set"]): Item {
  return Object.fromEntries(Object.entries(set).filter((entry): entry is [string, Attribute] => !!entry[1]));
}

export function optional<T>(attribute: (value: T) => Attribute, value: T | undefined): Attribute | undefined {
  return value === undefined ? undefined : attribute(value);
}

export function s(value: string): Attribute {
  return { S: value };
}

export function n(value: number): Attribute {
  return { N: String(value) };
}
