import { dataOf } from "../../describe.js";
import { ErrorSummary, isAboutKeySchema } from "../../error-summary.js";
import { IncumbentError, TableError, TableUnavailableError } from "../../errors.js";

/** What an error of the SDK means for whoever asked: try again, or repair something first. */

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
    const fix = `Create it (\`incumbent local\` does on DynamoDB Local; the CDK construct does on AWS), or correct tableName, region or endpoint.`;
    return new TableError(tableName, "missing", fix, options);
  }
  if (name === "ValidationException" && isAboutKeySchema(message)) {
    const fix =
      "The lease table needs the partition key pk (S) and the sort key sk (S), and nothing else in its key.";
    return new TableError(tableName, "key-schema", fix, options);
  }
  if (name === "ValidationException") {
    return new TableError(
      tableName,
      "request",
      `DynamoDB refused the request to ${doing} as malformed.`,
      options,
    );
  }
  if (ACCESS_DENIED.has(name)) {
    const fix = `Grant this identity GetItem, UpdateItem, Query and ConditionCheckItem on the table, and DeleteItem on the partition "<election>#candidates" (this was to ${doing}).`;
    return new TableError(tableName, "access-denied", fix, options);
  }
  if (CREDENTIALS.has(name) || /Region is missing|could not load credentials/i.test(cause.message)) {
    const fix =
      "The client could not sign the request: check credentials, region, and that this host's clock is right.";
    return new TableError(tableName, "credentials", fix, options);
  }
  return new TableUnavailableError(doing, options);
}

/** A transaction spans the user's tables too, and DynamoDB does not say which of them it refused. */
export function transactionError(error: unknown, tableNames: readonly string[]): unknown {
  const cause = new ErrorSummary(error);
  const { name } = cause;
  const tables = tableNames.join('", "');
  const options = { cause };
  if (name === "ResourceNotFoundException") {
    const fix = "One of these tables does not exist: create it, or correct its name, region or endpoint.";
    return new TableError(tables, "missing", fix, options);
  }
  if (name === "ValidationException" || name === "TransactionCanceledException") {
    return new TableError(
      tables,
      "request",
      "DynamoDB refused the transaction as malformed. (Tables with multi-Region strong consistency take none: use guard().)",
      options,
    );
  }
  return error;
}
