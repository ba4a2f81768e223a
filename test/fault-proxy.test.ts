import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "./support/fault-proxy.js";
import { eventually, newClient, newTable } from "./support/fixture.js";
import { gate } from "./support/stage.js";

/** A table that remembers what landed, in order, and answers with how much that is. */
const landed: unknown[] = [];
const table = createServer((request, response) => {
  void text(request).then((body) => {
    response.end(JSON.stringify({ landed: landed.push(JSON.parse(body)) }));
  });
});
let proxy: FaultProxy;

beforeEach(async () => {
  landed.length = 0;
  await once(table.listen(0, "127.0.0.1"), "listening");
  proxy = await startFaultProxy(`http://127.0.0.1:${(table.address() as AddressInfo).port}`);
});
afterEach(async () => {
  await proxy.close();
  table.closeAllConnections();
  await once(table.close(), "close");
});

function send(operation: string, body: unknown, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { "x-amz-target": `DynamoDB_20120810.${operation}` };
  return fetch(proxy.endpoint, { method: "POST", headers, body: JSON.stringify(body), signal });
}

const answerTo = async (sent: Promise<Response>) => (await sent).json();

test("without a fault it is not there; it records what passes", async () => {
  expect(await answerTo(send("PutItem", { n: 1 }))).toEqual({ landed: 1 });
  expect(await answerTo(send("UpdateItem", { n: 2 }))).toEqual({ landed: 2 });
  expect(landed).toEqual([{ n: 1 }, { n: 2 }]);
  expect(proxy.requests).toMatchObject([
    { operation: "PutItem", body: { n: 1 } },
    { operation: "UpdateItem", body: { n: 2 } },
  ]);
  expect(proxy.requests[1]?.at).toBeGreaterThanOrEqual(proxy.requests[0]?.at as number);
});

test("dropAnswer: the write lands, its answer is lost", async () => {
  const dropped = proxy.next("UpdateItem", { kind: "dropAnswer" });
  await expect(send("UpdateItem", { n: 1 })).rejects.toThrow();
  expect(await dropped).toMatchObject({ operation: "UpdateItem", body: { n: 1 } });
  expect(landed).toEqual([{ n: 1 }]);
});

test.each(["dropRequest", "reset"] as const)("%s: nothing lands, the connection is lost", async (kind) => {
  const lost = proxy.next("UpdateItem", { kind });
  await expect(send("UpdateItem", { n: 1 })).rejects.toThrow();
  await lost;
  expect(landed).toEqual([]);
});

test("a fault hits once, the first plan that matches wins, and the others pass", async () => {
  const wanted = (n: number) => (request: { body: unknown }) => (request.body as { n: number }).n === n;
  const first = proxy.next(wanted(2), { kind: "dropRequest" });
  const second = proxy.next("PutItem", { kind: "respond", status: 418, body: {} });
  expect((await send("PutItem", { n: 1 })).status).toBe(418);
  expect(await second).toMatchObject({ body: { n: 1 } });
  await expect(send("PutItem", { n: 2 })).rejects.toThrow();
  expect(await first).toMatchObject({ body: { n: 2 } });
  expect(await answerTo(send("PutItem", { n: 2 }))).toEqual({ landed: 1 });
});

test("delayRequest: it lands late, after its client has gone and another has written", async () => {
  const { opened, open } = gate();
  const late = proxy.next("UpdateItem", { kind: "delayRequest", until: opened });
  const client = new AbortController();
  const gone = expect(send("UpdateItem", { n: "late" }, client.signal)).rejects.toThrow();
  await proxy.seen("UpdateItem");
  client.abort();
  await gone;
  await send("UpdateItem", { n: "other" });
  expect(landed).toEqual([{ n: "other" }]);
  open();
  await late;
  expect(landed).toEqual([{ n: "other" }, { n: "late" }]);
});

test("delayAnswer: the write has landed while its answer waits", async () => {
  const { opened, open } = gate();
  const held = proxy.next("UpdateItem", { kind: "delayAnswer", until: opened });
  const slow = answerTo(send("UpdateItem", { n: 1 }));
  await held;
  expect(landed).toEqual([{ n: 1 }]);
  expect(await answerTo(send("UpdateItem", { n: 2 }))).toEqual({ landed: 2 });
  open();
  expect(await slow).toEqual({ landed: 1 });
});

test.each([
  { kind: "hang", lands: [{ n: 1 }] },
  { kind: "blackhole", lands: [] },
] as const)("$kind: no answer and no end, until the proxy closes", async ({ kind, lands }) => {
  const met = proxy.next("UpdateItem", { kind });
  let over = false;
  const sent = expect(send("UpdateItem", { n: 1 }).finally(() => (over = true))).rejects.toThrow();
  await met;
  // Others are not held up.
  await send("GetItem", { n: 2 });
  expect(landed).toEqual([...lands, { n: 2 }]);
  expect(over).toBe(false);
  await proxy.close();
  await sent;
});

