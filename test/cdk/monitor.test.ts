import { Duration } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import { expect, test } from "vitest";
import { ElectionMonitor, type ElectionMonitorProps, LeaseTable } from "../../lib/index.js";
import { actionsOf, readable, statementsOf } from "./policies.js";
import { newStack, only, refusal, resources } from "./synth.js";

const EUROPE = ["eu-west-1", "eu-west-2", "eu-central-1"];

function monitor(props: Partial<ElectionMonitorProps> = {}, regions?: string[]) {
  const stack = newStack("eu-west-1");
  const table = new LeaseTable(stack, "Leases", { tableName: "leases", ...(regions && { regions }) });
  new ElectionMonitor(stack, "Monitor", { table, ...props });
  return stack;
}

test("it looks once a minute, is a candidate of the table it watches, and is not tried again", () => {
  const stack = monitor();
  expect(only(stack, "AWS::Scheduler::Schedule").Properties).toMatchObject({
    ScheduleExpression: "rate(1 minute)",
    State: "ENABLED",
  });
  expect(only(stack, "AWS::Lambda::EventInvokeConfig").Properties).toMatchObject({ MaximumRetryAttempts: 0 });
  expect(only(stack, "AWS::Lambda::Function").Properties).toMatchObject({
    Environment: {
      Variables: {
        INCUMBENT_TABLE: { Ref: expect.stringMatching(/^LeasesTable/) },
        INCUMBENT_ELECTION: "incumbent/monitor",
        INCUMBENT_MONITOR_ELECTION: "incumbent/monitor",
        INCUMBENT_METRICS_NAMESPACE: "Incumbent",
        INCUMBENT_ONCE: "tick",
      },
    },
  });
});

test("on a table of several Regions each Region has its own: metrics and alarms stay in theirs", () => {
  const variables = { INCUMBENT_ELECTION: "incumbent/monitor/eu-west-1" };
  expect(only(monitor({}, EUROPE), "AWS::Lambda::Function").Properties).toMatchObject({
    Environment: { Variables: { ...variables, INCUMBENT_MONITOR_ELECTION: variables.INCUMBENT_ELECTION } },
  });
});

test("it reads all of the table, and deletes only where DynamoDB does not clean up", () => {
  const whole = (stack: ReturnType<typeof monitor>) =>
    statementsOf(stack, "MonitorFunctionRole")
      .filter(({ Condition }) => Condition === undefined)
      .flatMap(actionsOf)
      .filter((action) => action.startsWith("dynamodb:"));
  expect(whole(monitor())).toEqual(["dynamodb:Scan", "dynamodb:Query"]);
  const global = monitor({}, EUROPE);
  expect(whole(global)).toEqual([...["dynamodb:Scan", "dynamodb:Query", "dynamodb:DeleteItem"]]);
  expect(JSON.stringify(only(global, "AWS::Lambda::Function"))).toContain('"INCUMBENT_PRUNE":"true"');
  expect(JSON.stringify(only(monitor(), "AWS::Lambda::Function"))).not.toContain("INCUMBENT_PRUNE");
});

test("alarms: the monitor itself silent, rows of strangers, and for each election what was asked for", () => {
  const stack = newStack();
  const table = new LeaseTable(stack, "Leases", { tableName: "leases" });
  new ElectionMonitor(stack, "Monitor", {
    table,
    alarmTopic: new Topic(stack, "Topic"),
    elections: [
      {
        election: "billing",
        maxWithoutLeader: Duration.seconds(90),
        maxTermsPerHour: 10,
      },
      { election: "reports", maxSinceLastTick: Duration.hours(25) },
    ],
  });
  const alarms = Object.values(resources(stack, "AWS::CloudWatch::Alarm")).map(
    ({ Properties }) => Properties,
  );
  const isSilent = ({ Metrics }: Record<string, unknown>) => JSON.stringify(Metrics)?.includes("MonitorRuns");
  const simple = alarms.filter((alarm) => !isSilent(alarm));
  const shown = simple.map(({ MetricName, Threshold, TreatMissingData, Dimensions }) => {
    const of = (Dimensions as { Name: string; Value: unknown }[]).find(
      ({ Name }) => Name === "Election",
    )?.Value;
    return [MetricName, of, Threshold, TreatMissingData];
  });
  expect(shown.sort()).toEqual([
    ["MalformedRows", undefined, 1, "notBreaching"],
    ["SecondsSinceLastTick", "reports", 90_000, "notBreaching"],
    ["SecondsWithoutLeader", "billing", 90, "notBreaching"],
    ["SecondsWithoutLeader", "reports", 60, "notBreaching"],
    ["TermsPerHour", "billing", 11, "notBreaching"],
  ]);
  for (const { AlarmActions } of alarms) expect(AlarmActions).toHaveLength(1);
  const silent = alarms.filter(isSilent);
  expect(silent).toMatchObject([
    { Threshold: 1, ComparisonOperator: "LessThanThreshold", EvaluationPeriods: 8, DatapointsToAlarm: 6 },
  ]);
  expect(silent).toMatchObject([
    {
      TreatMissingData: "ignore",
      Metrics: [
        { Expression: "FILL(runs, 0) * FILL(invocations, REPEAT)" },
        { Id: "runs", MetricStat: { Metric: { MetricName: "MonitorRuns" }, Period: 60, Stat: "Sum" } },
        { Id: "invocations", MetricStat: { Metric: { MetricName: "Invocations" }, Period: 60, Stat: "Sum" } },
      ],
    },
  ]);
});

