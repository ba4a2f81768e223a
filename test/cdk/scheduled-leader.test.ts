import { CfnParameter, Duration, TimeZone } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { expect, test } from "vitest";
import { LeaseTable, ScheduledLeader, type ScheduledLeaderProps } from "../../lib/index.js";
import { actionsOf, statementsOf } from "./policies.js";
import { entry, environment, everyMinute, leader, ownFunction } from "./scheduled-job.js";
import { newStack, only, refusal, resources } from "./synth.js";

const minutes = Duration.minutes;

test("the job is a function on arm64 and the current Node.js, with a log that is not kept for ever", () => {
  const stack = newStack();
  leader(stack);
  expect(only(stack, "AWS::Lambda::Function").Properties).toMatchObject({
    Architectures: ["arm64"],
    Runtime: "nodejs24.x",
    Timeout: 60,
    MemorySize: 256,
  });
  expect(only(stack, "AWS::Logs::LogGroup").Properties).toMatchObject({ RetentionInDays: 30 });
});

test("the schedule fires in its time zone, without a flexible window, and hands over the scheduled time", () => {
  const stack = newStack();
  leader(stack, {
    schedule: ScheduleExpression.cron({ minute: "0", hour: "3", timeZone: TimeZone.EUROPE_BERLIN }),
  });
  const { Properties } = only(stack, "AWS::Scheduler::Schedule");
  expect(Properties).toMatchObject({
    ScheduleExpression: "cron(0 3 * * ? *)",
    ScheduleExpressionTimezone: "Europe/Berlin",
    FlexibleTimeWindow: { Mode: "OFF" },
  });
  expect(JSON.parse((Properties.Target as { Input: string }).Input)).toEqual({
    scheduledTime: "<aws.scheduler.scheduled-time>",
    executionId: "<aws.scheduler.execution-id>",
    attempt: "<aws.scheduler.attempt-number>",
  });
});

test("the handler is told its table, election and that a tick runs once", () => {
  const stack = newStack();
  leader(stack, { environment: { STAGE: "test" } });
  expect(environment(stack)).toMatchObject({
    INCUMBENT_TABLE: { Ref: expect.stringMatching(/^LeasesTable/) },
    INCUMBENT_ELECTION: "reports/daily",
    INCUMBENT_ONCE: "tick",
    STAGE: "test",
  });
  expect(Object.keys(environment(stack)).join()).not.toContain("STICKY");
});

test("once: false leaves duplicates to run again", () => {
  const stack = newStack();
  leader(stack, { once: false });
  expect(environment(stack)).not.toHaveProperty("INCUMBENT_ONCE");
});

test("sticky is by Region unless a group is named", () => {
  const stack = newStack();
  leader(stack, { sticky: { for: Duration.minutes(10) } });
  expect(environment(stack)).toMatchObject({
    INCUMBENT_STICKY_GROUP: { Ref: "AWS::Region" },
    INCUMBENT_STICKY_MS: "600000",
  });
  const other = newStack();
  leader(other, { sticky: { group: "blue", for: Duration.minutes(10) } });
  expect(environment(other)).toMatchObject({ INCUMBENT_STICKY_GROUP: "blue" });
});

test("events that cannot be delivered, and runs that fail for good, end in one encrypted queue, TLS only", () => {
  const stack = newStack();
  const schedule = ScheduleExpression.rate(Duration.hours(1));
  leader(stack, { schedule, retry: { maximumRetryAttempts: 1, maximumEventAge: Duration.minutes(30) } });
  const queue = { "Fn::GetAtt": [expect.stringMatching(/^NightlyDeadLetters/), "Arn"] };
  expect(only(stack, "AWS::SQS::Queue").Properties).toMatchObject({ SqsManagedSseEnabled: true });
  expect(only(stack, "AWS::SQS::QueuePolicy").Properties).toMatchObject({
    PolicyDocument: {
      Statement: [{ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }],
    },
  });
  expect(only(stack, "AWS::Scheduler::Schedule").Properties).toMatchObject({
    Target: { DeadLetterConfig: { Arn: queue }, RetryPolicy: { MaximumEventAgeInSeconds: 1_800 } },
  });
  expect(only(stack, "AWS::Lambda::EventInvokeConfig").Properties).toMatchObject({
    MaximumRetryAttempts: 1,
    MaximumEventAgeInSeconds: 1_800,
    DestinationConfig: { OnFailure: { Destination: queue } },
  });
});

