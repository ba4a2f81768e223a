import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import {
  Election,
  type ElectionEvent,
  type Leadership,
  Operator,
  TableError,
  TableUnavailableError,
} from "../../src/index.js";
import type { DynamoDBLike } from "../../src/store/dynamodb/table.js";
import { floorPartition, termSortKey } from "../../src/store/schema.js";
import { MemoryTable } from "../../src/testing/index.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { between, Stage } from "../support/stage.js";

/** `tuning.deleteIdleAfterMs` (rule 13): which releases let the table delete the row, and what comes after a deletion. */

const DAY_MS = 86_400_000;
const client = newClient();
/** Long enough that no answer is late on a busy machine. */
const PATIENT = { leaseDurationMs: 60_000 };

function onMemory(store: MemoryTable, options: { onEvent?: (event: ElectionEvent) => void } = {}) {
  return new Election({
    store,
    name: "customer/1",
    tuning: { deleteIdleAfterMs: DAY_MS },
    ...PATIENT,
    ...options,
  });
}

async function leaseOf(store: MemoryTable) {
  return (await store.read("customer/1")).lease as { kind: string; term: number; ttl?: number } | undefined;
}

async function use(election: Election): Promise<number> {
  const tried = await election.tryLead(async () => {});
  if (!tried.ran) throw new Error(`not elected: ${tried.because}`);
  return tried.term;
}

describe("on DynamoDB", () => {
  test("a name that was used, deleted by the table and used again goes on above the floor, without a wait", async () => {
    const tableName = await newLeaseTable(client);
    const name = `customer/${randomUUID()}`;
    const lock = () =>
      new Election({ client, tableName, name, tuning: { deleteIdleAfterMs: DAY_MS }, ...PATIENT });
    expect(await use(lock())).toBe(1);
    expect(await use(lock())).toBe(2);
    const row = await leaseRow(client, tableName, name);
    const inADay = (Date.now() + DAY_MS) / 1_000;
    expect(Math.abs(Number(row?.ttl?.N) - inADay)).toBeLessThan(300);
    const ofTerm = { pk: { S: name }, sk: { S: termSortKey(2) } };
    const term = await client.send(
      new GetItemCommand({ TableName: tableName, Key: ofTerm, ConsistentRead: true }),
    );
    expect(term.Item).toMatchObject({ endReason: { S: "resigned" }, ttl: { N: expect.any(String) } });

    // As the TTL does: first the lease row, and the history later.
    const remove = (sk: string) =>
      client.send(new DeleteItemCommand({ TableName: tableName, Key: { pk: { S: name }, sk: { S: sk } } }));
    await remove("lease");
    expect(await use(lock())).toBe(101);
    expect((await lock().history()).map(({ term }) => term)).toEqual([101, 2, 1]);
    for (const sk of ["lease", ...[1, 2, 101].map(termSortKey)]) await remove(sk);
    const left = await client.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: name } },
      }),
    );
    expect(left.Items).toEqual([]);
    expect(await use(lock())).toBe(201);
  });

  test("without the right to raise floors the row stays, and an event says why", async () => {
    const tableName = await newLeaseTable(client);
    const name = `customer/${randomUUID()}`;
    const floor = floorPartition(name);
    const confined: DynamoDBLike = {
      send: (command: never, options) => {
        const { Key, UpdateExpression } = (
          command as { input: { Key?: { pk: { S: string } }; UpdateExpression?: string } }
        ).input;
        if (Key?.pk.S !== floor || UpdateExpression === undefined) return client.send(command, options);
        const message = "User is not authorized to perform: dynamodb:UpdateItem on resource";
        return Promise.reject(Object.assign(new Error(message), { name: "AccessDeniedException" }));
      },
    };
    const events: ElectionEvent[] = [];
    const tuning = { deleteIdleAfterMs: DAY_MS };
    const onEvent = (event: ElectionEvent) => events.push(event);
    expect(await use(new Election({ client: confined, tableName, name, tuning, onEvent, ...PATIENT }))).toBe(
      1,
    );
    expect((await leaseRow(client, tableName, name))?.ttl).toBeUndefined();
    const failed = events.find(({ type }) => type === "idle-deletion-failed");
    expect(failed).toMatchObject({ term: 1, error: expect.any(TableError) });
  });
});

test("without the option no row has a ttl, and no floor is raised", async () => {
  const store = new MemoryTable();
  await use(new Election({ store, name: "customer/1", ...PATIENT }));
  expect((await leaseOf(store))?.ttl).toBeUndefined();
  expect((await store.readHistory("customer/1")).history.floor).toBeUndefined();
  // Another candidate with the option, and then this one again: the row stays.
  await use(onMemory(store));
  expect((await leaseOf(store))?.ttl).toBeGreaterThan(0);
  await use(new Election({ store, name: "customer/1", ...PATIENT }));
  expect((await leaseOf(store))?.ttl).toBeUndefined();
});

test("while it is held a row has no ttl", async () => {
  const store = new MemoryTable();
  await use(onMemory(store));
  const leadership = await onMemory(store).tryCampaign();
  expect(await leaseOf(store)).toMatchObject({ kind: "held" });
  expect((await leaseOf(store))?.ttl).toBeUndefined();
  store.removeExpired(Number.MAX_SAFE_INTEGER);
  expect(await leaseOf(store)).toMatchObject({ kind: "held", term: 2 });
  await leadership?.resign();
});

