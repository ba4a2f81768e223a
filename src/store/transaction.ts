import { checkTableName } from "../arguments.js";
import { Code, Kind } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { checkNames } from "../known-names.js";
import type { Attribute, Item } from "./attribute.js";
import { checkAttribute, UnfitValue } from "./attribute-form.js";
import { isAttributeForm, isAttributeValue, MAX_ACTIONS, type TransactionAction } from "./fencing.js";
import { fromAttributes, toAttribute } from "./plain-values.js";

/** Checks users' actions and converts plain values to attribute values. */

export const ACTION_KINDS = ["Put", "Update", "Delete", "ConditionCheck"] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** One action with attribute values. */
export interface Action {
  readonly kind: ActionKind;
  /** Whether its author wrote plain values. Then the author also gets plain values. */
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

/** Throws `InvalidOptionError` if these actions cannot be one transaction together with the fence. */
export function toActions(actions: readonly TransactionAction[]): Action[] {
  if (Array.isArray(actions) && actions.length > 0 && actions.length <= MAX_ACTIONS) {
    return actions.map(toAction);
  }
  throw new InvalidOptionError(
    "actions",
    `must be an array of 1 to ${MAX_ACTIONS} actions (DynamoDB takes 100, the fence is one of them)`,
    actions,
    Array.isArray(actions) && actions.length > 0
      ? new Code(`two calls of at most ${MAX_ACTIONS}`)
      : [EXAMPLE],
  );
}

/** Throws `InvalidOptionError` if it is not one valid action. */
export function toAction(action: TransactionAction, index: number): Action {
  try {
    return checked(action, `actions[${index}]`);
  } catch (error) {
    if (error instanceof InvalidOptionError) throw error;
    // A getter or a proxy's trap of its author threw.
    throw new InvalidOptionError(
      `actions[${index}]`,
      "must be readable, and reading it threw",
      error,
      EXAMPLE,
    );
  }
}

const KEYED = { TableName: "ledger", Key: { id: "1" } };
const EXAMPLES = {
  Put: { TableName: "ledger", Item: { id: "1" } },
  Update: { ...KEYED, UpdateExpression: "SET paid = :yes", ExpressionAttributeValues: { ":yes": true } },
  Delete: KEYED,
  ConditionCheck: { ...KEYED, ConditionExpression: "attribute_exists(id)" },
};
const EXAMPLE = { Put: EXAMPLES.Put };

function checked(action: TransactionAction, path: string): Action {
  const kinds = ACTION_KINDS.filter((kind) => action?.[kind] !== undefined);
  const kind = kinds[0];
  const { Item, Key, TableName, ...parts }: Parts = (kind && action[kind]) ?? {};
  const keyOrItem = kind === "Put" ? Item : Key;
  if (kinds.length !== 1 || !kind) {
    throw new InvalidOptionError(path, `must be exactly one of ${ACTION_KINDS.join(", ")}`, action, EXAMPLE);
  }
  const own = `${path}.${kind}`;
  if (typeof TableName !== "string" || !isRecord(keyOrItem)) {
    const rule = `must have a TableName and ${kind === "Put" ? "an Item" : "a Key"}`;
    throw new InvalidOptionError(own, rule, action[kind], EXAMPLES[kind]);
  }
  checkTableName(`${own}.TableName`, TableName, "ledger");
  checkParts(action[kind], kind, own);
  const plain = !isAttributeForm(keyOrItem);
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = parts;
  const { ReturnValuesOnConditionCheckFailure: returned } = parts;
  if (returned !== undefined && returned !== "ALL_OLD" && returned !== "NONE") {
    const option = `${own}.ReturnValuesOnConditionCheckFailure`;
    throw new InvalidOptionError(option, 'must be "ALL_OLD" or "NONE"', returned, "ALL_OLD");
  }
  return {
    kind,
    plain,
    tableName: TableName,
    keyOrItem: attributesOf(keyOrItem, plain, `${own}.${kind === "Put" ? "Item" : "Key"}`),
    names: names === undefined ? undefined : namesOf(names, `${own}.ExpressionAttributeNames`),
    values:
      values === undefined ? undefined : attributesOf(values, plain, `${own}.ExpressionAttributeValues`),
    updateExpression: text(
      parts.UpdateExpression,
      `${own}.UpdateExpression`,
      "SET paid = :yes",
      kind === "Update",
    ),
    conditionExpression: text(
      parts.ConditionExpression,
      `${own}.ConditionExpression`,
      "attribute_exists(id)",
      kind === "ConditionCheck",
    ),
    returnOld: returned === "ALL_OLD",
  };
}

/** The parts of an action, not checked yet. */
interface Parts {
  readonly Item?: unknown;
  readonly Key?: unknown;
  readonly TableName?: unknown;
  readonly UpdateExpression?: unknown;
  readonly ConditionExpression?: unknown;
  readonly ExpressionAttributeNames?: unknown;
  readonly ExpressionAttributeValues?: unknown;
  readonly ReturnValuesOnConditionCheckFailure?: unknown;
}

/** Refuses unknown names: a misspelt condition would otherwise be no condition. */
function checkParts(given: object | undefined, kind: ActionKind, own: string): void {
  const known = [...COMMON_PARTS, ...OWN_PARTS[kind]];
  const isKnown = ([name, value]: [string, unknown]) => value === undefined || known.includes(name);
  if (given === undefined || Object.entries(given).every(isKnown)) return;
  checkNames(
    given,
    known.map((name) => `${own}.${name}`),
    own,
  );
}

const COMMON_PARTS: readonly string[] = [
  "TableName",
  "ConditionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ReturnValuesOnConditionCheckFailure",
];
const OWN_PARTS: Record<ActionKind, readonly string[]> = {
  Put: ["Item"],
  Update: ["Key", "UpdateExpression"],
  Delete: ["Key"],
  ConditionCheck: ["Key"],
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, option: string, suggestion: string, isNeeded: boolean): string | undefined {
  if ((value === undefined && !isNeeded) || typeof value === "string") return value;
  throw new InvalidOptionError(option, "must be a string", kindOf(value), suggestion);
}

function namesOf(names: unknown, option: string): Record<string, string> {
  if (!isRecord(names)) throw new InvalidOptionError(option, "must be an object", names, { "#id": "id" });
  const entries = Object.entries(names).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const wrong = entries.find(([, name]) => typeof name !== "string");
  if (wrong)
    throw new InvalidOptionError(option, "must have strings as its names", kindOf(wrong[1]), { "#id": "id" });
  return Object.fromEntries(entries);
}

function attributesOf(values: unknown, plain: boolean, path: string): Item {
  if (!isRecord(values)) throw new InvalidOptionError(path, "must be an object", values, { id: "1" });
  const item: Array<[string, Attribute]> = [];
  for (const [at, [name, value]] of Object.entries(values).entries()) {
    try {
      if (plain && isAttributeValue(value)) throw mixed(value);
      const attribute = plain ? toAttribute(value) : value === undefined ? undefined : checkAttribute(value);
      if (attribute) item.push([name, attribute]);
    } catch (error) {
      if (!(error instanceof UnfitValue)) throw error;
      const { rule, received, suggestion, depth } = error;
      throw new InvalidOptionError(`${path}${placeOf(name, at, depth)}`, rule, kindOf(received), suggestion);
    }
  }
  return Object.fromEntries(item);
}

/** It would be stored as a map with the name of a type. */
function mixed(value: unknown): UnfitValue {
  const rule =
    "must have the form of the other values: an action has plain values or attribute values, not both";
  return new UnfitValue(rule, value, new Code('plain values everywhere, or { S: "a" } everywhere'), 0);
}

/** A number in an action is content, such as an amount. An error does not show it, unlike the number of an option. */
function kindOf(received: unknown): unknown {
  return typeof received === "number" && Number.isFinite(received) ? new Kind("a number") : received;
}

/** Names below the top level can be content (a map by account number), so an error does not show them. */
function placeOf(name: string, at: number, depth: number): string {
  const below = depth === 0 ? "" : ` (${depth} level${depth === 1 ? "" : "s"} down)`;
  if (/^:[A-Za-z_]\w{0,63}$/.test(name)) return `["${name}"]${below}`;
  return `${/^[A-Za-z_]\w{0,63}$/.test(name) ? `.${name}` : ` (attribute ${at + 1})`}${below}`;
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

/** An item for the author of an action, with plain values if the action has them. */
export function fromItem(item: Item | undefined, plain: boolean): Record<string, unknown> | undefined {
  if (item === undefined) return undefined;
  return plain ? fromAttributes(item) : item;
}

/** Whether an attribute can be (part of) a key. */
export function isScalar(attribute: Attribute): boolean {
  return "S" in attribute || "N" in attribute || "B" in attribute;
}