test("a queue of one's own is used, and none is made", () => {
  const stack = newStack();
  leader(stack, { deadLetterQueue: new Queue(stack, "Mine") });
  expect(Object.keys(resources(stack, "AWS::SQS::Queue"))).toEqual(["Mine"]);
});

test("the scheduler's role may invoke this function and fill this queue, for schedules of this account only", () => {
  const stack = newStack();
  leader(stack);
  expect(statementsOf(stack, "SchedulerRole").map((one) => [actionsOf(one), one.Resource])).toEqual([
    [["lambda:InvokeFunction"], { "Fn::GetAtt": [expect.stringMatching(/^NightlyJobFunction/), "Arn"] }],
    [
      ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
      { "Fn::GetAtt": [expect.stringMatching(/^NightlyDeadLetters/), "Arn"] },
    ],
  ]);
  expect(resources(stack, "AWS::IAM::Role").NightlySchedulerRole?.Properties).toMatchObject({
    AssumeRolePolicyDocument: {
      Statement: [{ Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } } }],
    },
  });
});

test("alarms: a failed run, a throttled one, a dead letter; told to the topic, silent without data", () => {
  const stack = newStack();
  leader(stack, { alarmTopic: new Topic(stack, "Topic") });
  const alarms = Object.values(resources(stack, "AWS::CloudWatch::Alarm"));
  expect(alarms.map(({ Properties }) => Properties.MetricName).sort()).toEqual([
    "ApproximateNumberOfMessagesVisible",
    "Errors",
    "SupersededTicks",
    "Throttles",
  ]);
  for (const { Properties } of alarms) {
    expect(Properties).toMatchObject({
      Threshold: 1,
      TreatMissingData: "notBreaching",
      AlarmActions: [{ Ref: expect.stringMatching(/^Topic/) }],
    });
  }
  // As `src/lambda/superseded-metric.ts` prints it.
  expect(
    alarms.find(({ Properties }) => Properties.MetricName === "SupersededTicks")?.Properties,
  ).toMatchObject({
    Namespace: "Incumbent",
    Statistic: "Sum",
    Dimensions: [
      { Name: "Election", Value: "reports/daily" },
      { Name: "Table", Value: { Ref: expect.stringMatching(/^LeasesTable/) } },
    ],
  });
  const withoutTicks = newStack();
  leader(withoutTicks, { once: false });
  expect(Object.keys(resources(withoutTicks, "AWS::CloudWatch::Alarm"))).toHaveLength(3);
  const quiet = newStack();
  leader(quiet, { alarms: false });
  expect(resources(quiet, "AWS::CloudWatch::Alarm")).toEqual({});
});

test("a function of one's own gets environment, rights and schedule, and keeps the rest", () => {
  const stack = newStack();
  const own = ownFunction(stack, { timeout: Duration.seconds(30) });
  expect(leader(stack, { function: own }).function).toBe(own);
  expect(environment(stack)).toMatchObject({ INCUMBENT_ELECTION: "reports/daily" });
  expect(statementsOf(stack, "OwnServiceRole").flatMap(actionsOf)).toContain("dynamodb:ConditionCheckItem");
});

