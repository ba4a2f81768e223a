import { Template } from "aws-cdk-lib/assertions";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { expect, test } from "vitest";
import { IncumbentStack, type IncumbentStackProps } from "../../lib/index.js";
import { EUROPE } from "./nag.js";
import { readable, readablePolicies } from "./policies.js";
import { newApp, only, resources, withoutHash } from "./synth.js";

const WHOLE_JOB = {
  entry: "examples/scheduled-job.ts",
  election: "reports/daily",
  schedule: ScheduleExpression.expression("rate(5 minutes)"),
};
const WHOLE: IncumbentStackProps = {
  elections: ["billing/nightly", "imports"],
  job: WHOLE_JOB,
  leaderChanges: true,
  alarmEmail: "on-call@example.com",
};

function newStack(props: IncumbentStackProps = WHOLE, region = "eu-west-1"): IncumbentStack {
  return new IncumbentStack(newApp(), "incumbent", { ...props, env: { region } });
}

test("every permission there is, in a form that people can read", async () => {
  await expect(readablePolicies(newStack())).toMatchFileSnapshot("policies.txt");
});

test("the other Regions' stacks use the replicas by name, with permissions of their own", async () => {
  const stack = newStack({ ...WHOLE, regions: EUROPE }, "eu-west-2");
  Template.fromStack(stack).resourceCountIs("AWS::DynamoDB::GlobalTable", 0);
  Template.fromStack(stack).resourceCountIs("AWS::Scheduler::Schedule", 2);
  Template.fromStack(stack).resourceCountIs("AWS::Pipes::Pipe", 0);
  expect(readablePolicies(stack)).toContain(
    "arn:{AWS::Partition}:dynamodb:eu-west-2:{AWS::AccountId}:table/incumbent",
  );
});

test("what a worker needs to be told is an output", () => {
  const { Outputs } = Template.fromStack(newStack()).toJSON() as {
    Outputs: Record<string, { Value: unknown }>;
  };
  const shown = Object.entries(Outputs).map(([id, { Value }]) => `${withoutHash(id)} = ${readable(Value)}`);
  expect(shown).toEqual([
    "TableName = {Table}",
    "TableArn = {Table.Arn}",
    "Region = eu-west-1",
    "JobFunction = {JobFunction}",
    "JobDeadLetters = {JobDeadLetters}",
    "CandidatePolicyArn = {CandidatePolicy}",
  ]);
});

test("alarms may publish to the topic, over TLS", () => {
  const { PolicyDocument } = only(newStack(), "AWS::SNS::TopicPolicy").Properties;
  expect(PolicyDocument).toMatchObject({
    Statement: [
      { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } },
      { Effect: "Allow", Action: "sns:Publish", Principal: { Service: "cloudwatch.amazonaws.com" } },
    ],
  });
});

test("nobody is told by alarms unless an address is given; without a job or a monitor there is none", () => {
  const bare = newStack({ monitor: false });
  const types = new Set(Object.values(resources(bare)).map(({ Type }) => Type));
  expect([...types]).toEqual(["AWS::DynamoDB::GlobalTable"]);
  const told = resources(newStack(), "AWS::SNS::Subscription");
  expect(Object.values(told).map(({ Properties }) => Properties.Endpoint)).toEqual(["on-call@example.com"]);
});

test("the job takes memory, environment and what else CDK's function takes", () => {
  const functionProps = { description: "Nightly reports" };
  const stack = newStack({
    job: { ...WHOLE_JOB, memorySize: 512, environment: { STAGE: "test" }, functionProps },
    monitor: false,
  });
  expect(only(stack, "AWS::Lambda::Function").Properties).toMatchObject({
    MemorySize: 512,
    Description: "Nightly reports",
    Environment: { Variables: { STAGE: "test" } },
  });
});

test("a job with a rate is overdue after three missed ticks and one run, also before its first run", () => {
  const thresholds = (schedule: string) =>
    Object.values(
      resources(newStack({ job: { ...WHOLE_JOB, schedule: ScheduleExpression.expression(schedule) } })),
    )
      .map(({ Properties }) => Properties)
      .filter(({ MetricName }) => MetricName === "SecondsSinceLastTick")
      .map(({ Threshold }) => Threshold);
  expect(thresholds("rate(5 minutes)")).toEqual([3 * 300 + 60]);
  // Its rate is not known.
  expect(thresholds("cron(0 3 * * ? *)")).toEqual([]);
});
