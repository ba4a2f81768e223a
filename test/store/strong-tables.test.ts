import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, test } from "vitest";
import { Election } from "../../src/index.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { DynamoDBLike } from "../../src/store/dynamodb/table.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";

/** Tables with multi-Region strong consistency take no transactions. DynamoDB Local does, so they are refused here. */
const client = newClient();
let table: string;
beforeAll(async () => {
  table = await newLeaseTable(client);
});

const strong: DynamoDBLike = {
  send: (command: never, options) => {
    if ((command as object) instanceof TransactWriteItemsCommand) {
      const message = "Transactional operations are not supported on this table";
      return Promise.reject(Object.assign(new Error(message), { name: "ValidationException" }));
    }
    return client.send(command, options);
  },
};
const candidate = (name: string, label: string) =>
  // Long enough that no answer is late on a busy machine.
  new Election({
    client: strong,
    tableName: table,
    name,
    label,
    leaseDurationMs: 60_000,
    tuning: { requestTimeoutMs: 15_000 },
  });
const signal = new AbortController().signal;

test("an election is founded without a transaction, by one of several that try at once", async () => {
  const candidates = ["a", "b", "c"].map((label) => candidate("founded", label));
  const tries = await Promise.all(candidates.map((election) => election.tryCampaign()));
  const [leadership, ...others] = tries.filter((won) => won !== undefined);
  expect(others).toEqual([]);
  expect(leadership?.term).toBe(1);
  expect(await leaseRow(client, table, "founded")).toMatchObject({ term: { N: "1" } });
  await leadership?.resign();
  expect((await candidate("founded", "d").history()).map(({ term }) => term)).toEqual([1]);
});

test("whoever put a term into history and went no further has used it up: the next one follows it", async () => {
  const store = dynamoDBLeaseStore(client, table);
  await store.recordTerm("given-up", { term: 1, holder: "gone", leaseDurationMs: 300 }, signal);
  const leadership = await candidate("given-up", "a").campaign({ signal: AbortSignal.timeout(30_000) });
  expect(leadership.term).toBe(2);
  await leadership.resign();
});

test("a term that somebody else has put into history meanwhile is not founded again", async () => {
  const store = dynamoDBLeaseStore(strong, table);
  const place = { revision: 7, leaseDurationMs: 1_500, renewIntervalMs: 500 };
  await store.createPlaceholder({ election: "raced", ...place }, signal);
  await store.recordTerm("raced", { term: 1, holder: "b" }, signal);
  const basis = { term: 0, revision: 7, founding: { highestTerm: 0 } };
  const unknown = { value: undefined, expiresAt: undefined, at: undefined };
  const asked = {
    election: "raced",
    candidateId: "a",
    attemptId: "a-1",
    basis,
    term: 1,
    ...place,
    ...unknown,
  };
  expect(await store.acquire(asked, signal)).toMatchObject({ done: false, lease: undefined });
  expect((await store.read("raced", { consistent: true }, signal)).lease).toMatchObject({ term: 0 });
});

test("transact says what does instead; guard works", async () => {
  const leadership = await candidate("guarded", "a").campaign();
  const put = { Put: { TableName: table, Item: { pk: { S: "x" }, sk: { S: "y" } } } };
  await expect(leadership.transact([put])).rejects.toThrow(/take no transactions: use guard\(\)/);
  expect(leadership.guard(put.Put)).toMatchObject({ ConditionExpression: expect.any(String) });
  await leadership.resign();
});
