import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const client = new DynamoDBClient({});
const election = new Election({ client, tableName: "incumbent", name: "billing/nightly" });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort()); // how ECS, Kubernetes and systemd end a process
process.once("SIGINT", () => stop.abort());

// Every copy of the worker calls this. The function runs in one copy at a time.
await election.lead(
  async (leadership) => {
    console.log(`leading, term ${leadership.term}`);
    // Go on where the last leader stopped.
    const { Item } = await client.send(
      new GetItemCommand({ TableName: "ledger", Key: { id: { S: "account-7" } }, ConsistentRead: true }),
    );
    for (let day = Number(Item?.days?.N ?? 0) + 1; !leadership.signal.aborted; day++) {
      // Writes all actions or none. DynamoDB refuses them once a later term has begun.
      await leadership.transact([
        {
          Update: {
            TableName: "ledger",
            Key: { id: "account-7" },
            UpdateExpression: "ADD balance :amount, days :one",
            ExpressionAttributeValues: { ":amount": -30, ":one": 1 },
          },
        },
      ]);
      console.log(`charged day ${day}`);
      await sleep(1_000, undefined, { signal: leadership.signal });
    }
  },
  { signal: stop.signal },
);
