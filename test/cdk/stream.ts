import { type DynamoDBClient, PutItemCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";

export interface StreamRecord {
  readonly eventName: string;
  readonly dynamodb: Record<string, unknown> & { readonly Keys: { readonly pk: { readonly S: string } } };
}

const LAST = "the last record";

/** All records of a table's stream while something happens, in the shape that EventBridge Pipes sees. */
export async function streamRecords(
  client: DynamoDBClient,
  TableName: string,
  happens: () => Promise<void>,
): Promise<StreamRecord[]> {
  const StreamSpecification = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" as const };
  const { TableDescription } = await client.send(new UpdateTableCommand({ TableName, StreamSpecification }));
  const StreamArn = TableDescription?.LatestStreamArn;
  await happens();
  await client.send(new PutItemCommand({ TableName, Item: { pk: { S: LAST }, sk: { S: "-" } } }));

  const { StreamDescription } = await ask("DescribeStream", { StreamArn });
  const records: StreamRecord[] = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const start = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" };
    let { ShardIterator } = await ask("GetShardIterator", start);
    while (ShardIterator && records.at(-1)?.dynamodb.Keys.pk.S !== LAST) {
      const { Records, NextShardIterator } = await ask("GetRecords", { ShardIterator });
      records.push(...Records);
      ShardIterator = NextShardIterator;
    }
  }
  return records.filter(({ dynamodb }) => dynamodb.Keys.pk.S !== LAST);
}

/** DynamoDB Local's side door; the SDK's client for streams is a package of its own. */
// biome-ignore lint/suspicious/noExplicitAny: answers as they come
async function ask(operation: string, body: object): Promise<any> {
  const { endpoint, region, credentials } = inject("dynamodb");
  const scope = `${credentials.accessKeyId}/20260101/${region}/dynamodb/aws4_request`;
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDBStreams_20120810.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${operation}: ${await answer.text()}`);
  return answer.json();
}
