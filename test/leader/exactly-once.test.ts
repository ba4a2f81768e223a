import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { Election, Operator, type TransactionAction } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import type { ClientOptions } from "../../src/store/open-store.js";
import { type Fault, type SeenRequest, startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable, newTable } from "../support/fixture.js";
import { gate } from "../support/stage.js";
import { WireTime } from "../support/wire-time.js";

/**
 * A transaction is applied once if `transact` resolves, and never if it says refused, whatever became of its tries.
 * Each scene counts in the user's own table, on the real store, through a proxy that meddles. Its time is staged.
 */
let leases: string;
let ledger: string;
beforeAll(async () => {
  const client = newClient();
  leases = await newLeaseTable(client);
  ledger = await newTable(client);
  client.destroy();
});

const isCommit = ({ operation, body }: SeenRequest) =>
  operation === "TransactWriteItems" && JSON.stringify(body).includes(ledger);
const isOf = (id: string) => (request: SeenRequest) =>
  isCommit(request) && JSON.stringify(request.body).includes(JSON.stringify({ S: id }));
/** A number used up without any action: it decides what became of the tries before. */
const isDecision = ({ operation, body }: SeenRequest) =>
  operation === "UpdateItem" && JSON.stringify(body).includes("#commitId");

const refusal = (name: string, more: object = {}): Fault => ({
  kind: "respond",
  status: 400,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "injected", ...more },
});

/** One reason per item; the first is the lease row's. */
const cancelled = (...codes: string[]): Fault =>
  refusal("TransactionCanceledException", { CancellationReasons: codes.map((Code) => ({ Code })) });

/** The request itself is refused, and nobody is named. */
const REQUEST_ERRORS = [
  "ExpiredTokenException",
  "AccessDeniedException",
  "UnrecognizedClientException",
  "InvalidSignatureException",
  "ResourceNotFoundException",
  "ValidationException",
] as const;

const count = (id: string): TransactionAction => ({
  Update: {
    TableName: ledger,
    Key: { id },
    UpdateExpression: "ADD hits :one",
    ExpressionAttributeValues: { ":one": 1 },
  },
});

async function scene(
  maxAttempts: number | undefined,
  options: Partial<ClientOptions & CandidateOptions> = {},
) {
  const proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const time = new WireTime(proxy);
  const client = time.watch(newClient(proxy.endpoint, maxAttempts === undefined ? {} : { maxAttempts }));
  const direct = time.watch(newClient());
  const clock = time.clock();
  const name = `e/${randomUUID()}`;
  // Long beside the tries of one commit.
  const durations = { leaseDurationMs: 30_000, renewIntervalMs: 10_000, tuning: { requestTimeoutMs: 1_000 } };
  const where = { client, tableName: leases, name };
  const election = new Election({ ...where, ...durations, runtime: { clock }, ...options });
  const leadership = await election.campaign();
  return {
    ...{ proxy, time, direct, election, leadership, clock, name },
    async item(id: string) {
      const Key = { id: { S: id } };
      return (await direct.send(new GetItemCommand({ TableName: ledger, Key, ConsistentRead: true }))).Item;
    },
    async hits(id: string): Promise<number> {
      return Number((await this.item(id))?.hits?.N ?? 0);
    },
    async [Symbol.asyncDispose]() {
      await leadership.resign();
      expect(time.pendingTimers).toBe(0);
      await time[Symbol.asyncDispose]();
      await proxy.close();
      client.destroy();
      direct.destroy();
    },
  };
}

/** What it said: "written", or the name of the error. */
const outcomeOf = (call: Promise<void>) =>
  call.then(
    () => "written",
    (error: { name: string }) => error.name,
  );

