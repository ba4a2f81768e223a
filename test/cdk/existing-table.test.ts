import { CfnParameter, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { Alias, type IKey, Key } from "aws-cdk-lib/aws-kms";
import { expect, test } from "vitest";
import {
  ElectionMonitor,
  type ILeaseTable,
  LeaderChanges,
  LeaseTable,
  type LeaseTableAttributes,
  ScheduledLeader,
} from "../../lib/index.js";
import { actionsOf, readable, type Statement, statementsOf } from "./policies.js";
import { entry, environment, everyMinute } from "./scheduled-job.js";
import { newStack, only, refusal, resources } from "./synth.js";

/** A table that exists: encrypted with a key of one's own, with a stream, a replica of a multi-Region table. */

const KEY_ARN = "arn:aws:kms:eu-west-2:123456789012:key/0c1fd5b4-1111-2222-3333-444455556666";
const STREAM = "arn:aws:dynamodb:eu-west-2:123456789012:table/leases/stream/2026-01-31T03:00:00.000";

function replica(stack: Stack, attributes: Partial<LeaseTableAttributes> = {}): ILeaseTable {
  return LeaseTable.fromLeaseTableAttributes(stack, "Leases", {
    tableName: "leases",
    encryptionKey: Key.fromKeyArn(stack, "Key", KEY_ARN),
    streamArn: STREAM,
    multiRegion: true,
    ...attributes,
  });
}

const ofKey = (statements: readonly Statement[]) =>
  statements.filter((statement) => actionsOf(statement).some((action) => action.startsWith("kms:")));

test("a job on it may use its key, through DynamoDB in its Region only", () => {
  const stack = newStack("eu-west-2");
  const table = replica(stack);
  new ScheduledLeader(stack, "Nightly", { table, election: "reports", schedule: everyMinute, entry });
  expect(environment(stack)).toMatchObject({ INCUMBENT_TABLE: "leases" });
  const statements = statementsOf(stack, "NightlyJobRole");
  const [onKey, ...others] = ofKey(statements);
  expect(others).toEqual([]);
  expect(onKey && actionsOf(onKey)).toEqual(expect.arrayContaining(["kms:Decrypt", "kms:GenerateDataKey"]));
  expect(onKey && readable(onKey.Resource)).toBe(KEY_ARN);
  expect(readable(onKey?.Condition)).toBe("StringEquals kms:ViaService dynamodb.eu-west-2.{AWS::URLSuffix}");
  const onTable = statements.filter((statement) => actionsOf(statement).includes("dynamodb:UpdateItem"));
  for (const { Resource } of onTable) {
    expect(readable(Resource)).toBe("arn:{AWS::Partition}:dynamodb:eu-west-2:{AWS::AccountId}:table/leases");
  }
  Template.fromStack(stack).resourceCountIs("AWS::DynamoDB::GlobalTable", 0);
});

test("a monitor of it may use its key, and deletes old rows where DynamoDB does not", () => {
  const stack = newStack("eu-west-2");
  new ElectionMonitor(stack, "Monitor", { table: replica(stack), elections: [{ election: "reports" }] });
  const [fn] = Object.values(resources(stack, "AWS::Lambda::Function"));
  expect(fn?.Properties.Environment).toMatchObject({ Variables: { INCUMBENT_PRUNE: "true" } });
  const actions = ofKey(statementsOf(stack, "MonitorFunctionRole")).flatMap(actionsOf);
  expect(actions).toContain("kms:GenerateDataKey");
});

test("its stream feeds the events of LeaderChanges, which may only decrypt", () => {
  const stack = newStack("eu-west-2");
  new LeaderChanges(stack, "Changes", { table: replica(stack), eventBus: new EventBus(stack, "Bus") });
  for (const { Properties } of Object.values(resources(stack, "AWS::Pipes::Pipe"))) {
    expect(Properties.Source).toBe(STREAM);
  }
  const statements = statementsOf(stack, "ChangesRole");
  expect(ofKey(statements).map(actionsOf)).toEqual([["kms:Decrypt", "kms:DescribeKey"]]);
  const readers = statements.filter((statement) => actionsOf(statement).includes("dynamodb:GetRecords"));
  expect(readers.map(({ Resource }) => Resource)).toEqual([STREAM]);
});

test("without a stream LeaderChanges is refused; without a key nothing is granted on one", () => {
  const stack = newStack("eu-west-2");
  const table = LeaseTable.fromLeaseTableAttributes(stack, "Leases", { tableName: "leases" });
  const eventBus = new EventBus(stack, "Bus");
  expect(refusal(() => new LeaderChanges(stack, "Changes", { table, eventBus }))).toBe(
    "table: must have a stream; received undefined. " +
      "Suggestion: new LeaseTable(…, { stream: true }), or streamArn in fromLeaseTableAttributes.",
  );
  table.grantCandidate(new ManagedPolicy(stack, "Worker"), "imports");
  expect(ofKey(statementsOf(stack, "Worker"))).toEqual([]);
  expect(table.hasTtl).toBe(true);
});

test("of another Region or account: grants and metrics are for that one", () => {
  const stack = newStack("us-east-1");
  const account = "210987654321";
  const streamArn = STREAM.replace("123456789012", account);
  const table = replica(stack, { region: "eu-west-2", account, streamArn });
  table.grantOperator(new ManagedPolicy(stack, "Operator"), "imports");
  const statements = statementsOf(stack, "Operator");
  const [onKey] = ofKey(statements);
  expect(readable(onKey?.Condition)).toBe("StringEquals kms:ViaService dynamodb.eu-west-2.{AWS::URLSuffix}");
  expect(readable(statements[1]?.Resource)).toBe(
    "arn:{AWS::Partition}:dynamodb:eu-west-2:210987654321:table/leases",
  );
  for (const metric of [
    table.metricConditionalCheckFailed(),
    table.metricTransactionConflicts(),
    table.metricWriteLatency(),
    table.metricConsumedWrites(),
    table.metricConsumedReads(),
  ]) {
    expect(metric).toMatchObject({ region: "eu-west-2", account: "210987654321" });
  }
});

test.each<[string, (stack: Stack) => Partial<LeaseTableAttributes>, string]>([
  [
    "no name",
    () => ({ tableName: undefined as never }),
    "tableName: must be given; received undefined. Suggestion: incumbent.",
  ],
  [
    "an ARN for a name",
    () => ({ tableName: "arn:aws:dynamodb:eu-west-2:123456789012:table/leases" }),
    "tableName: must be the table's name: 3 to 255 characters: A-Z a-z 0-9 _ . -; " +
      "received a string of 52 characters. Suggestion: incumbent.",
  ],
  [
    "a Region that cannot be",
    () => ({ region: "Ireland" }),
    "region: must be a Region; received a string of 7 characters. Suggestion: eu-west-1.",
  ],
  [
    "an account that cannot be",
    () => ({ account: "12345" }),
    "account: must be 12 digits; received a string of 5 characters. Suggestion: 123456789012.",
  ],
  [
    "the stream of another table",
    () => ({ streamArn: STREAM.replace("leases", "orders") }),
    "streamArn: must be the ARN of a stream of this table: LatestStreamArn in the answer of DescribeTable; " +
      "received a string of 83 characters. Suggestion: " +
      "arn:aws:dynamodb:eu-west-1:123456789012:table/incumbent/stream/2026-01-31T03:00:00.000.",
  ],
  [
    "the stream of another replica",
    () => ({ streamArn: STREAM.replace("eu-west-2", "eu-west-3") }),
    "streamArn: must be the ARN of a stream of this table: LatestStreamArn in the answer of DescribeTable; " +
      "received a string of 83 characters. Suggestion: " +
      "arn:aws:dynamodb:eu-west-1:123456789012:table/incumbent/stream/2026-01-31T03:00:00.000.",
  ],
  [
    "an alias of a key",
    (stack) => ({ encryptionKey: Alias.fromAliasName(stack, "Alias", "alias/leases") }),
    "encryptionKey: must be the KMS key, and not its alias or its ARN: a grant on an alias allows nothing; " +
      'received an object of class Import. Suggestion: Key.fromKeyArn(this, "Key", "arn:aws:kms:…:key/…").',
  ],
  [
    "the ARN of a key in place of a key",
    () => ({ encryptionKey: KEY_ARN as unknown as IKey }),
    "encryptionKey: must be the KMS key, and not its alias or its ARN: a grant on an alias allows nothing; " +
      'received a string of 75 characters. Suggestion: Key.fromKeyArn(this, "Key", "arn:aws:kms:…:key/…").',
  ],
])("%s: refused", (_, attributes, message) => {
  const stack = newStack("eu-west-2");
  expect(refusal(() => replica(stack, attributes(stack)))).toBe(message);
});

test("what is only known at deployment is not judged", () => {
  const stack = newStack("eu-west-2");
  const text = (id: string) => new CfnParameter(stack, id).valueAsString;
  const table = replica(stack, { tableName: text("Name"), streamArn: text("Stream") });
  table.grantObserver(new ManagedPolicy(stack, "Watcher"), "imports");
  expect(readable(statementsOf(stack, "Watcher")[1]?.Resource)).toBe(
    "arn:{AWS::Partition}:dynamodb:eu-west-2:{AWS::AccountId}:table/{Name}",
  );
  expect(only(stack, "AWS::IAM::ManagedPolicy")).toBeDefined();
});
