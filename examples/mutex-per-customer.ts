import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const customer = process.argv[2] ?? "4711";
const lock = new Election({
  client: new DynamoDBClient({}),
  name: `customer/${customer}`,
  tuning: { deleteIdleAfterMs: 30 * 86_400_000 }, // rows of customers who are gone do not stay
});

// One copy at a time works on this customer. The others wait for up to a minute.
const leadership = await lock.campaign({ signal: AbortSignal.timeout(60_000) });
try {
  // Refused if this copy has lost the lock: the next one has a higher term, also years later.
  await leadership.transact([
    {
      Update: {
        TableName: "ledger",
        Key: { id: `customer-${customer}` },
        UpdateExpression: "ADD orders :one",
        ExpressionAttributeValues: { ":one": 1 },
      },
    },
  ]);
  console.log(`an order of customer ${customer}, term ${leadership.term}`);
} finally {
  await leadership.resign();
}
