import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { Duration, type Stack } from "aws-cdk-lib";
import { TableEncryptionV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { expect, inject, test } from "vitest";
import { LeaderChanges, type LeaderChangesProps, LeaseTable } from "../../lib/index.js";
import { Election, Operator } from "../../src/index.js";
import type { CandidateOptions } from "../../src/options.js";
import { type ClientOptions, storeOf } from "../../src/store/open-store.js";
import { termSortKey } from "../../src/store/schema.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { eventually, newClient, newLeaseTable } from "../support/fixture.js";
import { SessionRows } from "../support/session-rows.js";
import { eventsOf } from "./pipe.js";
import { actionsOf, statementsOf } from "./policies.js";
import { streamRecords } from "./stream.js";
import { newStack, only, refusal, resources } from "./synth.js";

function changes(props: Partial<LeaderChangesProps> = {}) {
  const stack = newStack();
  newChanges(stack, props);
  return stack;
}

const HERE = "111122223333";

function newChanges(stack: Stack, props: Partial<LeaderChangesProps> = {}) {
  const table = new LeaseTable(stack, "Leases", { stream: true });
  return new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus"), ...props });
}

const sourcesOf = (stack: Stack) =>
  Object.values(resources(stack, "AWS::Pipes::Pipe")).map(
    ({ Properties }) =>
      (Properties.SourceParameters as { DynamoDBStreamParameters: object }).DynamoDBStreamParameters,
  );

test("the role may read the stream and fill the bus, for this account's pipes", () => {
  const stack = changes();
  expect(statementsOf(stack, "ChangesRole").map((one) => [actionsOf(one), one.Resource])).toEqual([
    [
      ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
      { "Fn::GetAtt": [expect.stringMatching(/^LeasesTable/), "StreamArn"] },
    ],
    // The service has no resources for this action.
    [["dynamodb:ListStreams"], "*"],
    [["events:PutEvents"], { "Fn::GetAtt": [expect.stringMatching(/^Bus/), "Arn"] }],
    [
      ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
      { "Fn::GetAtt": [expect.stringMatching(/^ChangesDeadLetters/), "Arn"] },
    ],
  ]);
  expect(resources(stack, "AWS::IAM::Role").ChangesRole?.Properties).toMatchObject({
    AssumeRolePolicyDocument: { Statement: [{ Principal: { Service: "pipes.amazonaws.com" } }] },
  });
});

test("of a table with a key of one's own the role may use the key", () => {
  const stack = newStack("eu-west-1");
  const encryption = TableEncryptionV2.customerManagedKey(new Key(stack, "Key"));
  const table = new LeaseTable(stack, "Leases", { stream: true, encryption });
  new LeaderChanges(stack, "Changes", { table, eventBus: new EventBus(stack, "Bus") });
  const actions = statementsOf(stack, "ChangesRole").flatMap(actionsOf);
  expect(actions.filter((action) => action.startsWith("kms:"))).toEqual(["kms:Decrypt", "kms:DescribeKey"]);
});

test("a table without a stream: refused", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const eventBus = new EventBus(stack, "Bus");
  expect(refusal(() => new LeaderChanges(stack, "Changes", { table, eventBus }))).toBe(
    "table: must have a stream; received undefined. " +
      "Suggestion: new LeaseTable(…, { stream: true }), or streamArn in fromLeaseTableAttributes.",
  );
});

test.each(["table", "eventBus"])("without the prop %s: refused", (prop) => {
  expect(refusal(() => changes({ [prop]: undefined }))).toContain(
    `${prop}: must be given; received undefined.`,
  );
});

