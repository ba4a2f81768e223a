import {
  ErrorSummary,
  inBrackets,
  isAboutKeySchema,
  isAboutOneItemTwice,
  knownText,
  TooBusy,
} from "./error-summary.js";

/** Sentences of errors about tables and transactions: what happened, and what helps. */

/** Each continues the name of a table. */
export const TABLE_PROBLEMS = {
  missing: "is missing",
  "key-schema": "does not have the keys of a lease table",
  "access-denied": "refuses access",
  credentials: "cannot be used: the client's credentials do not work",
  region: "cannot be used: the client's Region is missing or malformed",
  request: "refused the request as malformed",
};

/** Of a request without a useful answer. */
export function unavailable(doing: string, cause: unknown): string {
  const { name, $metadata } = cause instanceof ErrorSummary ? cause : {};
  const isThrottled = /Throttl|Throughput|LimitExceeded/.test(name ?? "");
  const isServersFault = ($metadata?.httpStatusCode ?? 0) >= 500;
  // The founding of an election is a transaction.
  const isTooBusy = cause instanceof TooBusy || name === "TransactionCanceledException";
  const [what, remedy] = isTooBusy
    ? ["The table was too busy with other writes for", "try again"]
    : isThrottled
      ? ["The table did not carry out", "raise the capacity of the table, or send it fewer requests"]
      : isServersFault
        ? ["The table did not carry out", "try again"]
        : ["No answer from the table to", "check the client's Region, endpoint and network"];
  return `${what} the request to ${doing}${inBrackets(cause)}. Suggestion: ${remedy}.`;
}

/** Of a transaction that is malformed, by DynamoDB's messages, or by what else says why. */
export function malformedRemedy(messages: readonly unknown[], why: string | undefined): string {
  if ([...messages, why].some(isAboutOneItemTwice)) {
    return "send one action per item, and none for the election's own lease row";
  }
  if (messages.some(isAboutKeySchema))
    return "give each action the whole key of its table, with the right types";
  const remedy = "correct the keys and expressions";
  if (why !== undefined || messages.some(knownText)) return remedy;
  return `${remedy}; multi-Region strongly consistent tables take no transactions: use guard()`;
}