test("respond: a forged refusal, and nothing lands", async () => {
  const body = { __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException", message: "slow down" };
  const headers = { "retry-after": "1" };
  const forged = proxy.next("UpdateItem", { kind: "respond", status: 400, body, headers });
  const response = await send("UpdateItem", { n: 1 });
  expect([response.status, response.headers.get("retry-after")]).toEqual([400, "1"]);
  expect(await response.json()).toEqual(body);
  await forged;
  expect(landed).toEqual([]);
});

test("duplicate: it lands twice, the first answer counts", async () => {
  const doubled = proxy.next("UpdateItem", { kind: "duplicate" });
  expect(await answerTo(send("UpdateItem", { n: 1 }))).toEqual({ landed: 1 });
  await doubled;
  expect(landed).toEqual([{ n: 1 }, { n: 1 }]);
});

test("rewriteDate: the table's clock as one likes, or none", async () => {
  const dateOf = async () => (await send("GetItem", {})).headers.get("date");
  const year = (date: string) => date.replace(/ 2\d{3} /, " 1999 ");
  proxy.rewriteDate = year;
  expect(await dateOf()).toMatch(/ 1999 /);
  void proxy.next("GetItem", { kind: "respond", status: 400, body: {} });
  expect(await dateOf()).toMatch(/ 1999 /);
  proxy.rewriteDate = () => undefined;
  expect(await dateOf()).toBeNull();
});

test("paused requests do not land, paused answers do not come back, and all go on in order", async () => {
  proxy.pause("requests");
  const first = answerTo(send("UpdateItem", { n: 1 }));
  await proxy.seen("UpdateItem");
  const second = answerTo(send("UpdateItem", { n: 2 }));
  await proxy.seen("UpdateItem", 2);
  expect(landed).toEqual([]);
  proxy.resume();
  expect(await Promise.all([first, second])).toEqual(expect.arrayContaining([{ landed: 1 }, { landed: 2 }]));

  proxy.pause("answers");
  const write = proxy.next("UpdateItem", { kind: "duplicate" });
  let answered = false;
  const third = answerTo(send("UpdateItem", { n: 3 })).finally(() => (answered = true));
  await write;
  expect(landed.slice(2)).toEqual([{ n: 3 }, { n: 3 }]);
  expect(answered).toBe(false);
  proxy.resume();
  expect(await third).toEqual({ landed: 3 });
});

test("closing cuts every connection, lets nothing late through, and may be done twice", async () => {
  const { opened, open } = gate();
  void proxy.next("UpdateItem", { kind: "delayRequest", until: opened });
  const cut = expect(send("UpdateItem", { n: 1 })).rejects.toThrow();
  const { hostname: host, port } = new URL(proxy.endpoint);
  const idle = connect({ host, port: Number(port) });
  await Promise.all([once(idle, "connect"), proxy.seen("UpdateItem")]);
  await Promise.all([proxy.close(), once(idle.resume(), "close"), cut]);
  open();
  await proxy.close();
  expect(landed).toEqual([]);
});

test("a table that is gone is a lost connection", async () => {
  table.closeAllConnections();
  await once(table.close(), "close");
  await expect(send("UpdateItem", {})).rejects.toThrow();
  await once(table.listen(0, "127.0.0.1"), "listening");
});

test("to the AWS SDK: a lost answer is an error, and yet the item stands", async () => {
  await using between = await startFaultProxy(inject("dynamodb").endpoint);
  const direct = newClient();
  const TableName = await newTable(direct);
  const item = { id: { S: "a" } };
  // Its retries would hide the loss: the second try succeeds as well.
  const client = new DynamoDBClient({
    ...inject("dynamodb"),
    endpoint: between.endpoint,
    maxAttempts: 1,
  });
  const lost = between.next("PutItem", { kind: "dropAnswer" });
  await expect(client.send(new PutItemCommand({ TableName, Item: item }))).rejects.toThrow();
  expect(await lost).toMatchObject({ operation: "PutItem", body: { TableName, Item: item } });
  const read = await direct.send(new GetItemCommand({ TableName, Key: item, ConsistentRead: true }));
  expect(read.Item).toEqual(item);
  const forged = { __type: "com.amazonaws.dynamodb.v20120810#TransactionConflictException" };
  void between.next("PutItem", { kind: "respond", status: 400, body: forged });
  const refused = client.send(new PutItemCommand({ TableName, Item: item }));
  await expect(refused).rejects.toMatchObject({ name: "TransactionConflictException" });
});

test("what a fault holds is told apart from what is under way", async () => {
  const { opened, open } = gate();
  const leave = new AbortController();
  void proxy.next("GetItem", { kind: "delayAnswer", until: opened });
  const hanging = proxy.next("PutItem", { kind: "hang" });
  const answer = answerTo(send("GetItem", { n: 1 }));
  const left = send("PutItem", { n: 2 }, leave.signal);
  await hanging;
  await eventually(() => proxy.working === 0);
  expect([...proxy.held].map(({ operation }) => operation).sort()).toEqual(["GetItem", "PutItem"]);
  open();
  await answer;
  leave.abort();
  await expect(left).rejects.toThrow();
  await eventually(() => proxy.held.size === 0 && proxy.working === 0);
});
