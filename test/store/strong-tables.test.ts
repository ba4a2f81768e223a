import {
  DeleteItemCommand,
  GetItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
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
const leaseKey = (name: string) => ({ pk: { S: name }, sk: { S: "lease" } });

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

/** IAM refuses a request before DynamoDB looks at the table. */
const withoutConditionCheck = (under: DynamoDBLike): DynamoDBLike => ({
  send: (command: never, options) => {
    const { TransactItems = [] } = (command as TransactWriteItemsCommand).input;
    if (TransactItems.some((item) => item.ConditionCheck)) {
      const message = "User is not authorized to perform: dynamodb:ConditionCheckItem on resource";
      return Promise.reject(Object.assign(new Error(message), { name: "AccessDeniedException" }));
    }
    return under.send(command, options);
  },
});

test("an election is founded anew without the right to ConditionCheckItem, which such a table does not need", async () => {
  const name = "founded-anew";
  const tableName = table;
  const settings = { tableName, name, leaseDurationMs: 4_000 };
  const first = new Election({ client: strong, ...settings });
  await (await first.campaign({ signal: AbortSignal.timeout(30_000) })).resign();
  await client.send(new DeleteItemCommand({ TableName: table, Key: leaseKey(name) }));
  let failures = 0;
  const failingOnce: DynamoDBLike = {
    send: (command: never, options) => {
      if (!((command as object) instanceof TransactWriteItemsCommand) || failures++ > 0) {
        return strong.send(command, options);
      }
      return Promise.reject(Object.assign(new Error("try again"), { name: "InternalServerError" }));
    },
  };
  const second = new Election({ client: withoutConditionCheck(failingOnce), ...settings });
  const leadership = await second.campaign({ signal: AbortSignal.timeout(30_000) });
  expect(leadership.term).toBe(2);
  expect(failures).toBeGreaterThan(1);
  await leadership.resign();
});

test("a table with transactions needs the right to ConditionCheckItem: without it nothing is founded", async () => {
  const name = "founded-with-transactions";
  const settings = { tableName: table, name, leaseDurationMs: 1_500 };
  await (await new Election({ client, ...settings }).campaign()).resign();
  await client.send(new DeleteItemCommand({ TableName: table, Key: leaseKey(name) }));
  const second = new Election({ client: withoutConditionCheck(client as DynamoDBLike), ...settings });
  await expect(second.campaign({ signal: AbortSignal.timeout(30_000) })).rejects.toThrow(
    /allow the client's identity dynamodb:ConditionCheckItem on it/,
  );
  expect(await leaseRow(client, table, name)).toMatchObject({ term: { N: "0" } });
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

test("a claim that the floor has outrun is waited for by nobody: its founder has sent no acquire", async () => {
  const name = "outrun";
  let raised = false;
  const outrun: DynamoDBLike = {
    send: async (command: never, options) => {
      const { Key } = (command as UpdateItemCommand).input;
      const answer = await strong.send(command, options);
      const isClaim = (command as object) instanceof UpdateItemCommand && Key?.sk?.S?.startsWith("term#");
      if (isClaim && !raised) {
        raised = true;
        // Another name of its shard was used meanwhile.
        await dynamoDBLeaseStore(client, table).raiseFloor(name, 1, signal);
      }
      return answer;
    },
  };
  const patient = { leaseDurationMs: 60_000, tuning: { requestTimeoutMs: 15_000 } };
  const election = new Election({ client: outrun, tableName: table, name, ...patient });
  expect(await election.tryLead(async ({ term }) => term)).toMatchObject({ ran: true, result: 101 });
  const { Item: claim } = await client.send(
    new GetItemCommand({ TableName: table, Key: { pk: { S: name }, sk: { S: "term#000000000001" } } }),
  );
  const inADay = Date.now() / 1_000 + 86_400;
  expect(Math.abs(Number(claim?.ttl?.N) - inADay)).toBeLessThan(300);
});
