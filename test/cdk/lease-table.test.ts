import { Stack } from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { TableEncryptionV2 } from "aws-cdk-lib/aws-dynamodb";
import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { Alias, Key } from "aws-cdk-lib/aws-kms";
import { expect, test } from "vitest";
import { LeaseTable } from "../../lib/index.js";
import { actionsOf, statementsOf } from "./policies.js";
import { newApp, newStack, only, refusal } from "./synth.js";

const TABLE = "AWS::DynamoDB::GlobalTable";
const IRELAND = "eu-west-1";
const EUROPE = [IRELAND, "eu-west-2", "eu-central-1"];

test("a lease table is on demand, encrypted, protected, recoverable, cleaned up by ttl, and kept", () => {
  const stack = newStack();
  new LeaseTable(stack, "Leases");
  expect(only(stack, TABLE)).toMatchObject({
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
    Properties: {
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      SSESpecification: { SSEEnabled: false },
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
      Replicas: [
        {
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      ],
    },
  });
  expect(only(stack, TABLE).Properties).not.toHaveProperty("StreamSpecification");
});

test("three Regions make one strongly consistent table, each replica protected, without DynamoDB's clean-up", () => {
  const stack = newStack(IRELAND);
  const table = new LeaseTable(stack, "Leases", { regions: EUROPE });
  const { Properties } = only(stack, TABLE);
  expect(Properties.MultiRegionConsistency).toBe("STRONG");
  expect(Properties).not.toHaveProperty("TimeToLiveSpecification");
  expect(Properties).not.toHaveProperty("GlobalTableWitnesses");
  expect(table.hasTtl).toBe(false);
  const replicas = Properties.Replicas as Record<string, unknown>[];
  expect(replicas.map(({ Region }) => Region).sort()).toEqual([...EUROPE].sort());
  for (const replica of replicas) {
    expect(replica).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  }
});

test("two Regions and a witness make one too", () => {
  const stack = newStack("us-east-1");
  new LeaseTable(stack, "Leases", { regions: ["us-east-1", "us-east-2"], witness: "us-west-2" });
  const { Properties } = only(stack, TABLE);
  expect(Properties).toMatchObject({
    MultiRegionConsistency: "STRONG",
    GlobalTableWitnesses: [{ Region: "us-west-2" }],
  });
  expect(Properties.Replicas).toHaveLength(2);
});

const why =
  "leases need strong consistency: on an eventually consistent global table each Region decides conditions by itself, " +
  "and two leaders can be elected at once";
test.each([
  [
    "two Regions without a witness",
    { regions: [IRELAND, "eu-west-2"] },
    `regions: must be exactly three Regions, or two and a witness (${why}; a table in one Region takes no regions); ` +
      'received an array of 2. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "one Region",
    { regions: [IRELAND] },
    `regions: must be exactly three Regions, or two and a witness (${why}; a table in one Region takes no regions); ` +
      'received an array of 1. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "four Regions",
    { regions: [...EUROPE, "eu-west-3"] },
    `regions: must be exactly three Regions, or two and a witness (${why}; a table in one Region takes no regions); ` +
      'received an array of 4. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "three and a witness",
    { regions: EUROPE, witness: "eu-west-3" },
    `regions: must be exactly two Regions where there is a witness (${why}); ` +
      'received an array of 3. Suggestion: ["eu-west-1","eu-west-2"].',
  ],
  [
    "Regions of two sets",
    { regions: [IRELAND, "eu-west-2", "us-east-1"] },
    "regions: must be of one Region set (eu-west-1, eu-west-2, eu-west-3, eu-central-1), without us-east-1; " +
      'received an array of 3. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "a witness of another set",
    { regions: [IRELAND, "eu-west-2"], witness: "us-east-1" },
    "witness: must be of one Region set (eu-west-1, eu-west-2, eu-west-3, eu-central-1), without us-east-1; " +
      "received a string of 9 characters. Suggestion: eu-west-3.",
  ],
  [
    "the own Region missing",
    { regions: ["eu-west-2", "eu-west-3", "eu-central-1"] },
    "regions: must name the stack's own Region (eu-west-1), which holds a replica too; " +
      'received an array of 3. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "a Region twice",
    { regions: [IRELAND, "eu-west-2", "eu-west-2"] },
    "regions: must name each Region once; " +
      'received an array of 3. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "a witness that is a replica",
    { regions: [IRELAND, "eu-west-2"], witness: "eu-west-2" },
    "regions: must name each Region once; " +
      'received an array of 3. Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].',
  ],
  [
    "a witness alone",
    { witness: "eu-west-2" },
    "witness: needs regions: the two that hold the table; received a string of 9 characters. Suggestion: leave it out.",
  ],
])("%s: refused", (_, props, message) => {
  expect(refusal(() => new LeaseTable(newStack(IRELAND), "Leases", props))).toBe(message);
});

test("Regions in a stack that has none of its own, or one that has no such tables: refused", () => {
  expect(refusal(() => new LeaseTable(newStack(), "Leases", { regions: EUROPE }))).toBe(
    "env.region: must be known when there are several Regions: give the stack an env; " +
      'received undefined. Suggestion: {"region":"eu-west-1"}.',
  );
  expect(refusal(() => new LeaseTable(newStack("sa-east-1"), "Leases", { regions: ["sa-east-1"] }))).toMatch(
    /^env\.region: must be a Region with strongly consistent tables \(us-east-1, .*\); received a string of 9 characters\. Suggestion: eu-west-1\.$/,
  );
});

test("an eventually consistent replica that comes in by the back door: refused at synth", () => {
  const stack = newStack(IRELAND);
  const { table } = new LeaseTable(stack, "Leases");
  table.addReplica({ region: "eu-west-2" });
  expect(() => Template.fromStack(stack)).toThrow(
    /each Region would decide conditions by itself, and two leaders/,
  );
});

test("a candidate is confined to the elections that are named, and may delete their candidates' rows only", () => {
  const stack = newStack();
  const role = new ManagedPolicy(stack, "Worker");
  new LeaseTable(stack, "Leases").grantCandidate(role, "billing/nightly", "imports");
  const statements = statementsOf(stack, "Worker");
  expect(statements.map(({ Condition }) => Condition)).toEqual([
    {
      "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["billing/nightly", "imports"] },
      Null: { "dynamodb:LeadingKeys": "false" },
    },
    {
      "ForAllValues:StringEquals": {
        "dynamodb:LeadingKeys": ["billing/nightly#candidates", "imports#candidates"],
      },
      Null: { "dynamodb:LeadingKeys": "false" },
    },
    // Numbers that many elections share, to read.
    {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["floor#*"] },
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  ]);
  const mayDelete = (actions: string[]) => actions.some((action) => /Delete/.test(action));
  expect(statements.map(actionsOf).map(mayDelete)).toEqual([false, true, false]);
  for (const { Resource } of statements)
    expect(Resource).toEqual({ "Fn::GetAtt": [expect.stringMatching(/^LeasesTable/), "Arn"] });
});

test("observers only read; operators update as well; of all elections unless some are named", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  table.grantObserver(new ManagedPolicy(stack, "Observer"));
  table.grantOperator(new ManagedPolicy(stack, "Operator"), "imports");
  expect(statementsOf(stack, "Observer").map(actionsOf)).toEqual([["dynamodb:GetItem", "dynamodb:Query"]]);
  expect(statementsOf(stack, "Observer")[0]).not.toHaveProperty("Condition");
  expect(statementsOf(stack, "Operator").map(actionsOf)).toEqual([
    ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
    ["dynamodb:Query"],
    ["dynamodb:GetItem"],
  ]);
  for (const statement of statementsOf(stack, "Operator")) expect(statement).toHaveProperty("Condition");
});

