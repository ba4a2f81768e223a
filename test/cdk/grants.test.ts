import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { ElectionMonitor, LeaseTable } from "../../lib/index.js";
import { Election } from "../../src/index.js";
import type { DynamoDBLike } from "../../src/store/dynamodb/table.js";
import { candidatesPartition, FLOOR_PARTITION_PREFIX, floorPartition } from "../../src/store/schema.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { newClient, newLeaseTable } from "../support/fixture.js";
import { actionsOf, type Statement, statementsOf } from "./policies.js";
import { type Need, needsOf } from "./requests-needed.js";
import { candidate, ELECTIONS, monitor, observer, operator, type Role, sessions } from "./roles.js";
import { newStack } from "./synth.js";

/** What a grant allows, by the synthesized policy, against what its holder sends, as seen on the wire. */
const ROLES: [string, Role, (table: LeaseTable, to: ManagedPolicy) => void][] = [
  ["grantCandidate", candidate, (table, to) => table.grantCandidate(to, ...ELECTIONS)],
  ["grantObserver", observer, (table, to) => table.grantObserver(to, ...ELECTIONS)],
  ["grantOperator", operator, (table, to) => table.grantOperator(to, ...ELECTIONS)],
];

/** Undefined: all rows. */
function partitionsOf({ Condition }: Statement): readonly unknown[] | undefined {
  const { "ForAllValues:StringEquals": equals, "ForAllValues:StringLike": like } = Condition ?? {};
  const keys = (equals ?? like)?.["dynamodb:LeadingKeys"];
  return keys === undefined ? undefined : [keys].flat();
}

/** As IAM decides: `ForAllValues` is true for a request without the key, and `Null: false` is true if it has the key. */
function isOnItsRows(statement: Statement, leadingKey: string | undefined): boolean {
  if (leadingKey !== undefined) {
    return partitionsOf(statement)?.some((pattern) => isLike(leadingKey, `${pattern}`)) ?? true;
  }
  return statement.Condition?.Null?.["dynamodb:LeadingKeys"] !== "false";
}

/** With `*` only at the end. No name has one. */
function isLike(key: string, pattern: string): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

function isAllowed({ action, leadingKey }: Need, statements: readonly Statement[]): boolean {
  return statements.some(
    (statement) =>
      statement.Effect === "Allow" &&
      actionsOf(statement).includes(action) &&
      isOnItsRows(statement, leadingKey),
  );
}

describe.each(ROLES)("%s", (_, act, grant) => {
  let needed: Need[];
  let statements: Statement[];

  beforeAll(async () => {
    needed = await needsOfRole(act);
    const stack = newStack();
    grant(new LeaseTable(stack, "Leases"), new ManagedPolicy(stack, "Policy"));
    statements = statementsOf(stack, "Policy");
  });

  test("allows each request that is sent", () => {
    expect(needed.filter((need) => !isAllowed(need, statements))).toEqual([]);
  });

  test("allows no action that is never sent on those rows", () => {
    const unused = statements.flatMap((statement) =>
      actionsOf(statement).filter(
        (allowed) =>
          !needed.some(({ action, leadingKey }) => action === allowed && isOnItsRows(statement, leadingKey)),
      ),
    );
    expect(unused).toEqual([]);
  });

  test("allows nothing on the rows of another election, nor of its candidates", () => {
    for (const leadingKey of ["billing", candidatesPartition("billing")]) {
      const foreign = needed.map((need) => ({ ...need, leadingKey }));
      expect(foreign.filter((need) => isAllowed(need, statements))).toEqual([]);
    }
  });

  test("allows no request that names no partition key", () => {
    const without = needed.map(({ action }) => ({ action, leadingKey: undefined }));
    expect(without.filter((need) => isAllowed(need, statements))).toEqual([]);
  });

  test("allows no lease, no term and no counter to be deleted", () => {
    const partitions = statements
      .filter((statement) => actionsOf(statement).includes("dynamodb:DeleteItem"))
      .map(partitionsOf);
    for (const ones of partitions) expect(ones).toEqual(ELECTIONS.map(candidatesPartition));
    expect(partitions).toHaveLength(act === candidate ? 1 : 0);
  });
});

test("a candidate whose row may be forgotten may raise floors, and a candidate without this grant may not", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const [idle, plain] = ["Idle", "Plain"].map((id) => new ManagedPolicy(stack, id)) as [
    ManagedPolicy,
    ManagedPolicy,
  ];
  table.grantIdleDeletion(idle);
  table.grantCandidate(plain, ...ELECTIONS);
  const raise = { action: "dynamodb:UpdateItem", leadingKey: floorPartition("billing/nightly") };
  expect(isAllowed(raise, statementsOf(stack, "Idle"))).toBe(true);
  expect(isAllowed(raise, statementsOf(stack, "Plain"))).toBe(false);
  for (const leadingKey of ["billing/nightly", candidatesPartition("billing/nightly"), undefined]) {
    expect(isAllowed({ ...raise, leadingKey }, statementsOf(stack, "Idle"))).toBe(false);
  }
});