test.each<[string, Partial<ScheduledLeaderProps>, string]>([
  [
    "a name that cannot be",
    { election: "a b" },
    "election: must be 1 to 200 characters: A-Z a-z 0-9 . _ / - (character 2 is not allowed); received a string of 3 characters. Suggestion: billing/nightly.",
  ],
  [
    "a timeout that leaves no time for work",
    { timeout: Duration.seconds(3) },
    "timeout: must be 5 to 900 seconds: the lease ends before the timeout by a margin for stopping and giving it back, " +
      "and what is left is the time for work; received the number 3. Suggestion: Duration.minutes(1).",
  ],
  [
    "a timeout longer than Lambda's",
    { timeout: minutes(16) },
    "timeout: must be 5 to 900 seconds: the lease ends before the timeout by a margin for stopping and giving it back, " +
      "and what is left is the time for work; received the number 960. Suggestion: Duration.minutes(1).",
  ],
  [
    "an entry that is not there",
    { entry: "src/nowhere.ts" },
    "entry: must be a file that exports `handler`, and there is no file at this path from the folder where cdk runs; received a string of 14 characters. Suggestion: src/nightly.ts.",
  ],
  [
    "stickiness that lapses before the next tick",
    { sticky: { for: minutes(5) }, schedule: ScheduleExpression.rate(minutes(5)) },
    "sticky.for: must be longer than from tick to tick (300 seconds), or it is over before the next one; " +
      "received the number 300. Suggestion: Duration.seconds(600).",
  ],
  [
    "a rate of more than a year",
    { schedule: ScheduleExpression.rate(Duration.days(367)) },
    "schedule: a rate must be at most 366 days; received a string of 14 characters. " +
      'Suggestion: ScheduleExpression.cron({ minute: "0", hour: "3", month: "1", day: "1" }).',
  ],
  [
    "stickiness for longer than a month",
    { sticky: { for: Duration.days(32) } },
    "sticky.for: must be more than 0 and at most 2678400 seconds (31 days); received the number 2764800. Suggestion: Duration.hours(1).",
  ],
  [
    "stickiness without ticks",
    { sticky: { for: minutes(5) }, once: false },
    'sticky: needs once: "tick", because the job stays where it completes ticks; ' +
      "received the boolean false. Suggestion: leave out once.",
  ],
  [
    "a group that cannot be",
    { sticky: { group: "eu/west", for: minutes(5) } },
    "sticky.group: must be 1 to 100 characters: A-Z a-z 0-9 . _ - (character 3 is not allowed); received a string of 7 characters. Suggestion: eu-west-1.",
  ],
  [
    "more retries than Lambda makes",
    { retry: { maximumRetryAttempts: 3 } },
    "retry.maximumRetryAttempts: must be 0, 1 or 2, as Lambda allows; received the number 3. Suggestion: 2.",
  ],
  [
    "events that get older than Lambda lets them",
    { retry: { maximumEventAge: Duration.hours(7) } },
    "retry.maximumEventAge: must be 60 to 21600 seconds; received the number 25200. Suggestion: Duration.hours(1).",
  ],
])("%s: refused", (_, props, message) => {
  expect(refusal(() => leader(newStack(), props))).toBe(message);
});

test("an entry and a function, or neither; a function with what goes with entry, or without enough time: refused", () => {
  const either = "entry: either entry or function must be given";
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases");
  const props = { table, election: "reports", schedule: everyMinute };
  const own = ownFunction(stack);
  expect(refusal(() => new ScheduledLeader(stack, "A", props))).toBe(
    `${either}, and neither is; received undefined. Suggestion: src/nightly.ts.`,
  );
  expect(refusal(() => new ScheduledLeader(stack, "B", { ...props, entry, function: own }))).toBe(
    `${either}, and both are; received a string of ${entry.length} characters. Suggestion: src/nightly.ts.`,
  );
  expect(refusal(() => new ScheduledLeader(stack, "C", { ...props, function: own, memorySize: 128 }))).toBe(
    "memorySize: goes with entry; a function of your own has it already; received the number 128. Suggestion: leave it out.",
  );
  expect(refusal(() => new ScheduledLeader(stack, "D", { ...props, function: own }))).toMatch(
    /^timeout: must be 5 to 900 seconds: .*; received the number 3\. Suggestion: Duration.minutes\(1\)\.$/,
  );
});

test("what is only known at deployment is not judged", () => {
  const stack = newStack();
  const election = new CfnParameter(stack, "Name").valueAsString;
  expect(() => leader(stack, { election })).not.toThrow();
});
