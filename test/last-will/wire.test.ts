import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { inject, test as plain } from "vitest";
import { Election } from "../../src/index.js";
import { executeWillsOf, type SignedWill } from "../../src/last-will/executor.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { type FaultProxy, type SeenRequest, startFaultProxy } from "../support/fault-proxy.js";
import { eventually, leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { FakeExecutor, send } from "../support/wills.js";

/** Wills of the real SDK, on the wire. */

const NAME = "billing/nightly";
const TICK = "2026-01-31T03:00:00.000Z";
const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "c4n4ry", sessionToken: "t0k3n" };

/** No busy machine reaches these. */
const UNHURRIED = { leaseDurationMs: 120_000, renewIntervalMs: 20_000, tuning: { requestTimeoutMs: 30_000 } };

const test = plain.extend<{ proxy: FaultProxy }>({
  proxy: async ({ task: _ }, use) => {
    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    await use(proxy);
  },
});

/** Whether a request writes this `endReason`. */
const ends = (reason: string) => (request: SeenRequest) => {
  const { ExpressionAttributeValues = {} } = (request.body ?? {}) as Record<string, object>;
  return Object.values(ExpressionAttributeValues).some(({ S }: { S?: string }) => S === reason);
};

async function candidate(proxy: FaultProxy, wrap: (client: DynamoDBClient) => unknown = (client) => client) {
  const direct = newClient();
  const table = await newLeaseTable(direct);
  const client = newClient(proxy.endpoint, { credentials: CREDENTIALS });
  const store = dynamoDBLeaseStore(wrap(client) as DynamoDBClient, table);
  const executor = new FakeExecutor();
  executeWillsOf(store, executor);
  const election = new Election({ store, name: NAME, lastWill: true, ...UNHURRIED });
  return { election, executor, row: () => leaseRow(direct, table, NAME) };
}

const current = ({ wills }: FakeExecutor) => [...wills.values()][0] as SignedWill;
const firm = (executor: FakeExecutor) =>
  eventually(() => (current(executor)?.basis === undefined ? current(executor) : undefined));

test.for<[string, (client: DynamoDBClient) => unknown]>([
  ["DynamoDBClient", (client) => client],
  ["DynamoDBDocumentClient", (client) => DynamoDBDocumentClient.from(client)],
])(
  "the will of a %s with a session token writes `crashed`, and nothing before it does",
  async ([, wrap], { proxy, expect }) => {
    const { election, executor, row } = await candidate(proxy, wrap);
    const leadership = await election.campaign();
    const { request } = await firm(executor);
    expect(request.headers["x-amz-security-token"]).toBe("t0k3n");
    expect(JSON.stringify([...executor.wills])).not.toContain("c4n4ry");
    expect(proxy.requests.filter(ends("crashed"))).toEqual([]);
    expect(await send(request)).toMatchObject({ status: 200 });
    const [will, ...more] = proxy.requests.filter(ends("crashed"));
    expect(more).toEqual([]);
    expect(will).toMatchObject({ operation: "UpdateItem", headers: { "x-amz-security-token": "t0k3n" } });
    expect(await row()).toMatchObject({ endReason: { S: "crashed" }, term: { N: "1" } });
    expect(await row()).not.toHaveProperty("holder");
    await leadership.resign();
  },
);

test("the will of the coming term is handed over while the acquire has not been sent", async ({
  proxy,
  expect,
}) => {
  const { election, executor } = await candidate(proxy);
  let before: readonly SeenRequest[] | undefined;
  executor.beforeSet = async () => {
    before ??= [...proxy.requests];
  };
  const acquires = (request: SeenRequest) => JSON.stringify(request.body).includes("attemptId");
  const leadership = await election.campaign();
  await leadership.resign();
  expect(before?.filter(acquires)).toEqual([]);
  expect(proxy.requests.filter(acquires)).toHaveLength(1);
});

test("a tick's resignation and its will are one body, and the will comes to nothing after it", async ({
  proxy,
  expect,
}) => {
  const { election, executor, row } = await candidate(proxy);
  expect(await election.runOnce(TICK, () => "done")).toMatchObject({ ran: true, lastTick: TICK });
  const [resignation] = proxy.requests.filter(ends("resigned"));
  const will = executor.calls.findLast(({ call }) => call === "set")?.will as SignedWill;
  expect(JSON.parse(will.request.body)).toEqual(resignation?.body);
  expect([...executor.wills]).toEqual([]);
  const before = await row();
  expect(await send(will.request)).toMatchObject({ status: 400 });
  expect(await row()).toEqual(before);
});
