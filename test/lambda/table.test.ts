import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Handler } from "aws-lambda";
import { afterEach, expect, test, vi } from "vitest";
import { leaderHandler } from "../../src/lambda/index.js";
import { leaseRow, localEnv, newClient, newLeaseTable, watchedClock } from "../support/fixture.js";

/** On DynamoDB Local, as a function finds DynamoDB. */

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const context = { getRemainingTimeInMillis: () => 30_000 };
const event = { scheduledTime: "2026-01-31T03:00:00Z", executionId: "d32c5k", attempt: "1" };

function functionEnv(variables: Record<string, string>): void {
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = localEnv();
  const aws = { AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  for (const [name, value] of Object.entries({ ...aws, ...variables })) vi.stubEnv(name, value);
}

test("everything from the environment: table, election, ticks, group, and the client that Lambda's variables make", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  functionEnv({
    INCUMBENT_TABLE: tableName,
    INCUMBENT_ELECTION: "reports/daily",
    INCUMBENT_ONCE: "tick",
    INCUMBENT_STICKY_GROUP: "eu-west-1",
    INCUMBENT_STICKY_MS: "3600000",
    AWS_LAMBDA_FUNCTION_NAME: "nightly",
  });
  const clock = watchedClock();
  const handler = leaderHandler(({ candidateId }, { tick }) => [candidateId, tick], { runtime: { clock } });
  handler satisfies Handler;
  expect(await handler(event, context)).toEqual({
    role: "leader",
    term: 1,
    result: [expect.stringMatching(/^[a-z0-9-]+-nightly-/), "2026-01-31T03:00:00.000Z"],
  });
  expect(clock.pendingTimers).toBe(0);
  const row = await leaseRow(client, tableName, "reports/daily");
  expect(row?.holder).toBeUndefined();
  expect(row?.reservedForGroup?.S).toBe("eu-west-1");
  expect(await handler(event, context)).toEqual({ role: "done" });
});

test("in Lambda a superseded tick is one line of CloudWatch's embedded metric format", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const handler = leaderHandler(() => {}, { client, tableName, election: "reports/daily", once: "tick" });
  await handler({ scheduledTime: "2026-01-31T03:00:00Z" }, context);
  const early = { scheduledTime: "2026-01-31T02:00:00Z" };
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  await expect(handler(early, context)).rejects.toMatchObject({ because: "superseded" });
  expect(lines).toEqual([]);
  vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "nightly");
  await expect(handler(early, context)).rejects.toMatchObject({ because: "superseded" });
  expect(lines).toEqual([expect.stringMatching(/^\{.*\}\n$/)]);
  const metric = {
    Namespace: "Incumbent",
    Dimensions: [["Table", "Election"]],
    Metrics: [{ Name: "SupersededTicks", Unit: "Count" }],
  };
  expect(JSON.parse(lines[0] as string)).toEqual({
    _aws: { Timestamp: expect.any(Number), CloudWatchMetrics: [metric] },
    Table: tableName,
    Election: "reports/daily",
    Tick: "2026-01-31T02:00:00.000Z",
    SupersededTicks: 1,
  });
});

test("options win over the environment", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  functionEnv({ INCUMBENT_TABLE: "elsewhere", INCUMBENT_ELECTION: "elsewhere", INCUMBENT_ONCE: "" });
  const handler = leaderHandler(({ election }) => election, { client, tableName, election: "here" });
  expect(await handler({}, context)).toEqual({ role: "leader", term: 1, result: "here" });
});

test("two functions, each tick delivered to both and twice: each completes once", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const completed: string[] = [];
  const options = {
    client,
    tableName,
    election: "reports/hourly",
    once: "tick",
    leaseDurationMs: 3_000,
  } as const;
  const functions = ["a", "b"].map((label) =>
    leaderHandler((_, { tick }) => completed.push(String(tick)), { ...options, label }),
  );
  for (let hour = 0; hour < 5; hour++) {
    const tick = { scheduledTime: `2026-01-31T0${hour}:00:00Z` };
    const results = await Promise.all([...functions, ...functions].map((invoke) => invoke(tick, context)));
    expect(results.map(({ role }) => role).sort()).toEqual(["done", "done", "done", "leader"]);
  }
  expect(completed).toHaveLength(5);
  expect(new Set(completed).size).toBe(5);
});

test("a table that is missing fails the invocation and names the fix", async () => {
  const handler = leaderHandler(() => expect.unreachable(), {
    client: newClient(),
    tableName: "no-such-table",
    election: "x",
  });
  await expect(handler({}, context)).rejects.toMatchObject({ code: "TABLE_UNUSABLE", problem: "missing" });
});

test("a permission that is missing fails the invocation and names the fix, also while standing by", async () => {
  const client = new DynamoDBClient({ region: "eu-west-1" });
  const denied = Object.assign(new Error("not authorized to perform: dynamodb:GetItem"), {
    name: "AccessDeniedException",
  });
  client.middlewareStack.add(() => () => Promise.reject(denied), { step: "initialize" });
  const handler = leaderHandler(() => expect.unreachable(), {
    client,
    tableName: "leases",
    election: "x",
    once: "tick",
  });
  await expect(handler(event, context)).rejects.toMatchObject({
    code: "TABLE_UNUSABLE",
    problem: "access-denied",
    message: expect.stringContaining("Suggestion: allow the client's identity"),
  });
});