describe.each([1, undefined])("with maxAttempts %s", (maxAttempts) => {
  test.each(REQUEST_ERRORS)(
    "a batch landed, its answer was lost, and the next try is refused by %s: each call was written once, and says so",
    async (name) => {
      await using it = await scene(maxAttempts);
      const ids = Array.from({ length: 3 }, () => randomUUID());
      const [first = ""] = ids;
      void it.proxy.next(isOf(first), { kind: "dropAnswer" });
      void it.proxy.next(isOf(first), refusal(name));
      const outcomes = await Promise.all(ids.map((id) => outcomeOf(it.leadership.transact([count(id)]))));
      expect(outcomes).toEqual(["written", "written", "written"]);
      expect(await Promise.all(ids.map((id) => it.hits(id)))).toEqual([1, 1, 1]);
      it.leadership.throwIfLost();
    },
  );

  test.each(REQUEST_ERRORS)("the same of a call alone, refused by %s", async (name) => {
    await using it = await scene(maxAttempts);
    const id = randomUUID();
    void it.proxy.next(isOf(id), { kind: "dropAnswer" });
    void it.proxy.next(isOf(id), refusal(name));
    expect(await outcomeOf(it.leadership.transact([count(id)]))).toBe("written");
    expect(await it.hits(id)).toBe(1);
  });

  test.each(["TransactionConflict", "ThrottlingError"])(
    "a first try is late, the second meets %s: whichever lands first, it is written once",
    async (code) => {
      await using it = await scene(maxAttempts);
      const id = randomUUID();
      const { opened, open } = gate();
      const late = it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
      void it.proxy.next(isOf(id), cancelled("None", code));
      expect(await outcomeOf(it.leadership.transact([count(id)]))).toBe("written");
      open();
      await late;
      expect(await it.hits(id)).toBe(1);
    },
  );

  test("a first try is late, the second fails its own condition: refused means that the first never lands either", async () => {
    await using it = await scene(maxAttempts);
    const id = randomUUID();
    const { opened, open } = gate();
    const late = it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
    void it.proxy.next(isOf(id), cancelled("None", "ConditionalCheckFailed"));
    expect(await outcomeOf(it.leadership.transact([count(id)]))).toBe("TransactionRefusedError");
    open();
    await late;
    expect(await it.hits(id)).toBe(0);
    it.leadership.throwIfLost();
  });

  test("the same, and the late one lands before that is decided: it is written, and says so", async () => {
    await using it = await scene(maxAttempts);
    const id = randomUUID();
    const { opened, open } = gate();
    const { opened: landed, open: hasLanded } = gate();
    const late = it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
    void it.proxy.next(isOf(id), cancelled("None", "ConditionalCheckFailed"));
    void it.proxy.next(isDecision, { kind: "delayRequest", until: landed });
    const outcome = outcomeOf(it.leadership.transact([count(id)]));
    await it.proxy.seen(isDecision);
    open();
    await late;
    hasLanded();
    expect(await outcome).toBe("written");
    expect(await it.hits(id)).toBe(1);
  });

  test("its answer is lost, and the next try comes when the leader has resigned: written, and told so", async () => {
    await using it = await scene(maxAttempts, { tuning: { requestTimeoutMs: 500 } });
    const id = randomUUID();
    void it.proxy.next(isOf(id), { kind: "hang" });
    const outcome = outcomeOf(it.leadership.transact([count(id)]));
    await it.proxy.seen(isOf(id));
    expect(await it.leadership.resign()).toBe("released");
    expect(await outcome).toBe("written");
    expect(await it.hits(id)).toBe(1);
  });
});

test("DynamoDB has forgotten the token: a copy that comes ten minutes late is refused by its number", async () => {
  await using it = await scene(1);
  const id = randomUUID();
  await it.leadership.transact([count(id)]);
  const seen = await it.proxy.seen(isOf(id));
  // Without its token it is to DynamoDB what the same request is when the token is forgotten.
  const { ClientRequestToken, ...copy } = seen.body as { ClientRequestToken: string; TransactItems: [] };
  expect(ClientRequestToken).toBeDefined();
  await expect(it.direct.send(new TransactWriteItemsCommand(copy))).rejects.toMatchObject({
    CancellationReasons: [{ Code: "ConditionalCheckFailed" }, { Code: "None" }],
  });
  expect(await it.hits(id)).toBe(1);
});

