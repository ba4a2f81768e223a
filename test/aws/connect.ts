import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { deniedAction, ErrorSummary } from "../../src/error-summary.js";

export interface Place {
  /** Undefined: it is not AWS. */
  readonly region: string | undefined;
  readonly endpoint: string;
}

/** Something that the person who started this can repair. */
export class SetupError extends Error {}

/** The Region, by the SDK's own configuration. Sends nothing to DynamoDB. */
export async function findRegion(region: string | undefined): Promise<string> {
  const client = new DynamoDBClient(region === undefined ? {} : { region });
  const found = await client.config.region().catch(() => {
    throw new SetupError("There is no Region. Give --region eu-west-1, or set AWS_REGION.");
  });
  await client.config.credentials().catch((error: unknown) => {
    throw new SetupError(explanation(error));
  });
  return found;
}

interface Sent {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
}

/** Where the requests of this client go, once one has gone: many settings can say it, and a report must be right. */
export function placeOf(client: DynamoDBClient, region: string): () => Place {
  let sent: Sent | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      sent = args.request as Sent;
      return next(args);
    },
    { step: "finalizeRequest", name: "notePlace" },
  );
  return () => {
    const { protocol = "", hostname = "", port } = sent ?? {};
    const isAws = /\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname);
    const endpoint = `${protocol}//${hostname}${port ? `:${port}` : ""}`;
    return { region: isAws ? region : undefined, endpoint };
  };
}

/** What to do about an error of the first requests. It never repeats a message of AWS, which can name an account. */
export function explanation(error: unknown): string {
  const { name, message, code } = new ErrorSummary(error);
  const denied = deniedAction((error as Error).message);
  if (/^(AccessDenied|NotAuthorized|OptInRequired)/.test(name)) {
    return `These credentials are not allowed ${denied ?? "what the run needs"}. docs/verify-aws.md has the least policy.`;
  }
  if (name === "ResourceNotFoundException")
    return "There is no table of that name in this account and Region.";
  if (/^(CredentialsProviderError|TokenProviderError)/.test(name)) {
    return "There are no AWS credentials. Sign in (`aws sso login`, `aws configure`), or set AWS_PROFILE. Every way in which the AWS SDK finds credentials works.";
  }
  if (/^(ExpiredToken|RequestExpired)/.test(name)) return "The credentials have expired. Sign in again.";
  if (/^(UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch)/.test(name)) {
    return "DynamoDB does not know these credentials, or the Region is not enabled for the account.";
  }
  if (code !== undefined)
    return `DynamoDB could not be reached (${code}). Look at the Region, the network and the proxy.`;
  return `${name}: ${message}`;
}