test("grants without an election, with a name that cannot be, or with a scan that nothing confines: refused", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const policy = new ManagedPolicy(stack, "Worker");
  expect(refusal(() => table.grantCandidate(policy))).toBe(
    "elections: must name each election that it may be a candidate of; received undefined. Suggestion: billing/nightly.",
  );
  expect(refusal(() => table.grantCandidate(policy, "a#b"))).toBe(
    "elections: must be 1 to 200 characters: A-Z a-z 0-9 . _ / - (character 2 is not allowed); received a string of 3 characters. Suggestion: billing/nightly.",
  );
  expect(refusal(() => table.grant(policy, ["dynamodb:Scan"], ["imports"]))).toBe(
    "actions: must not have Scan where elections are named; " +
      'received an array of 1. Suggestion: ["dynamodb:GetItem","dynamodb:Query"].',
  );
});

test("for single elections only actions on rows are granted: IAM would refuse all others", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const policy = new ManagedPolicy(stack, "Worker");
  const describe = ["dynamodb:GetItem", "dynamodb:DescribeTable"];
  expect(refusal(() => table.grant(policy, describe, ["imports"]))).toBe(
    "actions: must not have actions that name no row, such as DescribeTable, where elections are named; " +
      'received an array of 2. Suggestion: ["dynamodb:GetItem","dynamodb:Query"].',
  );
  table.grant(policy, describe);
  table.grant(policy, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:*Item"], ["imports"]);
  expect(statementsOf(stack, "Worker")).toHaveLength(2);
});

