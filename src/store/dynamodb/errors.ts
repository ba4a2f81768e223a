import { dataOf } from "../../describe.js";
import { deniedAction, ErrorSummary, isAboutKeySchema } from "../../error-summary.js";
import { IncumbentError, TableError, TableUnavailableError, TransactionRefusedError } from "../../errors.js";

/** What an error of the SDK means for the caller: try again, or repair something first. */

const ACCESS_DENIED = new Set(["AccessDeniedException", "NotAuthorized", "OptInRequired"]);

/** IAM refused it. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && ACCESS_DENIED.has(error.name);
}

/** Errors about the client's credentials, and what repairs them. */
const FIXES: ReadonlyArray<[name: RegExp, fix: string]> = [
  [
    /^(ExpiredToken|RequestExpired)/,
    "get new ones, because they have expired: with `aws sso login`, or from a provider that renews them.",
  ],
  [
    /^(UnrecognizedClient|InvalidClientTokenId)/,
    "correct the access key and the session token, which DynamoDB does not know, or enable the Region for the account.",
  ],
  [
    /^(InvalidSignature|IncompleteSignature|SignatureDoesNotMatch)/,
    "correct the secret access key, or this host's clock.",
  ],
  [
    /^(CredentialsProviderError|TokenProviderError|MissingAuthenticationToken)/,
    "give the client a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with `aws sso login`.",
  ],
];

export function storeError(error: unknown, tableName: string, doing: string): unknown {
  if (error instanceof IncumbentError) return error;
  const cause = new ErrorSummary(error);
  const { name } = cause;
  const message = dataOf(error, "message");
  const options = { cause };
  if (name === "ResourceNotFoundException") {
    const fix =
      "correct its name, or the client's Region or endpoint; or create it: the README has the commands, and `incumbent local` does it on this machine.";
    return new TableError(tableName, "missing", fix, options);
  }
  if (name === "ValidationException" && isAboutKeySchema(message)) {
    const fix = "correct its name, or create a table with the partition key pk (S) and the sort key sk (S).";
    return new TableError(tableName, "key-schema", fix, options);
  }
  if (name === "ValidationException") {
    const fix = `correct its name: it must be a lease table (the request was to ${doing}).`;
    return new TableError(tableName, "request", fix, options);
  }
  if (ACCESS_DENIED.has(name)) return accessDenied(message, tableName, doing, cause);
  if (/^Region /.test(cause.message)) {
    const fix =
      'set AWS_REGION, or create the client with it: new DynamoDBClient({ region: "eu-central-1" }).';
    return new TableError(tableName, "region", fix, options);
  }
  const fix = FIXES.find(([pattern]) => pattern.test(name))?.[1];
  return fix === undefined
    ? new TableUnavailableError(doing, options)
    : new TableError(tableName, "credentials", fix, options);
}

function accessDenied(message: unknown, tableName: string, doing: string, cause: ErrorSummary): TableError {
  const fix =
    `allow the client's identity ${deniedAction(message) ?? `the actions that the request to ${doing} needs`} on it. A candidate needs GetItem, UpdateItem, ` +
    'Query and ConditionCheckItem, DeleteItem on the partition "<election>#candidates", and GetItem and ConditionCheckItem on "floor#*"; with ' +
    'sessions also BatchGetItem, and GetItem and UpdateItem on "session#*".';
  return new TableError(tableName, "access-denied", fix, { cause });
}

/**
 * A transaction writes the user's tables too. DynamoDB names the table only when it refuses access. Undefined: the error
 * says nothing of the actions.
 */
export function transactionError(error: unknown, leaseTable: string, tables: readonly string[]): unknown {
  const cause = new ErrorSummary(error);
  const { name } = cause;
  const options = { cause };
  if (name === "ResourceNotFoundException") {
    const fix = "correct its name, or create it in the account and Region of the lease table.";
    return new TableError(tables, "missing", fix, options);
  }
  if (name === "ValidationException" || name === "TransactionCanceledException") {
    return new TransactionRefusedError([], options);
  }
  const message = dataOf(error, "message");
  const denied = deniedAction(message);
  const table = tables.find(
    (each) => each !== leaseTable && String(message).includes(`table/${nameOf(each)} `),
  );
  if (ACCESS_DENIED.has(name) && denied !== undefined && table !== undefined) {
    return new TableError(table, "access-denied", `allow the client's identity ${denied} on it.`, options);
  }
  return error;
}

/** Without what comes before the name in an ARN. */
function nameOf(table: string): string {
  return table.slice(table.lastIndexOf("/") + 1);
}
