import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { Election, LeaseLostError } from "incumbent";

const client = new DynamoDBClient({});
const election = new Election({
  client,
  name: "imports",
  leaseDurationMs: 10_000,
  value: "http://10.0.0.7:8080",
});

try {
  await using leadership = await election.campaign({ signal: AbortSignal.timeout(60_000) });

  // Call this before a step that must not be late. It throws unless two seconds of trust are left.
  leadership.throwIfLost(2_000);

  // The item keeps the term as its fence. DynamoDB refuses this write if a later term has written the item.
  await client.send(
    new PutItemCommand(
      leadership.guard({ TableName: "ledger", Item: { id: { S: "import-1" }, rows: { N: "4711" } } }),
    ),
  );
  console.log(`imported under term ${leadership.term}`);
} catch (error) {
  if (!(error instanceof LeaseLostError)) throw error;
  console.error(`lost: ${error.reason}, ${error.lateByMs} ms ago`);
}