test("a table or a bus where the pipes are not: refused", () => {
  const on = (propsOf: (stack: Stack) => Partial<LeaderChangesProps>) => {
    const stack = newStack("eu-west-1", "Test", HERE);
    return refusal(() => newChanges(stack, propsOf(stack)));
  };
  const streamArn = `arn:aws:dynamodb:eu-west-2:${HERE}:table/leases/stream/2026-01-31T03:00:00.000`;
  const far = { tableName: "leases", region: "eu-west-2", streamArn };
  const bus = (region: string, account: string) => (stack: Stack) => ({
    eventBus: EventBus.fromEventBusArn(stack, "Far", `arn:aws:events:${region}:${account}:event-bus/default`),
  });
  const why = "because EventBridge Pipes do not leave it; received";
  expect(on((stack) => ({ table: LeaseTable.fromLeaseTableAttributes(stack, "Far", far) }))).toBe(
    `table: must be in the stack's Region, ${why} a table in another Region. ` +
      "Suggestion: LeaderChanges in a stack that is where the table is.",
  );
  expect(on(bus("us-east-1", HERE))).toBe(
    `eventBus: must be in the stack's Region, ${why} an event bus in another Region. Suggestion: ` +
      'EventBus.fromEventBusName(this, "Bus", "default"), and a rule of it whose target is the other bus.',
  );
  expect(on(bus("eu-west-1", "444455556666"))).toContain(
    `eventBus: must be in the stack's account, ${why} an event bus in another account.`,
  );
});

test("records that the bus refuses are tried again for 12 hours, one by one, and then told to a queue", () => {
  const stack = changes();
  const queue = { "Fn::GetAtt": [expect.stringMatching(/^ChangesDeadLetters/), "Arn"] };
  const parameters = {
    MaximumRetryAttempts: -1,
    MaximumRecordAgeInSeconds: 43_200,
    OnPartialBatchItemFailure: "AUTOMATIC_BISECT",
    DeadLetterConfig: { Arn: queue },
  };
  expect(sourcesOf(stack)).toMatchObject([parameters, parameters]);
  expect(only(stack, "AWS::SQS::Queue").Properties).toMatchObject({
    SqsManagedSseEnabled: true,
    MessageRetentionPeriod: 1_209_600,
  });
  const own = newStack();
  const deadLetterQueue = new Queue(own, "Mine");
  newChanges(own, { deadLetterQueue, maximumRecordAge: Duration.hours(1) });
  expect(sourcesOf(own)).toMatchObject([{ MaximumRecordAgeInSeconds: 3_600 }, {}]);
  expect(Object.keys(resources(own, "AWS::SQS::Queue"))).toEqual(["Mine"]);
});

test("pipes read from the beginning of the stream: from LATEST they miss records when they are made or updated", () => {
  expect(sourcesOf(changes())).toMatchObject([
    { StartingPosition: "TRIM_HORIZON" },
    { StartingPosition: "TRIM_HORIZON" },
  ]);
});

test("alarms tell the topic about a pipe that fails again and again, and about a record that was given up", () => {
  const stack = newStack();
  newChanges(stack, { alarmTopic: new Topic(stack, "Topic") });
  const alarms = Object.values(resources(stack, "AWS::CloudWatch::Alarm")).map(
    ({ Properties }) => Properties,
  );
  const failing = {
    Namespace: "AWS/EventBridge/Pipes",
    MetricName: "ExecutionFailed",
    Threshold: 3,
    Period: 900,
  };
  const pipe = (name: string) => [{ Name: "PipeName", Value: { Ref: expect.stringMatching(name) } }];
  expect(alarms).toMatchObject([
    { ...failing, Dimensions: pipe("^ChangesElected"), Statistic: "Sum" },
    { ...failing, Dimensions: pipe("^ChangesEnded"), Statistic: "Sum" },
    { Namespace: "AWS/SQS", MetricName: "ApproximateNumberOfMessagesVisible", Threshold: 1 },
  ]);
  for (const { AlarmActions } of alarms) expect(AlarmActions).toHaveLength(1);
  expect(resources(changes({ alarms: false }), "AWS::CloudWatch::Alarm")).toEqual({});
  const some = changes({ alarms: { endedFailing: false } });
  expect(Object.keys(resources(some, "AWS::CloudWatch::Alarm"))).toHaveLength(2);
});

