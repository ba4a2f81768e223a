import { InvalidOptionError } from "../errors.js";

/**
 * Pure: what a user's writes look like, and how a guard makes DynamoDB refuse one of an earlier term. No clock is
 * involved. The guard protects an item from the first write of a later term to that item.
 */

/**
 * One action of a transaction, as DynamoDB's `TransactWriteItems` takes it: exactly one of the four.
 * Values are written either as `DynamoDBClient` takes them (`{ S: "a" }`) or plainly, as
 * `DynamoDBDocumentClient` does (`"a"`); each action is one or the other throughout.
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

/** DynamoDB takes 100 actions; the fence is one of them. */
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
 * The same input, refused by DynamoDB once the item carries a later term; until a later term has written the item, a stale
 * write passes. For tables that take no transactions, and items that stand each by itself. An input with `Item` is a Put,
 * with `UpdateExpression` an Update, with `Key` alone a Delete. A Delete takes the fence away with the item:
 * where a stale writer could bring the item back, mark it as deleted instead.
 */
export function guardInput<T extends GuardInput>(input: T, term: number, fenceAttribute: string): T {
  const isObject = typeof input === "object" && input !== null;
  const legacy = isObject && LEGACY.find((name) => name in input);
  if (!isObject || legacy || (input.Item === undefined) === (input.Key === undefined)) {
    throw new InvalidOptionError(
      "guard input",
      `must be a Put (Item), an Update (Key, UpdateExpression) or a Delete (Key), with expressions, not ${legacy || "legacy conditions"}`,
      input,
      { TableName: "ledger", Key: { id: "1" }, UpdateExpression: "SET paid = :true" },
    );
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

/** DynamoDB allows one SET section: joins it, or adds it. `set` is a reserved word, so never a bare attribute. */
function withFence(updateExpression: string): string {
  const set = `SET ${FENCE_NAME} = ${TERM_VALUE}`;
  const section = /(?<![#:.\w])SET\s/i;
  return section.test(updateExpression)
    ? updateExpression.replace(section, () => `${set}, `)
    : `${updateExpression} ${set}`.trim();
}

/**
 * Which of the two forms an action's values are in. Its key settles it: a key attribute is a string, a
 * number or bytes, so in attribute form it is an object and plainly it never is (but for bytes).
 */
export function isAttributeForm(keyOrItem: Values): boolean {
  const values = Object.values(keyOrItem);
  return values.length > 0 && values.every(isAttributeValue);
}

const TYPE_TAGS = new Set(["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"]);

function isAttributeValue(value: unknown): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  const tags = Object.keys(value);
  return tags.length === 1 && TYPE_TAGS.has(tags[0] as string);
}
