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

/** Long enough that no answer is late on a busy machine. */
const PATIENT = { leaseDurationMs: 60_000, tuning: { requestTimeoutMs: 15_000 } };

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
    ...PATIENT,
  });
  const conflicts = (count: number) =>
    Promise.all(Array.from({ length: count }, () => proxy.next("TransactWriteItems", CONFLICT)));
  const five = conflicts(5);
  await expect(election.tryCampaign()).rejects.toThrow(
    /^The table was too busy with other writes for the request to acquire the lease \(TransactionCanceledException: .*\)\. Suggestion: try again\.$/,
  );
  await five;
  expect(await leaseRow(client, tableName, name)).toMatchObject({ term: { N: "0" } });
  void conflicts(5);
  const leadership = await election.campaign();
  expect(leadership.term).toBe(1);
  expect(told).not.toContain("refused");
  expect(told.filter((type) => type === "unavailable")).toHaveLength(1);
  await leadership.resign();
});

test("foundings that met each other at their floor are sent again, and one try is enough", async () => {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const tableName = await newLeaseTable(client);
  const told: string[] = [];
  const election = new Election({
    client: newClient(proxy.endpoint, { maxAttempts: 1 }),
    tableName,
    name: `e/${randomUUID()}`,
    onEvent: ({ type }) => told.push(type),
    ...PATIENT,
  });
  for (let count = 0; count < 3; count++) void proxy.next("TransactWriteItems", CONFLICT);
  expect(await election.tryLead(async ({ term }) => term)).toMatchObject({ ran: true, result: 1 });
  expect(told).not.toContain("refused");
  const tokens = proxy.requests
    .filter(({ operation }) => operation === "TransactWriteItems")
    .map(({ body }) => (body as { ClientRequestToken: string }).ClientRequestToken);
  expect(tokens).toEqual(Array(4).fill(tokens[0]));
});

/** Other names of the shard raise its floor while this one is founded: so often. */
function hotFloor(stage: Stage, times: number) {
  let term = 0;
  const store = between(stage.table, async (verb, pass) => {
    if (verb === "acquire" && term < times * 100) {
      term += 100;
      await stage.table.raiseFloor("billing/nightly", term);
    }
    return pass();
  });
  return stage.candidate("a", { store });
}

test("one try founds a name though others of its shard raise the floor again and again", async () => {
  const stage = new Stage();
  const { election } = hotFloor(stage, 6);
  let tried: unknown;
  void election
    .tryLead(async ({ term }) => term)
    .then((result) => {
      tried = result;
    });
  await stage.until(() => tried !== undefined);
  expect(tried).toMatchObject({ ran: true, result: 601 });
});

test("a name that cannot be founded is not held: one try says that the table was too busy", async () => {
  const stage = new Stage();
  const { election, events } = hotFloor(stage, 1_000);
  const outcomes: unknown[] = [];
  const settled = (tried: Promise<unknown>) =>
    void tried.then(
      (result) => outcomes.push(result),
      (error: unknown) => outcomes.push(error),
    );
  settled(election.tryLead(async () => {}));
  await stage.until(() => outcomes.length === 1);
  settled(election.tryCampaign());
  await stage.until(() => outcomes.length === 2);
  const message =
    "The table was too busy with other writes for the request to acquire the lease (refused 10 times, because what it goes by " +
    "had changed each time). Suggestion: try again.";
  for (const outcome of outcomes) {
    expect(outcome).toBeInstanceOf(TableUnavailableError);
    expect(outcome).toMatchObject({ message });
  }
  expect(events.filter(({ type }) => type === "refused")).toHaveLength(20);
});

test("foundings that the floor refuses after the wait for an unknown holder do not make it wait again", async () => {
  const stage = new Stage();
  const holder = stage.candidate("h");
  await holder.election.campaign();
  await stage.advance(100);
  stage.table.deleteLease(holder.election.name);
  const { election, events } = hotFloor(stage, 4);
  let term: number | undefined;
  const leading = election.lead(async (leadership) => {
    term = leadership.term;
  });
  const waitedMs = await stage.until(() => term !== undefined);
  await leading;
  expect(term).toBe(401);
  expect(events.filter(({ type }) => type === "refused")).toHaveLength(4);
  // One lease, and the backoff.
  expect(waitedMs).toBeLessThan(2 * 3_000);
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