test("with a key of one's own the grants include it, through DynamoDB only", () => {
  const stack = newStack(IRELAND);
  const encryption = TableEncryptionV2.customerManagedKey(new Key(stack, "Key"));
  const table = new LeaseTable(stack, "Leases", { encryption });
  table.grantCandidate(new ManagedPolicy(stack, "Worker"), "imports");
  table.grantObserver(new ManagedPolicy(stack, "Watcher"), "imports");
  const [onKey] = statementsOf(stack, "Worker");
  expect(onKey && actionsOf(onKey)).toEqual(expect.arrayContaining(["kms:Decrypt", "kms:GenerateDataKey"]));
  expect(statementsOf(stack, "Watcher").map(actionsOf)[0]).toEqual(["kms:Decrypt", "kms:DescribeKey"]);
  expect(onKey?.Condition).toHaveProperty(["StringEquals", "kms:ViaService"]);
  expect(only(stack, TABLE).Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: "KMS" });
});

test("with keys of one's own in several Regions each replica has its own, and the grants are for this Region's", () => {
  const stack = newStack(IRELAND);
  const keyIn = (region: string) => `arn:aws:kms:${region}:123456789012:key/0c1fd5b4`;
  const others = Object.fromEntries(EUROPE.slice(1).map((region) => [region, keyIn(region)]));
  const key = Key.fromKeyArn(stack, "Key", keyIn(IRELAND));
  const encryption = TableEncryptionV2.customerManagedKey(key, others);
  const table = new LeaseTable(stack, "Leases", { regions: EUROPE, encryption });
  table.grantCandidate(new ManagedPolicy(stack, "Worker"), "imports");
  const replicas = only(stack, TABLE).Properties.Replicas as Record<string, unknown>[];
  expect(
    Object.fromEntries(replicas.map(({ Region, SSESpecification }) => [Region, SSESpecification])),
  ).toEqual(Object.fromEntries(EUROPE.map((region) => [region, { KMSMasterKeyId: keyIn(region) }])));
  expect(statementsOf(stack, "Worker")[0]?.Resource).toBe(keyIn(IRELAND));
});

test("a key that is known by its alias only: refused, because grants on an alias allow nothing", () => {
  const stack = newStack(IRELAND);
  const encryption = TableEncryptionV2.customerManagedKey(
    Alias.fromAliasName(stack, "Alias", "alias/leases"),
  );
  expect(refusal(() => new LeaseTable(stack, "Leases", { encryption }))).toBe(
    "encryption: must be the KMS key, and not its alias or its ARN: a grant on an alias allows nothing; " +
      'received an object of class Import. Suggestion: Key.fromKeyArn(this, "Key", "arn:aws:kms:…:key/…").',
  );
});

test("a table of another stack, or a replica, is granted by its name in this stack's Region", () => {
  const stack = new Stack(newApp(), "Other", { env: { region: "eu-west-2" } });
  const table = LeaseTable.fromTableName(stack, "Leases", "incumbent", { multiRegion: true });
  table.grantCandidate(new ManagedPolicy(stack, "Worker"), "imports");
  expect(table.hasTtl).toBe(false);
  expect(JSON.stringify(statementsOf(stack, "Worker")[0]?.Resource)).toContain(":dynamodb:eu-west-2:");
  Template.fromStack(stack).resourceCountIs(TABLE, 0);
  Annotations.fromStack(stack).hasNoError("*", Match.anyValue());
});

test("the table's metrics are CloudWatch's", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases", { tableName: "leases" });
  const shown = [
    table.metricConditionalCheckFailed(),
    table.metricTransactionConflicts(),
    table.metricWriteLatency(),
    table.metricConsumedWrites(),
    table.metricConsumedReads(),
  ].map(({ namespace, metricName, statistic }) => [namespace, metricName, statistic]);
  expect(shown).toEqual([
    ["AWS/DynamoDB", "ConditionalCheckFailedRequests", "Sum"],
    ["AWS/DynamoDB", "TransactionConflict", "Sum"],
    ["AWS/DynamoDB", "SuccessfulRequestLatency", "Average"],
    ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum"],
    ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum"],
  ]);
  expect(table.metricThrottledRequests()).toBeDefined();
  expect(table.metricSystemErrors()).toBeDefined();
});
