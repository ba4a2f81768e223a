import { randomUUID } from "node:crypto";
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import type { MalformedLeaseError } from "../../src/errors.js";
import { MAX_TERM } from "../../src/limits.js";
import { claimedTerm, floorOver } from "../../src/protocol/forgotten.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { Founding } from "../../src/protocol/move.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { FLOOR_SHARDS, floorPartition } from "../../src/store/schema.js";
import { MemoryTable } from "../../src/testing/index.js";
import { newClient, newLeaseTable } from "../support/fixture.js";

/** Rule 13, for both stores. A deletion by TTL is done by hand. */

interface Subject {
  readonly store: LeaseStore;
  deleteLease(): Promise<unknown>;
  deleteTerm(term: number): Promise<unknown>;
}

const NAME = "customer/4711";
const signal = new AbortController().signal;
const client = newClient();
const TIMES = { leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
const UNKNOWN = { value: undefined, expiresAt: undefined, at: undefined };
const OWN = { election: NAME, candidateId: "a" };

async function onDynamoDB(): Promise<Subject & { readonly table: string }> {
  const table = await newLeaseTable(client);
  const remove = (sk: string) =>
    client.send(new DeleteItemCommand({ TableName: table, Key: { pk: { S: NAME }, sk: { S: sk } } }));
  return {
    table,
    store: dynamoDBLeaseStore(client, table),
    deleteLease: () => remove("lease"),
    deleteTerm: (term) => remove(`term#${String(term).padStart(12, "0")}`),
  };
}

async function inMemory(): Promise<Subject> {
  const store = new MemoryTable();
  return {
    store,
    deleteLease: async () => store.deleteLease(NAME),
    deleteTerm: async () => store.removeExpired(Number.MAX_SAFE_INTEGER),
  };
}

const STORES: [string, () => Promise<Subject>][] = [
  ["DynamoDBLeaseStore", onDynamoDB],
  ["MemoryTable", inMemory],
];

async function placeholderOf(store: LeaseStore, revision: number): Promise<Lease> {
  const { lease } = await store.createPlaceholder({ election: NAME, revision, ...TIMES }, signal);
  return lease as Lease;
}

function foundOn(store: LeaseStore, revision: number, founding: Founding, candidateId = "a") {
  const term = claimedTerm(founding);
  const basis = { term: 0, revision, founding };
  const attemptId = randomUUID();
  return store.acquire({ election: NAME, candidateId, attemptId, basis, term, ...TIMES, ...UNKNOWN }, signal);
}

async function held(store: LeaseStore): Promise<Lease> {
  await placeholderOf(store, 77);
  const { lease } = await foundOn(store, 77, { highestTerm: 0 });
  return lease as Lease;
}

const release = { ...OWN, term: 1, revision: 2, reason: "resigned", at: undefined } as const;

async function lease(store: LeaseStore): Promise<Lease | undefined> {
  return (await store.read(NAME, { consistent: true }, signal)).lease;
}

describe.each(STORES)("%s", (_, subject) => {
  test("a release can set a ttl, and each later use of the row removes it", async () => {
    const { store } = await subject();
    await held(store);
    expect(await store.resign({ ...release, ttl: 99 }, signal)).toMatchObject({
      done: true,
      lease: { ttl: 99 },
    });
    const seen = (await lease(store)) as Lease;
    expect(seen).toMatchObject({ kind: "vacant", ttl: 99 });
    const basis = { term: 1, revision: 2 };
    const attempt = { ...OWN, attemptId: "a-2", basis, term: 2, ...TIMES, ...UNKNOWN };
    await store.acquire(attempt, signal);
    // The row is held: whatever was there is gone, and nothing gives it back but a release.
    await store.resign({ ...release, term: 2, revision: 4 }, signal);
    expect((await lease(store)) as { ttl?: number }).not.toHaveProperty("ttl", 99);
  });

  test("a late copy of the release sets no ttl on a row in use", async () => {
    const { store } = await subject();
    await held(store);
    await store.resign({ ...release, ttl: 99 }, signal);
    const basis = { term: 1, revision: 2 };
    await store.acquire({ ...OWN, attemptId: "a-2", basis, term: 2, ...TIMES, ...UNKNOWN }, signal);
    expect(await store.resign({ ...release, ttl: 99 }, signal)).toMatchObject({ done: false });
    expect(await lease(store)).toMatchObject({ kind: "held", term: 2 });
    await store.resign({ ...release, term: 2, revision: 4 }, signal);
    expect(await lease(store)).toMatchObject({ kind: "vacant", term: 2 });
    expect((await lease(store)) as { ttl?: number }).not.toHaveProperty("ttl", 99);
  });

  test("a paused row refuses a release with a ttl, and takes one without", async () => {
    const { store } = await subject();
    const seen = await held(store);
    await store.pause({ election: NAME, by: "carol", seen }, signal);
    const refused = await store.resign({ ...release, ttl: 99 }, signal);
    expect(refused).toMatchObject({ done: false, lease: { kind: "held", pausedBy: "carol" } });
    expect(await store.resign({ ...release, revision: 3 }, signal)).toMatchObject({ done: true });
  });

  test("a pause, a resume and a reset of ticks keep the row", async () => {
    const { store } = await subject();
    await held(store);
    await store.resign({ ...release, ttl: 99 }, signal);
    const seen = (await lease(store)) as Lease;
    const paused = await store.pause({ election: NAME, by: "carol", seen }, signal);
    expect((paused.lease as { ttl?: number }).ttl).toBeUndefined();

    const other = await subject();
    await held(other.store);
    await other.store.resign({ ...release, ttl: 99 }, signal);
    const reset = {
      election: NAME,
      seen: { kind: "vacant", term: 1, revision: 2 },
      by: "carol",
      id: "r",
    } as const;
    const { lease: row } = await other.store.resetTicks({ ...reset, at: undefined, to: "5" }, signal);
    expect(row).toMatchObject({ ticks: { floor: "5" } });
    expect((row as { ttl?: number }).ttl).toBeUndefined();
  });

  test("a floor is raised to the next hundred, and never lowered", async () => {
    const { store } = await subject();
    const floor = async () => (await store.readHistory(NAME, signal)).history.floor;
    expect(await floor()).toBeUndefined();
    await store.raiseFloor(NAME, 250, signal);
    expect(await floor()).toBe(300);
    for (const term of [1, 299, 300]) await store.raiseFloor(NAME, term, signal);
    expect(await floor()).toBe(300);
    await store.raiseFloor(NAME, 301, signal);
    expect(await floor()).toBe(400);
  });

  test("a name whose rows were all deleted is founded above the floor", async () => {
    const { store, deleteLease, deleteTerm } = await subject();
    await held(store);
    await store.raiseFloor(NAME, 1, signal);
    await store.recordTerm(NAME, { term: 1, ttl: 1 }, signal);
    await store.resign({ ...release, ttl: 1 }, signal);
    await deleteLease();
    await deleteTerm(1);
    await placeholderOf(store, 88);
    const { history } = await store.readHistory(NAME, signal);
    expect(history).toMatchObject({ highestTerm: 0, floor: 100 });
    expect(await foundOn(store, 88, history)).toMatchObject({ done: true, lease: { term: 101 } });
  });

  test("a founding that read an older floor is refused, though its placeholder is back and the history is gone", async () => {
    const { store, deleteLease, deleteTerm } = await subject();
    await placeholderOf(store, 77);
    const old = (await store.readHistory(NAME, signal)).history;
    await foundOn(store, 77, old);
    await store.raiseFloor(NAME, 1, signal);
    await store.recordTerm(NAME, { term: 1, ttl: 1 }, signal);
    await store.resign({ ...release, ttl: 1 }, signal);
    await deleteLease();
    await deleteTerm(1);
    // A copy of the first placeholder's request, and the founding of a candidate that read beside it.
    await placeholderOf(store, 77);
    expect(await foundOn(store, 77, old, "b")).toMatchObject({ done: false, lease: undefined });
    expect(await lease(store)).toMatchObject({ kind: "placeholder" });
  });

  test("the newest term counts as given back only if its history row has a ttl", async () => {
    const { store } = await subject();
    await store.recordTerm(NAME, { term: 1, ttl: 99 }, signal);
    await store.recordTerm(NAME, { term: 2, holder: "a" }, signal);
    expect((await store.readHistory(NAME, signal)).history.isGivenBack).toBeUndefined();
    await store.recordTerm(NAME, { term: 2, ttl: 99 }, signal);
    expect((await store.readHistory(NAME, signal)).history.isGivenBack).toBe(true);
  });

  test("fenced writes are refused where there is no row", async () => {
    const { store, deleteLease } = await subject();
    await held(store);
    await deleteLease();
    const request = { ...OWN, term: 1, commit: { number: 1, id: "c" }, actions: [] };
    expect(await store.transact(request, signal)).toMatchObject({
      done: false,
      fenced: true,
      lease: undefined,
    });
    expect(await lease(store)).toBeUndefined();
  });
});

test("on a table without transactions a founder reads the floor again before it acquires", async () => {
  const { table } = await onDynamoDB();
  const under = dynamoDBLeaseStore(client, table);
  const strong = dynamoDBLeaseStore(
    {
      send: async (command: never, options) => {
        if ((command as object).constructor.name === "TransactWriteItemsCommand") {
          throw Object.assign(new Error("not supported"), { name: "ValidationException" });
        }
        const answer = await client.send(command, options);
        const { Key } = (command as UpdateItemCommand).input;
        // Between the claim and the acquire.
        if (Key?.sk?.S === "term#000000000001") await under.raiseFloor(NAME, 5, signal);
        return answer;
      },
    },
    table,
  );
  await placeholderOf(strong, 77);
  expect(await foundOn(strong, 77, { highestTerm: 0 })).toMatchObject({ done: false, lease: undefined });
  expect(await lease(strong)).toMatchObject({ kind: "placeholder" });
});

test("a ttl that is no number means nothing, and stops nobody", async () => {
  const { table, store } = await onDynamoDB();
  await held(store);
  await store.resign(release, signal);
  const Key = { pk: { S: NAME }, sk: { S: "lease" } };
  const UpdateExpression = "SET #ttl = :soon";
  const names = {
    ExpressionAttributeNames: { "#ttl": "ttl" },
    ExpressionAttributeValues: { ":soon": { S: "soon" } },
  };
  await client.send(new UpdateItemCommand({ TableName: table, Key, UpdateExpression, ...names }));
  expect(await lease(store)).toMatchObject({ kind: "vacant", ttl: undefined });
});

test("where a floor stands: by a hash that never changes", async () => {
  expect(["a", "customer/4711", "billing/nightly"].map(floorPartition)).toMatchInlineSnapshot(`
    [
      "floor#44",
      "floor#145",
      "floor#38",
    ]
  `);
  const shards = new Set(Array.from({ length: 5_000 }, (_, i) => floorPartition(`customer/${i}`)));
  expect(shards.size).toBe(FLOOR_SHARDS);
  const { table, store } = await onDynamoDB();
  await store.raiseFloor(NAME, 1, signal);
  const Key = { pk: { S: floorPartition(NAME) }, sk: { S: "floor" } };
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key }));
  expect(Item).toMatchObject({ floor: { N: "100" }, schemaVersion: { N: "1" } });
});

