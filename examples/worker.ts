import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const election = new Election({
  client: new DynamoDBClient({}),
  tableName: "incumbent",
  name: "billing/nightly",
});
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

// Runs in every copy of the worker; the work runs in one at a time.
await election.lead(
  async (leadership) => {
    console.log(`leading, term ${leadership.term}`);
    for (let day = 1; !leadership.signal.aborted; day++) {
      // All or nothing, and refused by DynamoDB itself once another term has begun.
      await leadership.transact([
        {
          Update: {
            TableName: "ledger",
            Key: { id: { S: "account-7" } },
            UpdateExpression: "ADD balance :amount SET lastDay = :day",
            ExpressionAttributeValues: { ":amount": { N: "-30" }, ":day": { N: String(day) } },
          },
        },
      ]);
      console.log(`charged day ${day}`);
    }
  },
  { signal: stop.signal },
);
