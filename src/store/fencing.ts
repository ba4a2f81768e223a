import { InvalidOptionError } from "../errors.js";
import { TYPES } from "./attribute.js";

/**
 * The form of a user's writes, and how a guard makes DynamoDB refuse a write of an earlier term. It uses no clock. The
 * guard protects an item from the first write of a later term on. Pure.
 */

/**
 * One action of a transaction, as in DynamoDB's `TransactWriteItems`: exactly one of these four. Its values are either
 * attribute values, as for `DynamoDBClient` (`{ S: "a" }`), or plain values, as for `DynamoDBDocumentClient` (`"a"`). One
 * action does not mix them.
 */
export interface TransactionAction {
  Put?: PutAction | undefined;
  Update?: UpdateAction | undefined;
  Delete?: KeyedAction | undefined;
  ConditionCheck?: (KeyedAction & { ConditionExpression: string | undefined }) | undefined;
}

type Values = Record<string, unknown>;

export interface ActionParts {
  TableName: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Values | undefined;
  ReturnValuesOnConditionCheckFailure?: "ALL_OLD" | "NONE" | undefined;
}

export interface PutAction extends ActionParts {
  Item: Values | undefined;
}

export interface KeyedAction extends ActionParts {
  Key: Values | undefined;
}

export interface UpdateAction extends KeyedAction {
  UpdateExpression: string | undefined;
}

/** DynamoDB takes 100 actions, and the fence is one of them. */
export const MAX_ACTIONS = 99;

/** A single Put, Update or Delete, as the SDK's commands take it. */
export interface GuardInput {
  TableName?: string | undefined;
  Item?: Values | undefined;
  Key?: Values | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Values | undefined;
}

const LEGACY = ["Expected", "AttributeUpdates", "ConditionalOperator"];
const FENCE_NAME = "#incumbentFence";
const TERM_VALUE = ":incumbentTerm";

/**
 * The same input, with a condition: DynamoDB refuses it when the item has a later term. Until a later term has written
 * the item, an old leader's write passes. An input with `Item` is a Put, with `UpdateExpression` an Update, with only
 * `Key` a Delete. A Delete removes the fence with the item. If an old leader could write the item again, mark it as
 * deleted instead.
 */
export function guardInput<T extends GuardInput>(input: T, term: number, fenceAttribute: string): T {
  const isObject = typeof input === "object" && input !== null;
  const legacy = isObject && LEGACY.find((name) => name in input);
  if (!isObject || legacy || (input.Item === undefined) === (input.Key === undefined)) {
    const rule = legacy
      ? `must be written with expressions, not ${legacy}`
      : "must be a Put (with Item), an Update (with Key and UpdateExpression) or a Delete (with Key)";
    const suggestion = { TableName: "ledger", Item: { id: "1", paid: true } };
    throw new InvalidOptionError("guard input", rule, input, suggestion);
  }
  const termValue = isAttributeForm(input.Item ?? input.Key ?? {}) ? { N: String(term) } : term;
  const fence = `(attribute_not_exists(${FENCE_NAME}) OR ${FENCE_NAME} <= ${TERM_VALUE})`;
  const guarded: T = {
    ...input,
    ConditionExpression: input.ConditionExpression ? `(${input.ConditionExpression}) AND ${fence}` : fence,
    ExpressionAttributeNames: { ...input.ExpressionAttributeNames, [FENCE_NAME]: fenceAttribute },
    ExpressionAttributeValues: { ...input.ExpressionAttributeValues, [TERM_VALUE]: termValue },
  };
  if (input.Item) guarded.Item = { ...input.Item, [fenceAttribute]: termValue };
  if (input.UpdateExpression !== undefined) guarded.UpdateExpression = withFence(input.UpdateExpression);
  return guarded;
}

/** DynamoDB allows one SET section: extends it, or adds one. `set` is a reserved word, so it is no attribute here. */
function withFence(updateExpression: string): string {
  const set = `SET ${FENCE_NAME} = ${TERM_VALUE}`;
  const section = /(?<![#:.\w])SET\s/i;
  return section.test(updateExpression)
    ? updateExpression.replace(section, () => `${set}, `)
    : `${updateExpression} ${set}`.trim();
}

/**
 * Whether an action has attribute values. Its key shows it: a key attribute is a string, a number or bytes. As an
 * attribute value it is an object, and as a plain value it is none (except bytes).
 */
export function isAttributeForm(keyOrItem: Values): boolean {
  const values = Object.values(keyOrItem);
  return values.length > 0 && values.every(isAttributeValue);
}

/** Whether it is an object whose only name is that of a type. */
export function isAttributeValue(value: unknown): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  const tags = Object.keys(value);
  return tags.length === 1 && TYPES.some((type) => type === tags[0]);
}