test("a damaged row with an enormous term raises no floor", async () => {
  expect(floorOver(MAX_TERM)).toBeUndefined();
  expect(floorOver(900_000_000_000)).toBe(900_000_000_000);
  expect(floorOver(900_000_000_001)).toBeUndefined();
  for (const [, subject] of STORES) {
    const { store } = await subject();
    await store.raiseFloor(NAME, MAX_TERM, signal);
    expect((await store.readHistory(NAME, signal)).history.floor).toBeUndefined();
  }
});

test("a damaged floor: the error names its row, and no remedy lowers or deletes it", async () => {
  const { store, table } = await onDynamoDB();
  const shard = floorPartition(NAME);
  const put = (attributes: PutItemCommandInput["Item"]) =>
    client.send(
      new PutItemCommand({
        TableName: table,
        Item: { pk: { S: shard }, sk: { S: "floor" }, ...attributes },
      }),
    );
  const read = () =>
    store.readHistory(NAME, signal).then(
      () => "",
      (error: MalformedLeaseError) => {
        expect(JSON.stringify(error.suggestion ?? "")).not.toContain("15000");
        return error.message;
      },
    );
  const left =
    "The row was left as it is: repair it. Never delete it, and never lower or remove its floor: terms of deleted names would " +
    "come again.";
  await put({ floor: { S: "x" } });
  expect(await read()).toBe(
    `Row "floor" of "${shard}": attribute "floor" must be a whole number (N) from 1 to ${MAX_TERM}; found S. ` +
      `Suggestion: set it above the last terms of all names, as docs/restore.md says. ${left}`,
  );
  await put({ floor: { N: "100" }, schemaVersion: { S: "1" } });
  expect(await read()).toBe(
    `Row "floor" of "${shard}": attribute "schemaVersion" must be a whole number (N) from 1; found S. ` +
      `Suggestion: {"N":"1"}. ${left}`,
  );
  await put({ floor: { N: "100" }, schemaVersion: { N: "3" } });
  expect(await read()).toContain(`Row "floor" of "${shard}" has schemaVersion 3`);
});
