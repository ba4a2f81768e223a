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

  // Before a step that must not be late: at least two seconds of trust, by the clocks as they are now.
  leadership.throwIfLost(2_000);

  // An item that carries its own fence: refused once it was written under a later term.
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
