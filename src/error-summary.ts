import { TimedOut } from "./async.js";
import { dataOf, describe } from "./describe.js";

/**
 * Replaces an error of the AWS SDK, or of the network, as the `cause` of our errors. The original can hold secrets:
 * DynamoDB quotes values in its messages, a cancelled transaction has items, and `$response` has the request with its
 * session token. This summary keeps the kind of failure, and what AWS Support asks for.
 */
export class ErrorSummary extends Error {
  /** The original's name, such as `ThrottlingException`. */
  override readonly name: string;
  /** The code of a network error, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  readonly $metadata: {
    readonly httpStatusCode: number | undefined;
    readonly requestId: string | undefined;
    readonly attempts: number | undefined;
  };

  constructor(error: unknown) {
    const name = matching(dataOf(error, "name"), /^[A-Z][A-Za-z0-9]{2,79}$/);
    const code = matching(dataOf(error, "code"), /^E[A-Z_]{2,39}$/);
    const metadata = dataOf(error, "$metadata");
    const $metadata = {
      httpStatusCode: numeric(dataOf(metadata, "httpStatusCode")),
      requestId: matching(dataOf(metadata, "requestId"), /^[A-Za-z0-9-]{8,64}$/),
      attempts: numeric(dataOf(metadata, "attempts")),
    };
    const facts = [
      knownText(dataOf(error, "message")),
      code,
      $metadata.httpStatusCode && `HTTP ${$metadata.httpStatusCode}`,
      $metadata.requestId && `request id ${$metadata.requestId}`,
    ].filter((fact) => fact !== undefined);
    super(facts.join(", ") || (name === undefined ? describe(error) : "no details"));
    this.name = name ?? "Error";
    this.code = code;
    this.$metadata = $metadata;
  }
}

/** Other writers were faster each time. */
export class TooBusy extends Error {
  constructor(tries: number) {
    super(`refused ${tries} times, because what it goes by had changed each time`);
    this.name = "TooBusy";
  }
}

/** What our message says about its cause. It quotes only causes that we made. */
export function inBrackets(cause: unknown): string {
  if (cause === undefined) return "";
  if (cause instanceof TimedOut || cause instanceof TooBusy) return ` (${cause.message})`;
  if (cause instanceof ErrorSummary) return ` (${cause.name}: ${cause.message})`;
  return ` (${describe(cause)})`;
}

/** Of requests that do not fit the table's key. */
const ABOUT_KEYS = [
  "The number of conditions on the keys is invalid",
  "The provided key element does not match the schema",
  "One of the required keys was not given a value",
  "Query key condition not supported",
  "Query condition missed key schema element",
  "Condition parameter type does not match schema type",
  "Type mismatch for key",
  "Missing the key",
  "The AttributeValue for a key attribute cannot contain an empty string value",
];

/** DynamoDB's words when two actions of a transaction are on one item. */
export const ONE_ITEM_TWICE = "Transaction request cannot include multiple operations on one item";

/** Sentences that quote no value. A summary shows the sentence from this list, never the received text. */
const SENTENCES = [
  "The conditional request failed",
  "Transaction is ongoing for the item",
  "Cannot do operations on a non-existent table",
  "Requested resource not found",
  "Rate exceeded",
  "Rate of requests exceeds the allowed throughput",
  "The level of configured provisioned throughput for the table was exceeded",
  "Throughput exceeds the current capacity",
  "Throughput exceeds the current throughput limit",
  "The security token included in the request is expired",
  "The security token included in the request is invalid",
  "The request signature we calculated does not match the signature you provided",
  "Signature expired",
  "Missing Authentication Token",
  "Region is missing",
  "Region not accepted",
  "The SSO session associated with this profile has expired",
  "Could not load credentials from any providers",
  ...ABOUT_KEYS,
  "Cannot update attribute",
  ONE_ITEM_TWICE,
  "The provided expression refers to an attribute that does not exist in the item",
  "The document path provided in the update expression is invalid for update",
  "An operand in the update expression has an incorrect data type",
  "Invalid UpdateExpression: Attribute name is a reserved keyword",
  "Invalid UpdateExpression: Syntax error",
  "Invalid UpdateExpression",
  "Invalid ConditionExpression: Attribute name is a reserved keyword",
  "Invalid ConditionExpression: Syntax error",
  "Invalid ConditionExpression",
  "Invalid KeyConditionExpression",
  "ExpressionAttributeNames contains invalid",
  "ExpressionAttributeValues contains invalid",
  "Value provided in ExpressionAttributeNames unused in expressions",
  "Value provided in ExpressionAttributeValues unused in expressions",
  "Item size has exceeded the maximum allowed size",
  "Item size to update has exceeded the maximum allowed size",
  "Nesting Levels have exceeded supported limits",
  "Number overflow",
  "Number underflow",
  "A value provided cannot be converted into a number",
  "The parameter cannot be converted to a numeric value",
  "Invalid table/index name",
];
const AFTER =
  /^(One or more parameter values (were invalid|are not valid)[:.] |1 validation error detected: )/;

/** The known sentence with which a message begins. Undefined: there is none. */
export function knownText(message: unknown): string | undefined {
  if (typeof message !== "string") return undefined;
  const denied = deniedAction(message);
  if (denied !== undefined) return `not authorized to perform ${denied}`;
  const said = message.replace(AFTER, "");
  return SENTENCES.find((sentence) => said.startsWith(sentence));
}

/** The IAM action that a message says was denied, such as `dynamodb:GetItem`. */
export function deniedAction(message: unknown): string | undefined {
  return /is not authorized to perform: (dynamodb:[A-Za-z]{3,40})\b/.exec(String(message))?.[1];
}

/** Whether a message says that a request does not fit the table's key. */
export function isAboutKeySchema(message: unknown): boolean {
  const text = knownText(message);
  return text !== undefined && ABOUT_KEYS.includes(text);
}

export function isAboutOneItemTwice(message: unknown): boolean {
  return knownText(message) === ONE_ITEM_TWICE;
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === "string" && pattern.test(value) ? value : undefined;
}

function numeric(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