test("a call in permanent conflict goes by itself and last: the five beside it are written, and so are those that come later", async () => {
  await using it = await scene(1, {
    leaseDurationMs: 4_000,
    renewIntervalMs: 1_000,
    tuning: { requestTimeoutMs: 900 },
  });
  const busy = randomUUID();
  const ids = Array.from({ length: 5 }, () => randomUUID());
  it.proxy.otherwise = (request) => {
    if (!isOf(busy)(request)) return undefined;
    const { TransactItems } = request.body as { TransactItems: unknown[] };
    const isBusy = (item: unknown) => JSON.stringify(item).includes(busy);
    return cancelled(...TransactItems.map((item) => (isBusy(item) ? "TransactionConflict" : "None")));
  };
  const conflicted = outcomeOf(it.leadership.transact([count(busy)]));
  await Promise.all(ids.map((id) => it.leadership.transact([count(id)])));
  const later = randomUUID();
  await it.leadership.transact([count(later)]);
  expect(await Promise.all([...ids, later].map((id) => it.hits(id)))).toEqual([1, 1, 1, 1, 1, 1]);
  // For a whole lease it met others' writes; that is its answer, and nothing of it will ever be written.
  expect(await conflicted).toBe("TransactionRefusedError");
  expect(await it.hits(busy)).toBe(0);
  it.leadership.throwIfLost();
});

test("calls on one item keep their order, though the first of them is in conflict for a while", async () => {
  await using it = await scene(1);
  const id = randomUUID();
  const put = (n: number): TransactionAction => ({ Put: { TableName: ledger, Item: { id, n } } });
  void it.proxy.next(isOf(id), cancelled("None", "TransactionConflict"));
  void it.proxy.next(isOf(id), cancelled("None", "TransactionConflict"));
  await Promise.all([1, 2, 3].map((n) => it.leadership.transact([put(n)])));
  expect((await it.item(id))?.n).toEqual({ N: "3" });
});

describe("what the row cannot tell is called unknown", () => {
  test("the row was deleted while a try was under way", async () => {
    await using it = await scene(1);
    const id = randomUUID();
    void it.proxy.next(isOf(id), { kind: "dropRequest" });
    const { opened, open } = gate();
    void it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
    const outcome = outcomeOf(it.leadership.transact([count(id)]));
    await it.proxy.seen(isOf(id), 2);
    const Key = { pk: { S: it.name }, sk: { S: "lease" } };
    await it.direct.send(new DeleteItemCommand({ TableName: leases, Key }));
    open();
    expect(await outcome).toBe("TransactionUnknownError");
    expect(await it.hits(id)).toBe(0);
    expect(it.leadership.signal.reason).toMatchObject({ reason: "deleted" });
  });

  test("unless its only request was refused: a leader that froze while two others came and went is fenced out", async () => {
    await using it = await scene(1);
    const id = randomUUID();
    const { opened, open } = gate();
    void it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
    const outcome = outcomeOf(it.leadership.transact([count(id)]));
    await it.proxy.seen(isOf(id));
    const Key = { pk: { S: it.name }, sk: { S: "lease" } };
    await it.direct.send(new DeleteItemCommand({ TableName: leases, Key }));
    open();
    expect(await outcome).toBe("FencedOutError");
    expect(await it.hits(id)).toBe(0);
  });

  test("one holder later the row still tells; an eviction does not blur it", async () => {
    await using it = await scene(1);
    const id = randomUUID();
    void it.proxy.next(isOf(id), { kind: "dropAnswer" });
    const { opened, open } = gate();
    void it.proxy.next(isOf(id), { kind: "delayRequest", until: opened });
    const outcome = outcomeOf(it.leadership.transact([count(id)]));
    await it.proxy.seen(isOf(id), 2);
    await new Operator({ client: it.direct, tableName: leases, name: it.name }).evict();
    open();
    expect(await outcome).toBe("written");
    expect(await it.hits(id)).toBe(1);
  });
});

