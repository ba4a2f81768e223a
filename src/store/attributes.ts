import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { InvalidOptionError } from "../errors.js";
import { isAttributeForm, type TransactionAction } from "../fencing.js";
import type { Attribute, Item } from "./expressions.js";

/** Users' actions in either form of values, brought into DynamoDB's own. */

export const ACTION_KINDS = ["Put", "Update", "Delete", "ConditionCheck"] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** One action with every value in attribute form. */
export interface Action {
  readonly kind: ActionKind;
  /** Whether its author wrote plain values, and so reads plain values. */
  readonly plain: boolean;
  readonly tableName: string;
  /** The key, or for a Put the whole item. */
  readonly keyOrItem: Item;
  readonly updateExpression?: string | undefined;
  readonly conditionExpression?: string | undefined;
  readonly names?: Record<string, string> | undefined;
  readonly values?: Item | undefined;
  readonly returnOld: boolean;
}

/** Throws `InvalidOptionError` when it is not one action with a table and a key or an item. */
export function toAction(action: TransactionAction, index: number): Action {
  const kinds = ACTION_KINDS.filter((kind) => action?.[kind] !== undefined);
  const kind = kinds[0];
  const parts = kind && action[kind];
  const keyOrItem = parts && ("Item" in parts ? parts.Item : (parts as { Key?: unknown }).Key);
  if (kinds.length !== 1 || !kind || !parts || typeof parts.TableName !== "string" || !keyOrItem) {
    throw new InvalidOptionError(
      `actions[${index}]`,
      "must be exactly one of Put, Update, Delete, ConditionCheck with a TableName and a Key (Put: an Item)",
      action,
      { Put: { TableName: "ledger", Item: { id: "1" } } },
    );
  }
  const plain = !isAttributeForm(keyOrItem as Record<string, unknown>);
  const attributes = (values: Record<string, unknown>): Item =>
    plain ? (marshall(values, { removeUndefinedValues: true }) as Item) : (values as Item);
  return {
    kind,
    plain,
    tableName: parts.TableName,
    keyOrItem: attributes(keyOrItem as Record<string, unknown>),
    updateExpression: "UpdateExpression" in parts ? parts.UpdateExpression : undefined,
    conditionExpression: parts.ConditionExpression,
    names: parts.ExpressionAttributeNames,
    values: parts.ExpressionAttributeValues && attributes(parts.ExpressionAttributeValues),
    returnOld: parts.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
  };
}

/** The action as one of DynamoDB's `TransactItems`. */
export function toTransactItem(action: Action) {
  const parts = {
    TableName: action.tableName,
    ConditionExpression: action.conditionExpression,
    ExpressionAttributeNames: action.names,
    ExpressionAttributeValues: action.values,
    ReturnValuesOnConditionCheckFailure: action.returnOld ? ("ALL_OLD" as const) : undefined,
  };
  if (action.kind === "Put") return { Put: { ...parts, Item: action.keyOrItem } };
  const keyed = { ...parts, Key: action.keyOrItem };
  if (action.kind === "Update") return { Update: { ...keyed, UpdateExpression: action.updateExpression } };
  return { [action.kind]: keyed } as { Delete: typeof keyed };
}

/** An item for the author of an action, in the form the action was written in. */
export function fromItem(item: Item | undefined, plain: boolean): Record<string, unknown> | undefined {
  if (item === undefined) return undefined;
  return plain ? unmarshall(item as Parameters<typeof unmarshall>[0]) : item;
}

/** Whether an attribute can be (part of) a key. */
export function isScalar(attribute: Attribute): boolean {
  return "S" in attribute || "N" in attribute || "B" in attribute;
}
