import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DEFAULT_TABLE_NAME } from "../store/schema.js";
import { refused } from "./usage.js";

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
    description:
      "DynamoDB's endpoint. (Default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, or the region's own)",
  },
} as const;

/** A client from the usual AWS environment. DynamoDB Local on loopback needs no real credentials. */
export function newClient(endpoint: string | undefined): DynamoDBClient {
  const { env } = process;
  const [source, url] =
    [
      ["--endpoint", endpoint] as const,
      ["AWS_ENDPOINT_URL_DYNAMODB", env.AWS_ENDPOINT_URL_DYNAMODB || undefined] as const,
      ["AWS_ENDPOINT_URL", env.AWS_ENDPOINT_URL || undefined] as const,
    ].find(([, value]) => value !== undefined) ?? [];
  if (source === undefined || url === undefined) return new DynamoDBClient({});
  // The SDK notices it only when it sends, and then it looks like a table that does not answer.
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw refused(source, "must be a URL", url, "http://127.0.0.1:8000");
  }
  if (!isLoopback(url)) return new DynamoDBClient(endpoint === undefined ? {} : { endpoint });
  const given = env.AWS_ACCESS_KEY_ID || env.AWS_PROFILE;
  return new DynamoDBClient({
    endpoint: url,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1",
    ...(!given && { credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
  });
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