test("grantSessions allows what sessions send, no action that is never sent, and nothing without a partition key", async () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const [under, plain] = ["Under", "Plain"].map((id) => new ManagedPolicy(stack, id)) as [
    ManagedPolicy,
    ManagedPolicy,
  ];
  table.grantSessions(under, ...ELECTIONS);
  table.grantCandidate(plain, ...ELECTIONS);
  const statements = statementsOf(stack, "Under");
  const needed = await needsOfRole(sessions);
  expect(needed.filter((need) => !isAllowed(need, statements))).toEqual([]);
  const unused = statements.flatMap((statement) =>
    actionsOf(statement).filter(
      (allowed) =>
        !needed.some(({ action, leadingKey }) => action === allowed && isOnItsRows(statement, leadingKey)),
    ),
  );
  expect(unused).toEqual([]);
  expect(statements.flatMap(actionsOf)).not.toContain("dynamodb:DeleteItem");
  for (const leadingKey of [
    "billing",
    candidatesPartition("billing/nightly"),
    floorPartition("billing"),
    undefined,
  ]) {
    const foreign = needed.map(({ action }) => ({ action, leadingKey }));
    expect(foreign.filter((need) => isAllowed(need, statements))).toEqual([]);
  }
  // Elections without sessions give nobody the rows of those with sessions.
  const ofSessions = needed.filter(({ leadingKey }) => leadingKey?.startsWith("session#"));
  expect(ofSessions.filter((need) => isAllowed(need, statementsOf(stack, "Plain")))).toEqual([]);
});

test("on a table in several Regions a candidate gets no ConditionCheckItem, and founds elections without it", async () => {
  const stack = newStack("eu-west-1");
  const regions = ["eu-west-1", "eu-west-2", "eu-central-1"];
  const policy = new ManagedPolicy(stack, "Policy");
  new LeaseTable(stack, "Leases", { regions }).grantCandidate(policy, "reports");
  const statements = statementsOf(stack, "Policy");
  expect(statements.flatMap(actionsOf)).not.toContain("dynamodb:ConditionCheckItem");

  const dynamodb = newClient();
  const tableName = await newLeaseTable(dynamodb);
  const denied: string[] = [];
  // IAM decides first, then such a table refuses every transaction.
  const client: DynamoDBLike = {
    send: (command: Parameters<typeof dynamodb.send>[0], options) => {
      const operation = command.constructor.name.replace(/Command$/, "");
      const needs = needsOf({ operation, body: command.input }, tableName);
      const refused = needs.filter((need) => !isAllowed(need, statements)).map(({ action }) => action);
      denied.push(...refused);
      if (refused.length > 0) return Promise.reject(named("AccessDeniedException"));
      if (operation === "TransactWriteItems") return Promise.reject(named("ValidationException"));
      return dynamodb.send(command, options);
    },
  };
  const settings = { tableName, name: "reports", leaseDurationMs: 5_000 };
  const lead = () => new Election({ client, ...settings }).campaign({ signal: AbortSignal.timeout(150_000) });
  await (await lead()).resign();
  const Key = { pk: { S: "reports" }, sk: { S: "lease" } };
  await dynamodb.send(new DeleteItemCommand({ TableName: tableName, Key }));
  const again = await lead();
  expect(again.term).toBe(2);
  await again.resign();
  expect(new Set(denied)).toEqual(new Set(["dynamodb:ConditionCheckItem"]));
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

test("the monitor's role allows what it sends, and of the whole table no action more, nor a condition less", async () => {
  // A table in several Regions takes no transactions, and the monitor founds its own election without them.
  const needed = (await needsOfRole(monitor)).filter(
    ({ action }) => action !== "dynamodb:ConditionCheckItem",
  );
  const stack = newStack("eu-west-1");
  const regions = ["eu-west-1", "eu-west-2", "eu-central-1"];
  new ElectionMonitor(stack, "Monitor", { table: new LeaseTable(stack, "Leases", { regions }) });
  const statements = statementsOf(stack, "MonitorFunctionRole").filter((statement) =>
    actionsOf(statement).some((action) => action.startsWith("dynamodb:")),
  );
  expect(needed.filter((need) => !isAllowed(need, statements))).toEqual([]);

  const whole = statements.filter(({ Condition }) => Condition === undefined);
  const own = "incumbent/monitor/eu-west-1";
  const isOwn = (key = "") => key === own || key.startsWith(FLOOR_PARTITION_PREFIX);
  const sentOfOthers = needed.filter(({ leadingKey }) => !isOwn(leadingKey)).map(({ action }) => action);
  expect(new Set(whole.flatMap(actionsOf))).toEqual(new Set(sentOfOthers));
});

async function needsOfRole(act: Role): Promise<Need[]> {
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const tableName = await newLeaseTable(newClient());
  await act(proxy, tableName);
  return proxy.requests.flatMap((request) => needsOf(request, tableName));
}