describe("Puts of many items", () => {
  const put = (id: string): TransactionAction => ({ Put: { TableName: ledger, Item: { id, kind: "row" } } });
  const ids = (many: number) => Array.from({ length: many }, () => randomUUID());
  const keys = () => ({ keys: { [ledger]: ["id"] } });

  test("share commits by their key, though they share other attributes; the key is read once", async () => {
    await using it = await scene(undefined);
    const { opened, open } = gate();
    void it.proxy.next(isCommit, { kind: "delayRequest", until: opened });
    const calls = Promise.all(ids(990).map((id) => it.leadership.transact([put(id)])));
    await it.proxy.seen(isCommit);
    // Time passes only once the key has been read: until then, each Put goes alone.
    await it.time.sleep(1);
    open();
    await calls;
    // The one that was held, and the others by 99.
    expect(it.proxy.requests.filter(isCommit)).toHaveLength(11);
    expect(it.proxy.requests.filter(({ operation }) => operation === "DescribeTable")).toHaveLength(1);
  });

  test("need no DescribeTable where the caller names the key", async () => {
    await using it = await scene(undefined);
    await Promise.all(ids(99).map((id) => it.leadership.transact([put(id)], keys())));
    expect(it.proxy.requests.filter(isCommit).length).toBeLessThanOrEqual(2);
    expect(it.proxy.requests.some(({ operation }) => operation === "DescribeTable")).toBe(false);
  });

  test("go one by one where the key cannot be had, and all are written", async () => {
    await using it = await scene(1);
    void it.proxy.next("DescribeTable", refusal("AccessDeniedException"));
    const some = ids(5);
    await Promise.all(some.map((id) => it.leadership.transact([put(id)])));
    expect(it.proxy.requests.filter(isCommit)).toHaveLength(5);
    expect(it.proxy.requests.filter(({ operation }) => operation === "DescribeTable")).toHaveLength(1);
  });
});

test("whatever becomes of the tries of many calls, each outcome is true", async () => {
  await using it = await scene(1, { tuning: { requestTimeoutMs: 300 } });
  const late: Array<Promise<void>> = [];
  // A fixed sequence of faults, so that a failure can be seen again.
  const kinds: Array<(request: SeenRequest) => Fault | undefined> = [
    () => undefined,
    () => ({ kind: "dropAnswer" }),
    () => ({ kind: "dropRequest" }),
    () => ({ kind: "duplicate" }),
    () => refusal("ExpiredTokenException"),
    () => refusal("ThrottlingException"),
    () => {
      const until = it.time.sleep(400);
      late.push(until);
      return { kind: "delayRequest", until };
    },
    (request) => {
      const { TransactItems = [] } = request.body as { TransactItems?: unknown[] };
      return cancelled(...TransactItems.map((_, i) => (i % 3 === 1 ? "TransactionConflict" : "None")));
    },
  ];
  let n = 7;
  it.proxy.otherwise = (request) => {
    if (!isCommit(request) && !isDecision(request)) return undefined;
    n = (n * 48_271) % 2_147_483_647;
    return kinds[n % kinds.length]?.(request);
  };
  const calls = Array.from({ length: 60 }, (_, i) => ({ id: randomUUID(), fails: i % 7 === 0 }));
  const doomed: TransactionAction = {
    ConditionCheck: { TableName: ledger, Key: { id: "none" }, ConditionExpression: "attribute_exists(id)" },
  };
  const outcomes = await Promise.all(
    calls.map(async ({ id, fails }, i) => {
      if (i % 2) await new Promise((resolve) => setImmediate(resolve));
      return outcomeOf(it.leadership.transact(fails ? [count(id), doomed] : [count(id)]));
    }),
  );
  it.proxy.otherwise = () => undefined;
  await it.leadership.transact([count(randomUUID())]);
  // Until what is late has landed, or was refused.
  await Promise.all(late);
  await it.time.until(() => it.proxy.working === 0);
  const landed = await Promise.all(calls.map(({ id }) => it.hits(id)));
  outcomes.forEach((outcome, i) => {
    if (outcome === "TransactionUnknownError") expect(landed[i]).toBeLessThanOrEqual(1);
    else expect([outcome, landed[i]]).toEqual([outcome, outcome === "written" ? 1 : 0]);
  });
  it.leadership.throwIfLost();
});
