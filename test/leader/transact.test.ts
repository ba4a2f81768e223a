import { randomUUID } from "node:crypto";
import { GetItemCommand, PutItemCommand, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { beforeAll, expect, test } from "vitest";
import {
  Election,
  type ElectionEvent,
  FencedOutError,
  InvalidOptionError,
  LeaseLostError,
  type TransactionAction,
  TransactionRefusedError,
} from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { newClient, newLeaseTable, newTable } from "../support/fixture.js";

const client = newClient();
let leases: string;
let ledger: string;
beforeAll(async () => {
  leases = await newLeaseTable(client);
  ledger = await newTable(client);
});

const candidate = (options: Partial<ClientOptions & CandidateOptions> = {}) =>
  new Election({ client, tableName: leases, name: `e/${randomUUID()}`, ...options });

const put = (id: string, extra = {}): TransactionAction => ({
  Put: { TableName: ledger, Item: { id, ...extra } },
});
const add = (id: string): TransactionAction => ({
  Update: {
    TableName: ledger,
    Key: { id },
    UpdateExpression: "ADD hits :one",
    ExpressionAttributeValues: { ":one": 1 },
  },
});
const item = async (id: string) =>
  (await client.send(new GetItemCommand({ TableName: ledger, Key: { id: { S: id } }, ConsistentRead: true })))
    .Item;

test("200 concurrent calls beside renewals: no write lost, no innocent refused, no lease lost", async () => {
  const events: ElectionEvent[] = [];
  // Renewed often, and long beside an answer of a busy machine: no renewal is late, only in others' way.
  const election = candidate({
    leaseDurationMs: 60_000,
    renewIntervalMs: 300,
    tuning: { requestTimeoutMs: 20_000 },
    onEvent: (event) => events.push(event),
  });
  await using leadership = await election.campaign();
  const run = randomUUID();
  await client.send(new PutItemCommand({ TableName: ledger, Item: { id: { S: `${run}/taken` } } }));

  // Until the lease was renewed at least three times under this load.
  let rounds = 0;
  let hits = 0;
  while (events.filter(({ type }) => type === "renewed").length < 3) {
    rounds += 1;
    const calls = Array.from({ length: 200 }, (_, i) => {
      if (i % 20 === 0) {
        const taken = put(`${run}/taken`);
        if (taken.Put) taken.Put.ConditionExpression = "attribute_not_exists(id)";
        return { guilty: true, actions: [put(`${run}/${rounds}/never-${i}`), taken] };
      }
      if (i % 4 === 1)
        return { guilty: false, actions: [add(`${run}/counter`), put(`${run}/${rounds}/${i}`)] };
      return { guilty: false, actions: [put(`${run}/${rounds}/${i}`)] };
    });
    hits += calls.filter(({ actions }) => actions[0]?.Update).length;
    const results = await Promise.allSettled(calls.map(({ actions }) => leadership.transact(actions)));
    results.forEach((result, i) => {
      expect(result.status).toBe(calls[i]?.guilty ? "rejected" : "fulfilled");
      if (result.status === "fulfilled") return;
      const error = result.reason as TransactionRefusedError;
      expect(error).toBeInstanceOf(TransactionRefusedError);
      expect(error.refusals.map(({ code }) => code)).toEqual(["None", "ConditionalCheckFailed"]);
    });
  }
  const written = new Set<string>();
  for (let from: Record<string, never> | undefined, first = true; first || from; first = false) {
    const page = await client.send(
      new ScanCommand({ TableName: ledger, ConsistentRead: true, ...(from && { ExclusiveStartKey: from }) }),
    );
    for (const row of page.Items ?? []) if (row.id?.S?.startsWith(run)) written.add(row.id.S);
    from = page.LastEvaluatedKey as typeof from;
  }
  expect([...written].filter((id) => id.includes("never"))).toEqual([]);
  expect(written.size).toBe(rounds * 190 + 2);
  expect((await item(`${run}/counter`))?.hits).toEqual({ N: String(hits) });
  leadership.throwIfLost();
  expect(events.filter(({ type }) => type === "elected")).toHaveLength(1);
  expect(events.filter(({ type }) => type === "ended")).toEqual([]);
});

test("calls on one item are applied in the order they were made", async () => {
  await using leadership = await candidate().campaign();
  const id = randomUUID();
  await Promise.all(Array.from({ length: 20 }, (_, n) => leadership.transact([put(id, { n })])));
  expect((await item(id))?.n).toEqual({ N: "19" });
});

test("a write of a superseded leader is refused by the table, and it learns that it was", async () => {
  const election = candidate();
  const leadership = await election.campaign();
  const operator = dynamoDBLeaseStore(client, leases);
  await operator.evict({ election: election.name, term: 1, at: undefined }, new AbortController().signal);
  const id = randomUUID();
  const error = await leadership.transact([put(id)]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FencedOutError);
  expect(error).toMatchObject({ term: 1, currentTerm: 2 });
  expect(await item(id)).toBeUndefined();
  expect(leadership.signal.reason).toMatchObject({ reason: "evicted" });
  await expect(leadership.transact([put(id)])).rejects.toBeInstanceOf(LeaseLostError);
});

test("0, 100 and 101 actions are refused with the rule, and 99 are written", async () => {
  await using leadership = await candidate().campaign();
  const run = randomUUID();
  const many = (count: number) => Array.from({ length: count }, (_, i) => put(`${run}/${i}`));
  for (const count of [0, 100, 101]) {
    await expect(leadership.transact(many(count))).rejects.toBeInstanceOf(InvalidOptionError);
  }
  await leadership.transact(many(99));
  expect(await item(`${run}/98`)).toBeDefined();
});

test("malformed actions are refused by themselves: other calls and the lease go on", async () => {
  await using leadership = await candidate().campaign();
  const id = randomUUID();
  const results = await Promise.allSettled([
    leadership.transact([{} as TransactionAction]),
    leadership.transact([{ Put: { TableName: ledger, Item: { noKey: 1 } } }]),
    leadership.transact([{ Update: { TableName: ledger, Key: { id }, UpdateExpression: "SET SET" } }]),
    leadership.transact([put(`${id}/twice`), put(`${id}/twice`)]),
    leadership.transact([{ Put: { TableName: `missing-${id}`, Item: { id } } }]),
    leadership.transact([put(id)]),
  ]);
  expect(results.map(({ status }) => status)).toEqual([...Array(5).fill("rejected"), "fulfilled"]);
  for (const result of results.slice(0, 5)) {
    expect((result as PromiseRejectedResult).reason).toMatchObject({ code: expect.any(String) });
  }
  expect(await item(id)).toBeDefined();
  leadership.throwIfLost();
});

test("attribute values and plain values both work, side by side", async () => {
  await using leadership = await candidate().campaign();
  const id = randomUUID();
  await Promise.all([
    leadership.transact([{ Put: { TableName: ledger, Item: { id: { S: `${id}/a` }, n: { N: "1" } } } }]),
    leadership.transact([{ Put: { TableName: ledger, Item: { id: `${id}/p`, n: 1, none: undefined } } }]),
  ]);
  expect(await item(`${id}/a`)).toEqual({ id: { S: `${id}/a` }, n: { N: "1" } });
  expect(await item(`${id}/p`)).toEqual({ id: { S: `${id}/p` }, n: { N: "1" } });
});

test("guard: an item written under a later term refuses an earlier one; Put, Update, Delete, with own conditions", async () => {
  const election = candidate();
  const stale = await election.campaign();
  const id = randomUUID();
  const Key = { id: { S: id } };
  await client.send(
    new PutItemCommand(stale.guard({ TableName: ledger, Item: { ...Key, by: { S: "stale" } } })),
  );
  expect(await item(id)).toMatchObject({ fence: { N: "1" } });
  const late = stale.guard({
    TableName: ledger,
    Key,
    UpdateExpression: "SET #by = :by",
    ConditionExpression: "attribute_exists(#by)",
    ExpressionAttributeNames: { "#by": "by" },
    ExpressionAttributeValues: { ":by": { S: "late" } },
  });
  await stale.resign();

  await using fresh = await election.campaign();
  const documents = DynamoDBDocumentClient.from(client);
  await documents.send(
    new UpdateCommand(
      fresh.guard({
        TableName: ledger,
        Key: { id },
        UpdateExpression: "SET #by = :by",
        ConditionExpression: "#by = :stale OR #by = :by",
        ExpressionAttributeNames: { "#by": "by" },
        ExpressionAttributeValues: { ":by": "fresh", ":stale": "stale" },
      }),
    ),
  );
  await expect(client.send(new UpdateItemCommand(late))).rejects.toMatchObject({
    name: "ConditionalCheckFailedException",
  });
  expect(await item(id)).toEqual({ ...Key, by: { S: "fresh" }, fence: { N: "2" } });
  expect(() => stale.guard({ TableName: ledger, Key })).toThrow(LeaseLostError);
});

test("guard is weaker than transact: an item that no later term has written takes a stale write", async () => {
  const election = candidate();
  const stale = await election.campaign();
  const [written, untouched] = [randomUUID(), randomUUID()];
  const late = (id: string) =>
    stale.guard({ TableName: ledger, Item: { id: { S: id }, by: { S: "stale" } } });
  const inputs = [late(written), late(untouched)] as const;
  const put = { Put: { TableName: ledger, Item: { id: untouched, by: "stale" } } };
  await stale.resign();
  await using fresh = await election.campaign();
  await client.send(new PutItemCommand(fresh.guard({ TableName: ledger, Item: { id: { S: written } } })));
  const refused = { name: "ConditionalCheckFailedException" };
  await expect(client.send(new PutItemCommand(inputs[0]))).rejects.toMatchObject(refused);
  await client.send(new PutItemCommand(inputs[1]));
  expect(await item(untouched)).toMatchObject({ by: { S: "stale" }, fence: { N: "1" } });
  await expect(stale.transact([put])).rejects.toBeInstanceOf(LeaseLostError);
});
