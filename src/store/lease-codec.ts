import { MalformedLeaseError } from "../errors.js";
import type { Lease } from "../lease.js";
import type { History } from "../sighting.js";
import type { Attribute, Item } from "./expressions.js";
import type { AcquireRequest, CandidateRow, TermRecord } from "./lease-store.js";
import { PARTITION_KEY, SORT_KEY } from "./schema.js";
import type { Update } from "./update-expression.js";

/** The lease row between DynamoDB's attributes and ours. Rows can come from anywhere, so each is checked. */

const A_DAY_MS = 86_400_000;

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
    stepDown: row.has("stepDown")
      ? { by: row.text("stepDown") ?? "", to: row.text("stepDownTo") }
      : undefined,
    line: row.texts("line"),
    lettingGoInMs: row.optionalInteger("lettingGoInMs", -A_DAY_MS),
    lettingGoTo: row.text("lettingGoTo"),
    reservedFor: row.text("reservedFor"),
    reservedGroup: row.text("reservedGroup"),
    reservedUntil: row.optionalInteger("reservedUntil", 0),
    reservedMs: row.optionalInteger("reservedMs", 0),
    paused: row.text("paused"),
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

  texts(name: string): string[] | undefined {
    const attribute = this.item[name];
    if (attribute === undefined) return undefined;
    if ("L" in attribute && attribute.L.every((entry) => "S" in entry)) {
      return attribute.L.map((entry) => ("S" in entry ? entry.S : ""));
    }
    throw this.malformed(name, "must be a list (L) of strings (S)", attribute, { L: [{ S: "worker-2" }] });
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
  const latest = rows.reduce<Item>((a, b) => (number(b, "term") > number(a, "term") ? b : a), {});
  const tick = latest.lastTick;
  const ticks = rows
    .flatMap(({ lastTickBefore, lastTick }) => [lastTickBefore, lastTick])
    .flatMap((tick) => (tick && "S" in tick ? [tick.S] : []));
  return {
    highestTerm: Math.max(0, ...rows.map((row) => number(row, "term"))),
    longestLeaseMs: Math.max(0, ...rows.map((row) => number(row, "leaseDurationMs"))),
    lastTick: ticks.sort().at(-1),
    highestTermTick: tick && "S" in tick ? tick.S : undefined,
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
  return withoutAbsent(attributes(record));
}

export function withoutAbsent(set: Update["set"]): Item {
  return Object.fromEntries(Object.entries(set).filter((entry): entry is [string, Attribute] => !!entry[1]));
}

export function optional<T>(attribute: (value: T) => Attribute, value: T | undefined): Attribute | undefined {
  return value === undefined ? undefined : attribute(value);
}

/** A candidate's row; undefined when it is none: whoever wrote it is left out, and breaks nothing. */
export function toCandidate(item: Item): CandidateRow | undefined {
  const number = (name: string) => {
    const attribute = item[name];
    return attribute && "N" in attribute ? Number(attribute.N) : undefined;
  };
  const text = (name: string) => {
    const attribute = item[name];
    return attribute && "S" in attribute ? attribute.S : undefined;
  };
  const isSet = (name: string) => {
    const attribute = item[name];
    return attribute !== undefined && "BOOL" in attribute && attribute.BOOL === true;
  };
  const candidateId = text("candidateId");
  const seq = number("seq");
  const beat = number("beat");
  const refreshMs = number("refreshMs");
  if (candidateId === undefined || seq === undefined || beat === undefined || refreshMs === undefined) {
    return undefined;
  }
  return {
    candidateId,
    label: text("label") ?? candidateId,
    seq,
    rank: number("rank") ?? 0,
    eligible: isSet("eligible"),
    group: text("group"),
    value: text("value"),
    beat,
    refreshMs,
    expiresAt: number("expiresAt"),
    left: isSet("left"),
    ttl: number("ttl"),
  };
}

/** The facts of a term's row. */
export function toTerm(item: Item): TermRecord | undefined {
  const facts: Record<string, unknown> = {};
  for (const [name, attribute] of Object.entries(item)) {
    if (name === PARTITION_KEY || name === SORT_KEY) continue;
    if ("S" in attribute) facts[name] = attribute.S;
    if ("N" in attribute) facts[name] = Number(attribute.N);
  }
  return typeof facts.term === "number" ? (facts as unknown as TermRecord) : undefined;
}

/** Of a list of row attributes, those that are known; `undefined` in an update means: remove. */
export function attributes(facts: object): Update["set"] {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, fact === undefined ? undefined : attributeOf(fact)]),
  );
}

function attributeOf(fact: string | number | boolean): Attribute {
  if (typeof fact === "boolean") return { BOOL: fact };
  return typeof fact === "number" ? n(fact) : s(fact);
}

export function s(value: string): Attribute {
  return { S: value };
}

export function n(value: number): Attribute {
  return { N: String(value) };
}