test("the dashboard shows every election that there is, also those of tomorrow", () => {
  const body = readable(only(monitor(), "AWS::CloudWatch::Dashboard").Properties.DashboardBody);
  for (const metric of [
    "HasLeader",
    "SecondsWithoutLeader",
    "LeaseAgeMs",
    "TermsPerHour",
    "SecondsSinceLastTick",
    "SupersededTicks",
  ]) {
    expect(body).toContain(`SEARCH('{Incumbent,Election,Table} MetricName=\\"${metric}\\" Table=\\"`);
  }
  for (const metric of [
    "MonitorRuns",
    "ConditionalCheckFailedRequests",
    "TransactionConflict",
    "ThrottledRequests",
  ]) {
    expect(body).toContain(metric);
  }
});

test("intervals and limits that cannot be: refused", () => {
  expect(refusal(() => monitor({ interval: Duration.seconds(90) }))).toBe(
    "interval: must be 1 to 60 whole minutes; received the number 1.5. Suggestion: Duration.minutes(1).",
  );
  expect(refusal(() => monitor({ elections: [{ election: "a:b" }] }))).toBe(
    "elections: must be 1 to 200 characters: A-Z a-z 0-9 . _ / - (character 2 is not allowed); received a string of 3 characters. Suggestion: billing/nightly.",
  );
  expect(
    refusal(() => monitor({ elections: [{ election: "a", maxWithoutLeader: Duration.seconds(0) }] })),
  ).toBe(
    "maxWithoutLeader: must be more than 0 seconds; received the number 0. Suggestion: Duration.minutes(1).",
  );
  expect(
    refusal(() => monitor({ elections: [{ election: "a", maxSinceLastTick: Duration.seconds(0) }] })),
  ).toBe(
    "maxSinceLastTick: must be more than 0 seconds; received the number 0. Suggestion: Duration.hours(25).",
  );
  const many = Array.from({ length: 16 }, (_, i) => ({ election: `${i}`.padStart(200, "a") }));
  expect(refusal(() => monitor({ elections: many }))).toBe(
    "elections: must have names of at most 3000 characters together: Lambda limits a function's environment; " +
      "received the number 3215. Suggestion: a second table for some of the elections.",
  );
  expect(refusal(() => monitor({ elections: [{ election: "a", maxTermsPerHour: 0 }] }))).toBe(
    "maxTermsPerHour: must be a number from 1; received the number 0. Suggestion: 10.",
  );
});

test("it is told which elections and which jobs it watches, so that it publishes those that never ran", () => {
  const elections = [
    { election: "billing" },
    { election: "reports", maxSinceLastTick: Duration.hours(25) },
    { election: "imports" },
  ];
  expect(only(monitor({ elections }), "AWS::Lambda::Function").Properties).toMatchObject({
    Environment: {
      Variables: { INCUMBENT_WATCHED_ELECTIONS: "billing,imports", INCUMBENT_WATCHED_JOBS: "reports" },
    },
  });
  expect(JSON.stringify(only(monitor(), "AWS::Lambda::Function"))).not.toContain("WATCHED");
});
