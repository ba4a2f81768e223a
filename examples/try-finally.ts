import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const election = new Election({ client: new DynamoDBClient({}), name: "cleanup" });

const leadership = await election.campaign({ signal: AbortSignal.timeout(60_000) });
try {
  // Call this before a step that must not be late. It throws unless two seconds of trust are left.
  leadership.throwIfLost(2_000);
  console.log(`cleaned up under term ${leadership.term}`);
} finally {
  await leadership.resign(); // also when the leadership is lost: then it does nothing
}