test("the row of a job stays: its ticks must not be forgotten", async () => {
  const store = new MemoryTable();
  expect(await onMemory(store).runOnce("2026-01-31", () => {})).toMatchObject({ ran: true });
  expect((await leaseOf(store))?.ttl).toBeUndefined();
  // Also after a use that completes none, and after a reset.
  await use(onMemory(store));
  expect((await leaseOf(store))?.ttl).toBeUndefined();
  await new Operator({ store, name: "customer/1" }).resetTick();
  await use(onMemory(store));
  expect((await leaseOf(store))?.ttl).toBeUndefined();
});

test("a row that is paused while it is held, or after its release, stays", async () => {
  const store = new MemoryTable();
  const operator = new Operator({ store, name: "customer/1" });
  const leadership = await onMemory(store).tryCampaign();
  await operator.pause();
  await leadership?.resign();
  expect(await leaseOf(store)).toMatchObject({
    kind: "vacant",
    pausedBy: expect.any(String),
    endReason: "resigned",
  });
  expect((await leaseOf(store))?.ttl).toBeUndefined();

  await operator.resume();
  await use(onMemory(store));
  expect((await leaseOf(store))?.ttl).toBeGreaterThan(0);
  await operator.pause();
  store.removeExpired(Number.MAX_SAFE_INTEGER);
  expect(await leaseOf(store)).toMatchObject({ kind: "vacant", pausedBy: expect.any(String) });
});

test("a reservation lasts as long as it says", async () => {
  const store = new MemoryTable();
  const group = "east";
  const tuning = { deleteIdleAfterMs: 3_600_000 };
  const election = new Election({ store, name: "customer/1", group, tuning, ...PATIENT });
  await election.tryLead(async () => {}, { reserveForMs: 2 * DAY_MS });
  expect((await leaseOf(store))?.ttl).toBeGreaterThanOrEqual((Date.now() + 2 * DAY_MS) / 1_000 - 300);
});

test("a candidate that remembers a deleted name waits only if its last term may still be held", async () => {
  const store = new MemoryTable();
  const election = onMemory(store);
  await use(election);
  // The lease row alone: the history says that the last term was given back.
  store.deleteLease("customer/1");
  expect(await use(election)).toBe(101);
  store.removeExpired(Number.MAX_SAFE_INTEGER);
  const waiting = await election.tryLead(async () => {});
  expect(waiting).toMatchObject({ ran: false, because: "held" });
  // A process that has just started remembers nothing.
  expect(await use(onMemory(store))).toBe(201);
});

test("a leader that was deleted by hand is waited for, also with this option", async () => {
  const store = new MemoryTable();
  const leadership = await onMemory(store).tryCampaign();
  await expect.poll(() => store.terms("customer/1")).toHaveLength(1);
  store.deleteLease("customer/1");
  expect(await onMemory(store).tryLead(async () => {})).toMatchObject({ ran: false, because: "held" });
  await leadership?.resign();
});

test("other names of the shard that raise its floor do not make a candidate wait again and again", async () => {
  const stage = new Stage();
  const led: number[] = [];
  const work = async ({ term }: Leadership) => void led.push(term);
  const holder = stage.candidate("a");
  await holder.election.campaign();
  await stage.advance(100);
  stage.table.deleteLease(holder.election.name);
  let term = 0;
  const next = stage.candidate("b").election.lead(work);
  const raise = async () => {
    // A lock of the shard that is new raises its floor.
    term += 100;
    await stage.table.raiseFloor(holder.election.name, term);
  };
  await raise();
  let waitedMs = 0;
  for (; led.length === 0 && waitedMs < 30_000; waitedMs += 500) {
    await stage.advance(500);
    await raise();
  }
  await next;
  expect(waitedMs).toBeLessThan(2 * 3_000);
});

test("a row that was free to be deleted: work begins when history has the new term, because nobody would wait for it", async () => {
  const stage = new Stage();
  let takesHistory = true;
  const store = between(stage.table, (verb, pass) =>
    verb === "recordTerm" && !takesHistory ? Promise.reject(new TableUnavailableError(verb)) : pass(),
  );
  const options = { store, tuning: { deleteIdleAfterMs: DAY_MS } };
  await stage.candidate("a", options).election.tryLead(async () => {});
  expect(await stage.table.read("billing/nightly")).toMatchObject({ lease: { ttl: expect.any(Number) } });
  takesHistory = false;
  let works = false;
  const b = stage.candidate("b", options);
  const leading = b.election.lead(async () => {
    works = true;
  });
  await stage.until(() => b.events.some(({ type }) => type === "elected"));
  await stage.advance(2_000);
  expect(works).toBe(false);
  takesHistory = true;
  await stage.until(() => works);
  await leading;
});

test("the lease runs out while the new term waits for history: no work begins", async () => {
  const stage = new Stage();
  const tuning = { deleteIdleAfterMs: DAY_MS };
  await stage.candidate("a", { tuning }).election.tryLead(async () => {});
  let isCut = false;
  const store = between(stage.table, async (verb, pass) => {
    if (isCut) throw new TableUnavailableError(verb);
    isCut = verb === "acquire";
    return pass();
  });
  const b = stage.candidate("b", { store, tuning });
  let works = false;
  const stop = new AbortController();
  const leading = b.election.lead(
    async () => {
      works = true;
    },
    { signal: stop.signal },
  );
  await stage.until(() => b.events.some(({ type }) => type === "ended"));
  await stage.advance(3_000);
  expect(works).toBe(false);
  stop.abort();
  await stage.advance(1_000);
  await leading;
});
