import { randomUUID } from "node:crypto";
import { expect, inject, test } from "vitest";
import { Election, TableUnavailableError } from "../../src/index.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { between, Stage } from "../support/stage.js";

/** How an election's first term comes to be: what is asked, and what a refusal means. */

const client = newClient();
const signal = new AbortController().signal;

/** DynamoDB's answer to a transaction that met another one on the lease row. DynamoDB Local never gives it. */
const CONFLICT = {
  kind: "respond",
  status: 400,
  body: {
    __type: "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    Message:
      "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]",
    CancellationReasons: [{ Code: "TransactionConflict", Message: "conflict" }, { Code: "None" }],
  },
} as const;

test("what a candidate decides by is read consistently: the lease it has not seen, and the history", async () => {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const tableName = await newLeaseTable(client);
  const name = `e/${randomUUID()}`;
  const election = new Election({ client: newClient(proxy.endpoint), tableName, name });
  await (await election.tryCampaign())?.resign();
  const asked = (operation: string) =>
    proxy.requests.find((request) => request.operation === operation)?.body;
  expect(asked("GetItem")).toMatchObject({ Key: { sk: { S: "lease" } }, ConsistentRead: true });
  expect(asked("Query")).toMatchObject({ ConsistentRead: true });
  expect(JSON.stringify(asked("Query"))).toContain("term#");
});

test("every read of the lease asks for consistency exactly when it is told to", async () => {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const store = dynamoDBLeaseStore(newClient(proxy.endpoint), await newLeaseTable(client));
  await store.read("e", { consistent: true }, signal);
  await store.read("e", { consistent: false }, signal);
  expect(proxy.requests.map(({ body }) => (body as { ConsistentRead: boolean }).ConsistentRead)).toEqual([
    true,
    false,
  ]);
});

test("a founding that only met another transaction is no refusal: it says nothing about the row, and is tried again", async () => {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const tableName = await newLeaseTable(client);
  const name = `e/${randomUUID()}`;
  const told: string[] = [];
  const election = new Election({
    client: newClient(proxy.endpoint, { maxAttempts: 1 }),
    tableName,
    name,
    onEvent: ({ type }) => told.push(type),
  });
  const conflict = proxy.next("TransactWriteItems", CONFLICT);
  await expect(election.tryCampaign()).rejects.toBeInstanceOf(TableUnavailableError);
  await conflict;
  expect(await leaseRow(client, tableName, name)).toMatchObject({ term: { N: "0" } });
  void proxy.next("TransactWriteItems", CONFLICT);
  const leadership = await election.campaign();
  expect(leadership.term).toBe(1);
  expect(told).not.toContain("refused");
  expect(told.filter((type) => type === "unavailable")).toHaveLength(1);
  await leadership.resign();
});

test("a founding that is refused again and again is tried ever less often", async () => {
  const stage = new Stage();
  let tries = 0;
  let requests = 0;
  const store = between(stage.table, (verb, pass) => {
    requests += 1;
    if (verb !== "acquire") return pass();
    tries += 1;
    // A candidate that never rests would never let the stage go on.
    if (tries > 200) return new Promise(() => {});
    return Promise.resolve({ done: false, lease: undefined });
  });
  const { election } = stage.candidate("a", { store });
  const stop = new AbortController();
  const campaign = election.campaign({ signal: stop.signal }).catch(() => {});
  await stage.advance(10_000);
  expect(tries).toBeGreaterThan(5);
  [tries, requests] = [0, 0];
  await stage.advance(10_000);
  // One try each half to whole interval of a second: it, and the reads that it goes by.
  expect(tries).toBeLessThanOrEqual(20);
  expect(requests).toBeLessThanOrEqual(60);
  stop.abort();
  await campaign;
});
