import type { Item } from "../attribute.js";
import { PARTITION_KEY } from "../schema.js";
import { attributes, type Fact, type Facts } from "./facts.js";

/**
 * A condition of a write on the row. DynamoDB checks it and writes in one step. In `expression`, `#name` is the attribute
 * `name`, and `:name` is a value. No value has the name of an attribute, so that one request can have a condition and an
 * update.
 */
export interface Condition {
  readonly expression: string;
  readonly values: Facts;
}

/** There is no such row. */
export const notThere = absent(PARTITION_KEY);

/** Somebody holds the lease. */
export const someHolder: Condition = { expression: "attribute_exists(#holder)", values: {} };

/** Nobody holds the lease. */
export const noHolder = absent("holder");

/** The last tenure ended by an eviction. */
export const wasEvicted = asSeen("endReason", "evicted");

/** Nobody has paused the election. */
export const notPaused = absent("pausedBy");

/** The candidate still leads this term. */
export function mine({ candidateId, term }: { candidateId: string; term: number }): Condition {
  return {
    expression: "#holder = :me AND #term = :mine",
    values: { me: candidateId, mine: term },
  };
}

/** No write with this revision, or a later one, has succeeded. */
export function revisionBelow(limit: number): Condition {
  return { expression: "#revision < :revisionLimit", values: { revisionLimit: limit } };
}

/** The lease on the row runs out by this time. False if the row does not say when. */
export function expiresBy(latestMs: number): Condition {
  return { expression: "#expiresAt <= :latestExpiry", values: { latestExpiry: latestMs } };
}

/** No term has begun since the row was seen. */
export function termAsSeen({ term }: { term: number }): Condition {
  return asSeen("term", term);
}

/** No holder has written since the row was seen. */
export function pairAsSeen({ term, revision }: { term: number; revision: number }): Condition {
  return all(asSeen("term", term), asSeen("revision", revision));
}

/** The attribute is as it was read. `undefined`: there was none. */
export function asSeen(name: string, seen: Fact | undefined): Condition {
  if (seen === undefined) return absent(name);
  const value = `seen${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return { expression: `#${name} = :${value}`, values: { [value]: seen } };
}

/** The candidate has not refreshed its row since this `heartbeat`. */
export function notRefreshedSince(heartbeat: number): Condition {
  return { expression: "#heartbeat <= :seenHeartbeat", values: { seenHeartbeat: heartbeat } };
}

/** The floor is lower, or there is none. */
export function floorBelow(floor: number): Condition {
  return {
    expression: "(attribute_not_exists(#floor) OR #floor < :newFloor)",
    values: { newFloor: floor },
  };
}

/** No later reset of this term's ticks is recorded. */
export function noLaterTickReset(revision: number): Condition {
  return {
    expression: "(attribute_not_exists(#tickResetRevision) OR #tickResetRevision <= :resetRevision)",
    values: { resetRevision: revision },
  };
}

/** This transaction is the next one of the term. */
export function nextCommit({ term, number }: { term: number; number: number }): Condition {
  if (number === 1) {
    const expression = "(attribute_not_exists(#commitTerm) OR #commitTerm <> :commitIn)";
    return { expression, values: { commitIn: term } };
  }
  return {
    expression: "#commitTerm = :commitIn AND #commitNumber = :commitBefore",
    values: { commitIn: term, commitBefore: number - 1 },
  };
}

function absent(name: string): Condition {
  return { expression: `attribute_not_exists(#${name})`, values: {} };
}

export function all(...conditions: readonly Condition[]): Condition {
  return {
    expression: conditions.map(({ expression }) => expression).join(" AND "),
    values: Object.assign({}, ...conditions.map(({ values }) => values)),
  };
}

/** A condition alone, for checks and deletions. */
export function conditionExpression({ expression, values }: Condition) {
  return { ConditionExpression: expression, ...placeholders(expression, values) };
}

/** The names in the expressions, and the values. */
export function placeholders(expressions: string, values: Facts) {
  const names: Record<string, string> = {};
  for (const [placeholder, name] of expressions.matchAll(NAME)) names[placeholder] = name as string;
  const given: Item = {};
  for (const [name, value] of Object.entries(attributes(values))) given[`:${name}`] = value;
  // DynamoDB refuses a map without entries.
  const isEmpty = Object.keys(given).length === 0;
  return { ExpressionAttributeNames: names, ...(!isEmpty && { ExpressionAttributeValues: given }) };
}

const NAME = /#(\w+)/g;
