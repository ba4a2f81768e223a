import { type Attribute, type Item, n, s } from "../attribute.js";
import { PARTITION_KEY } from "../schema.js";

/**
 * A condition of a write on the row. DynamoDB checks it and writes in one step. In `expression`, `#name` is the attribute
 * `name`, and `:name` is a value. No value has the name of an attribute, so that one request can have a condition and an
 * update.
 */
export interface Condition {
  readonly expression: string;
  readonly names: readonly string[];
  readonly values: Item;
}

/** There is no such row. */
export const notThere = absent(PARTITION_KEY);

/** Somebody holds the lease. */
export const someHolder: Condition = {
  expression: "attribute_exists(#holder)",
  names: ["holder"],
  values: {},
};

/** Nobody has paused the election. */
export const notPaused = absent("pausedBy");

/** The candidate still leads this term. */
export function mine({ candidateId, term }: { candidateId: string; term: number }): Condition {
  return {
    expression: "#holder = :me AND #term = :mine",
    names: ["holder", "term"],
    values: { me: s(candidateId), mine: n(term) },
  };
}

/** No write with this revision, or a later one, has succeeded. */
export function revisionBelow(limit: number): Condition {
  return {
    expression: "#revision < :revisionLimit",
    names: ["revision"],
    values: { revisionLimit: n(limit) },
  };
}

/** No term has begun since the row was seen. */
export function termAsSeen({ term }: { term: number }): Condition {
  return asSeen("term", n(term));
}

/** No holder has written since the row was seen. */
export function pairAsSeen({ term, revision }: { term: number; revision: number }): Condition {
  return all(asSeen("term", n(term)), asSeen("revision", n(revision)));
}

/** The attribute is as it was read. `undefined`: there was none. */
export function asSeen(name: string, seen: Attribute | undefined): Condition {
  if (seen === undefined) return absent(name);
  const value = `seen${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return { expression: `#${name} = :${value}`, names: [name], values: { [value]: seen } };
}

/** The candidate has not refreshed its row since this `heartbeat`. */
export function notRefreshedSince(heartbeat: number): Condition {
  return {
    expression: "#heartbeat <= :seenHeartbeat",
    names: ["heartbeat"],
    values: { seenHeartbeat: n(heartbeat) },
  };
}

/** This transaction is the next one of the term. */
export function nextCommit({ term, number }: { term: number; number: number }): Condition {
  const values = { commitIn: n(term) };
  if (number === 1) {
    const expression = "(attribute_not_exists(#commitTerm) OR #commitTerm <> :commitIn)";
    return { expression, names: ["commitTerm"], values };
  }
  return {
    expression: "#commitTerm = :commitIn AND #commitNumber = :commitBefore",
    names: ["commitTerm", "commitNumber"],
    values: { ...values, commitBefore: n(number - 1) },
  };
}

function absent(name: string): Condition {
  return { expression: `attribute_not_exists(#${name})`, names: [name], values: {} };
}

export function all(...conditions: readonly Condition[]): Condition {
  return {
    expression: conditions.map(({ expression }) => expression).join(" AND "),
    names: conditions.flatMap(({ names }) => names),
    values: Object.assign({}, ...conditions.map(({ values }) => values)),
  };
}

/** A condition alone, for checks and deletions. */
export function conditionExpression(condition: Condition) {
  return { ConditionExpression: condition.expression, ...placeholders(condition) };
}

/** The names and values that an expression uses. */
export function placeholders({ names, values }: Pick<Condition, "names" | "values">) {
  const entries = Object.entries(values);
  return {
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    // DynamoDB refuses a map without entries.
    ...(entries.length > 0 && {
      ExpressionAttributeValues: Object.fromEntries(entries.map(([name, value]) => [`:${name}`, value])),
    }),
  };
}