test("what the pipes cannot do: refused", () => {
  const rule =
    "maximumRecordAge: must be 60 to 82800 seconds (23 hours), because the stream keeps records for 24 hours, and those " +
    "that are older leave it without a message; received";
  const suggestion = "Suggestion: Duration.hours(12).";
  expect(refusal(() => changes({ maximumRecordAge: Duration.hours(24) }))).toBe(
    `${rule} the number 86400. ${suggestion}`,
  );
  expect(refusal(() => changes({ maximumRecordAge: Duration.seconds(59) }))).toBe(
    `${rule} the number 59. ${suggestion}`,
  );
  const stack = newStack();
  const deadLetterQueue = new Queue(stack, "Mine", { fifo: true });
  expect(refusal(() => newChanges(stack, { deadLetterQueue }))).toBe(
    "deadLetterQueue: must be a standard queue: EventBridge Pipes do not send failed records to a FIFO queue; " +
      'received a FIFO queue. Suggestion: new Queue(this, "DeadLetters").',
  );
});

test("of all that elections write: an event for each term that begins, and for each that is given back", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const candidates: string[] = [];
  const candidate = (options: Partial<ClientOptions & CandidateOptions>) => {
    const election = new Election({ client, tableName, name: "billing", ...options });
    candidates.push(election.candidateId);
    return election;
  };
  const records = await streamRecords(client, tableName, async () => {
    const first = await candidate({ succession: "arrival" }).campaign();
    await first.proclaim("http://10.0.0.7:8080");
    await first.resign();

    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const cutOff = candidate({ client: newClient(proxy.endpoint), leaseDurationMs: 5_000 });
    const second = await cutOff.campaign();
    await eventually(() => hasTerm(client, tableName, 2));
    await second.proclaim("http://10.0.0.8:8080");
    await proxy.close();

    const third = await candidate({ leaseDurationMs: 5_000 }).campaign();
    await eventually(() => hasTerm(client, tableName, 3));
    await new Operator({ client, tableName, name: "billing", by: "test" }).evict();
    expect(await third.resign()).toBe("lost");
  });
  const told = eventsOf(changes(), records).map(({ source, detailType, detail }) => [
    source,
    detailType,
    detail,
  ]);
  const [first, second, third] = candidates;
  const billing = (term: string, leader: string | undefined) => ({ election: "billing", term, leader });
  expect(told).toEqual([
    ["incumbent", "Leader Elected", billing("1", first)],
    ["incumbent", "Leadership Ended", { ...billing("1", first), reason: "resigned" }],
    ["incumbent", "Leader Elected", billing("2", second)],
    ["incumbent", "Leader Elected", billing("3", third)],
    ["incumbent", "Leadership Ended", { ...billing("3", third), reason: "evicted" }],
  ]);
  expect(records.length).toBeGreaterThan(told.length);
});

test("sessions are no elections: an event for a lease that is given back under one, and none for the session", async () => {
  const client = newClient();
  const tableName = await newLeaseTable(client);
  const store = storeOf({ client, tableName });
  const records = await streamRecords(client, tableName, async () => {
    for (const end of ["crash", "seal", "close"] as const) {
      const session = new SessionRows(store, `of-${end}`, Date.now);
      await session.open();
      await session.renew();
      const term = await session.acquire(`a/${end}`, "worker-1");
      if (end === "close") await session.resign(`a/${end}`, "worker-1", term);
      await session[end]();
    }
  });
  const told = eventsOf(changes(), records).map(({ detailType, detail }) => [detailType, detail]);
  const of = (election: string) => ({ election, term: "1", leader: "worker-1" });
  expect(told).toEqual([
    ["Leader Elected", of("a/crash")],
    ["Leader Elected", of("a/seal")],
    ["Leader Elected", of("a/close")],
    ["Leadership Ended", { ...of("a/close"), reason: "resigned" }],
  ]);
});

async function hasTerm(client: DynamoDBClient, TableName: string, term: number): Promise<boolean> {
  const Key = { pk: { S: "billing" }, sk: { S: termSortKey(term) } };
  return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item !== undefined;
}
