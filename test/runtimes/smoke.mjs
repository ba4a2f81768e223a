import assert from "node:assert/strict";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, LeaseLostError, Operator } from "incumbent";
import { createLeaseTable } from "incumbent/testing";

/** A short story with the packed package. Any runtime can run it: its table is at AWS_ENDPOINT_URL_DYNAMODB. */

const runtime = process.argv[2];
const client = new DynamoDBClient({ region: "eu-central-1" });
const tableName = `leases-${runtime}`;
const name = "billing/nightly";
await createLeaseTable(client, tableName);
await createLedger();

const candidate = (label) =>
  new Election({ client, tableName, name, label, leaseDurationMs: 10_000, succession: { order: "arrival" } });
const [first, second] = [candidate("first"), candidate("second")];
const stop = new AbortController();

// One leads, the other waits, and the lease goes over when the first resigns.
const leadership = await first.campaign();
assert.equal(leadership.term, 1);
leadership.throwIfLost(1_000);
const led = [];
const follower = second.lead(
  async ({ term, signal }) => {
    led.push(term);
    if (term === 2) return new Operator({ client, tableName, name, by: "smoke" }).requestStepDown();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  },
  { signal: stop.signal },
);
assert.equal((await first.tryCampaign().catch((error) => error)).code, "ALREADY_CAMPAIGNING");
assert.equal((await second.candidates())[0].label, "first");

// Fenced: applied once while it leads, refused afterwards.
await leadership.transact([put("one", 450)]);
await leadership.resign();
await assert.rejects(leadership.transact([put("two", 1)]), LeaseLostError);
assert.throws(() => leadership.throwIfLost(), { code: "LEASE_LOST", reason: "resigned", term: 1 });

for await (const { leader } of first.observe({ signal: AbortSignal.timeout(150_000) }))
  if (leader?.term >= 2) break;
stop.abort();
await follower;
assert.equal(led[0], 2);
const terms = (await first.history()).map((row) => row.term);
assert.equal(terms.at(-1), 1);

// A tick runs once.
const job = new Election({ client, tableName, name: "reports/daily" });
const runs = [];
for (const _ of [1, 2]) runs.push((await job.runOnce("2026-01-01", async () => "done")).ran);
assert.deepEqual(runs, [true, false]);
console.log(`ok: ${terms.length} terms, ${runs.length} runs of one tick`);

function put(id, cents) {
  return { Put: { TableName: `ledger-${runtime}`, Item: { id, cents } } };
}

async function createLedger() {
  await client.send(
    new CreateTableCommand({
      TableName: `ledger-${runtime}`,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
}
