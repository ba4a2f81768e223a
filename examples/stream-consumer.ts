import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { Partitions } from "incumbent";

const client = new DynamoDBClient({});
const shards = new Partitions({ client, name: "orders/shards", count: 4, leaseDurationMs: 3_000 });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

// Every copy of the consumer calls this. Each shard is read by one copy at a time.
await shards.run(
  async (shard, leadership) => {
    const id = `shard-${shard}`;
    // Go on where the last reader of this shard stopped.
    const { Item } = await client.send(
      new GetItemCommand({ TableName: "ledger", Key: { id: { S: id } }, ConsistentRead: true }),
    );
    let checkpoint = Number(Item?.checkpoint?.N ?? 0);
    console.log(`shard ${shard}, term ${leadership.term}: from ${checkpoint + 1}`);
    while (!leadership.signal.aborted) {
      const records = await readRecords(checkpoint);
      checkpoint += records.length;
      // The results and the checkpoint are written together. DynamoDB refuses both once another copy reads this shard.
      await leadership.transact([
        {
          Update: {
            TableName: "ledger",
            Key: { id },
            UpdateExpression: "SET checkpoint = :checkpoint ADD handled :handled",
            ExpressionAttributeValues: { ":checkpoint": checkpoint, ":handled": records.length },
          },
        },
      ]);
      console.log(`shard ${shard}: up to ${checkpoint}`);
    }
  },
  { signal: stop.signal },
);

/** Your stream: Kinesis, Kafka, a table that is read in order. */
async function readRecords(after = 0) {
  await sleep(200);
  return [after + 1, after + 2, after + 3];
}
