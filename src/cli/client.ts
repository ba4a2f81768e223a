import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_NAME } from "../store/schema.js";

/** Options of every command that talks to a table. */
export const tableArgs = {
  table: {
    type: "string",
    valueHint: "name",
    default: DEFAULT_TABLE_NAME,
    description: "The lease table.",
  },
  endpoint: {
    type: "string",
    valueHint: "url",
    description: "DynamoDB's endpoint. (Default: as AWS_ENDPOINT_URL_DYNAMODB or the region say)",
  },
} as const;

/** A client from the usual AWS environment. DynamoDB Local on loopback needs no credentials of its own. */
export function newClient(endpoint: string | undefined): DynamoDBClient {
  const url = endpoint ?? process.env.AWS_ENDPOINT_URL_DYNAMODB;
  if (!isLoopback(url)) return new DynamoDBClient(endpoint === undefined ? {} : { endpoint });
  const given = process.env.AWS_ACCESS_KEY_ID !== undefined || process.env.AWS_PROFILE !== undefined;
  return new DynamoDBClient({
    ...(endpoint !== undefined && { endpoint }),
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    ...(!given && { credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
  });
}

function isLoopback(url: string | undefined): boolean {
  try {
    return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url ?? "").hostname);
  } catch {
    return false;
  }
}
