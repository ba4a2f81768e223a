import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { deniedAction, ErrorSummary } from "../../src/error-summary.js";
import type { Connection } from "../chaos/messages.js";

export interface Place {
  readonly connection: Connection;
  /** Undefined: it is not AWS. */
  readonly region: string | undefined;
  readonly endpoint: string;
}

/** Something that the person who started this can repair. */
export class SetupError extends Error {}

/** Where the requests will go, by the SDK's own configuration. Sends nothing to DynamoDB. */
export async function findPlace(region: string | undefined): Promise<Place> {
  const connection: Connection = region === undefined ? {} : { region };
  const client = new DynamoDBClient(connection);
  const found = await client.config.region().catch(() => {
    throw new SetupError("There is no Region. Give --region eu-west-1, or set AWS_REGION.");
  });
  await client.config.credentials().catch((error: unknown) => {
    throw new SetupError(explanation(error));
  });
  const custom = process.env.AWS_ENDPOINT_URL_DYNAMODB || process.env.AWS_ENDPOINT_URL;
  const endpoint = custom || `https://dynamodb.${found}.amazonaws.com`;
  const { hostname } = new URL(endpoint);
  const isAws = /\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname);
  return {
    connection: { region: found },
    region: isAws ? found : undefined,
    endpoint: withoutSecrets(endpoint),
  };
}

function withoutSecrets(endpoint: string): string {
  const { protocol, host } = new URL(endpoint);
  return `${protocol}//${host}`;
}

/** What to do about an error of the first requests. It never repeats a message of AWS, which can name an account. */
export function explanation(error: unknown): string {
  const { name, message, code } = new ErrorSummary(error);
  const denied = deniedAction((error as Error).message);
  if (/^(AccessDenied|NotAuthorized|OptInRequired)/.test(name)) {
    return `These credentials are not allowed ${denied ?? "what the run needs"}. docs/verify-aws.md has the least policy.`;
  }
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
