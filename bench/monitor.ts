import { BatchWriteItemCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { createLeaseTable, startDynamoDBLocal } from "../src/testing/index.js";
import { TableReader } from "../src/views/table-reader.js";
import { countReadUnits } from "../test/support/read-units.js";

/**
 * `npm run bench:monitor`: what one look of the monitor reads, by ReturnConsumedCapacity of DynamoDB Local, next to a scan of
 * the whole table. The table has a job that ran once a minute for 90 days, and elections of workers. Ten minutes: the scan takes the most.
 */

const TABLE = "incumbent";
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const HISTORIES = [1_440, 130_000];
const WORKERS = 20;
const AT_ONCE = 8;

type Row = Record<string, { S: string } | { N: string }>;

function leaseOf(pk: string, term: number, electedAt: number): Row {
  return {
    ...{ pk: { S: pk }, sk: { S: "lease" }, schemaVersion: { N: "1" }, term: { N: String(term) } },
    ...{
      revision: { N: "1048576" },
      attemptId: { S: "worker-7-1mzq0c8x3k5d.12" },
      value: { S: "http://10.0.0.7" },
    },
    ...{
      holder: { S: "worker-7-1mzq0c8x3k5d" },
      electedAt: { N: String(electedAt) },
      renewedAt: { N: String(electedAt) },
    },
    ...{
      leaseDurationMs: { N: "15000" },
      renewIntervalMs: { N: "5000" },
      expiresAt: { N: String(electedAt + 15_000) },
    },
  };
}

function termOf(pk: string, term: number, electedAt: number): Row {
  return {
    ...{ pk: { S: pk }, sk: { S: `term#${String(term).padStart(12, "0")}` }, schemaVersion: { N: "1" } },
    ...{ term: { N: String(term) }, holder: { S: "worker-7-1mzq0c8x3k5d" }, leaseDurationMs: { N: "15000" } },
    ...{
      electedAt: { N: String(electedAt) },
      endedAt: { N: String(electedAt + 900) },
      endReason: { S: "released" },
    },
    ...{ lastRenewedAt: { N: String(electedAt) }, lastTick: { S: "2026-01-31T03:00:00.000Z" } },
    ...{
      lastTickBefore: { S: "2026-01-31T02:59:00.000Z" },
      ttl: { N: String(Math.ceil((electedAt + 90 * 24 * HOUR_MS) / 1_000)) },
    },
  };
}

function* tableOf(terms: number, workers: number): Generator<Row> {
  const nowMs = Date.now();
  const of = (term: number) => nowMs - (terms - term) * MINUTE_MS;
  for (let term = 1; term <= terms; term++) yield termOf("reports/minutely", term, of(term));
  yield leaseOf("reports/minutely", terms, nowMs);
  for (let worker = 1; worker <= workers; worker++) {
    const electedAt = nowMs - 24 * HOUR_MS;
    for (let term = 1; term <= 3; term++) yield termOf(`worker/${worker}`, term, electedAt);
    yield leaseOf(`worker/${worker}`, 3, electedAt);
  }
}

async function fill(client: DynamoDBClient, rows: Generator<Row>): Promise<void> {
  const writer = async () => {
    for (;;) {
      const requests: { PutRequest: { Item: Row } }[] = [];
      while (requests.length < 25) {
        const { value, done } = rows.next();
        if (done) break;
        requests.push({ PutRequest: { Item: value } });
      }
      if (requests.length === 0) return;
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
}

async function measured(
  client: DynamoDBClient,
  what: string,
  read: (client: DynamoDBClient) => Promise<unknown>,
) {
  const count = countReadUnits(client);
  const startMs = performance.now();
  await read(client);
  const ms = Math.round(performance.now() - startMs);
  console.log(
    `  ${what.padEnd(44)} ${count.units.toFixed(1).padStart(8)} units ${String(count.requests).padStart(4)} requests ${String(ms).padStart(6)} ms`,
  );
}

async function wholeTable(client: DynamoDBClient): Promise<void> {
  let from: Row | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: TABLE, ...(from && { ExclusiveStartKey: from }) }),
    );
    from = page.LastEvaluatedKey as Row | undefined;
  } while (from);
}

async function look(client: DynamoDBClient, wanted: Parameters<TableReader["rows"]>[0]): Promise<void> {
  for await (const _ of new TableReader(client, TABLE).rows(wanted));
}

for (const terms of HISTORIES) {
  await using local = await startDynamoDBLocal();
  const client = () => new DynamoDBClient(local.clientConfig);
  await createLeaseTable(client(), TABLE);
  await fill(client(), tableOf(terms, WORKERS));
  console.log(`A job with ${terms} terms, and ${WORKERS} elections of workers:`);
  await measured(client(), "a scan of the whole table", wholeTable);
  await measured(client(), "a look of the monitor", (by) => look(by, { termsWithinMs: HOUR_MS }));
  await measured(client(), "a look that also deletes old rows", (by) =>
    look(by, { termsWithinMs: HOUR_MS, expired: true }),
  );
  await measured(client(), "`incumbent status`", (by) => look(by, { whole: true }));
}
