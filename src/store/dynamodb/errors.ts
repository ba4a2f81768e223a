import { dataOf } from "../../describe.js";
import { ErrorSummary, isAboutKeySchema } from "../../error-summary.js";
import { IncumbentError, TableError, TableUnavailableError } from "../../errors.js";

/** What an error of the SDK means for the caller: try again, or repair something first. */

const ACCESS_DENIED = new Set([
  "AccessDeniedException",
  "UnrecognizedClientException",
  "NotAuthorized",
  "OptInRequired",
]);
const CREDENTIALS = new Set([
  "CredentialsProviderError",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "IncompleteSignatureException",
  "TokenProviderError",
  "MissingAuthenticationToken",
]);

export function storeError(error: unknown, tableName: string, doing: string): unknown {
  if (error instanceof IncumbentError) return error;
  const cause = new ErrorSummary(error);
  const { name } = cause;
  const message = dataOf(error, "message");
  const options = { cause };
  if (name === "ResourceNotFoundException") {
    const fix = `create it (with \`incumbent local\`, or with the CDK construct on AWS), or correct tableName, region or endpoint.`;
    return new TableError(tableName, "missing", fix, options);
  }
  if (name === "ValidationException" && isAboutKeySchema(message)) {
    const fix =
      "create the lease table with the partition key pk (S) and the sort key sk (S), and no other key.";
    return new TableError(tableName, "key-schema", fix, options);
  }
  if (name === "ValidationException") {
    return new TableError(
      tableName,
      "request",
      `correct tableName and its keys; DynamoDB refused the request to ${doing} as malformed.`,
      options,
    );
  }
  if (ACCESS_DENIED.has(name)) {
    const fix = `grant this identity GetItem, UpdateItem, Query and ConditionCheckItem on the table, and DeleteItem on the partition "<election>#candidates" (DynamoDB refused to ${doing}).`;
    return new TableError(tableName, "access-denied", fix, options);
  }
  if (CREDENTIALS.has(name) || /Region is missing|could not load credentials/i.test(cause.message)) {
    const fix =
      "check the client's credentials and region, and this host's clock: the request was not signed or not accepted.";
    return new TableError(tableName, "credentials", fix, options);
  }
  return new TableUnavailableError(doing, options);
}

/** A transaction writes the user's tables too, and DynamoDB does not say which of them it refused. */
export function transactionError(error: unknown, tableNames: readonly string[]): unknown {
  const cause = new ErrorSummary(error);
  const { name } = cause;
  const tables = tableNames.join('", "');
  const options = { cause };
  if (name === "ResourceNotFoundException") {
    const fix = "create the one that does not exist, or correct its name, region or endpoint.";
    return new TableError(tables, "missing", fix, options);
  }
  if (name === "ValidationException" || name === "TransactionCanceledException") {
    return new TableError(
      tables,
      "request",
      "correct the actions, which DynamoDB refused as malformed. (Multi-Region strongly consistent tables take no transactions: use guard().)",
      options,
    );
  }
  return error;
}
