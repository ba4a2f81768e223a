import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Session } from "incumbent";

const session = new Session({ client: new DynamoDBClient({}) });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

// Every copy of the program runs this. Each tenant is served by one copy at a time.
const tenants = ["ada", "bob", "cleo", "dan"];
await Promise.all(
  tenants.map(async (tenant) => {
    const election = new Election({ session, name: `tenant/${tenant}` });
    await election.lead(
      async (leadership) => {
        console.log(`${tenant}, term ${leadership.term}`);
        while (!leadership.signal.aborted) {
          // Each lease has its own term and its own fence, as without a session.
          await leadership.transact([
            {
              Update: {
                TableName: "ledger",
                Key: { id: `tenant-${tenant}` },
                UpdateExpression: "ADD served :one",
                ExpressionAttributeValues: { ":one": 1 },
              },
            },
          ]);
          console.log(`served ${tenant}`);
          await sleep(200, undefined, { signal: leadership.signal });
        }
      },
      { signal: stop.signal },
    );
  }),
);
await session.close(); // the leases are back already: this ends the session itself
