import { CfnParameter, Duration, Lazy, type Stack } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { describe, expect, test } from "vitest";
import { ElectionMonitor, IncumbentStack, LeaseTable, type WatchedElection } from "../../lib/index.js";
import { entry, leader } from "./scheduled-job.js";
import { newApp, newStack, only, refusal, resources } from "./synth.js";

/** Durations that CDK cannot convert: fractions of a second, and tokens. Its own errors name no prop. */

const later = (stack: Stack) => new CfnParameter(stack, "Later", { type: "Number" }).valueAsNumber;
const hourly = ScheduleExpression.rate(Duration.hours(1));
const monitor = (stack: Stack, props: object) =>
  new ElectionMonitor(stack, "Monitor", { table: new LeaseTable(stack, "Leases"), ...props });
const watching = (stack: Stack, limits: Partial<WatchedElection>) =>
  monitor(stack, { elections: [{ election: "reports", ...limits }] });

const A_TOKEN = "received a token, whose value is known at deployment";
const KNOWN = `must be known when the app is synthesized: other settings must fit it; ${A_TOKEN}`;
const IN_SECONDS =
  `must be in seconds if it is a token, because nothing can convert it; ${A_TOKEN}. ` +
  "Suggestion: Duration.seconds(parameter.valueAsNumber).";

test.each<[string, (stack: Stack) => unknown, string]>([
  [
    "a timeout of 5,500 ms",
    (stack) => leader(stack, { timeout: Duration.millis(5_500) }),
    "timeout: must be whole seconds; received the number 5.5. Suggestion: Duration.minutes(1).",
  ],
  [
    "a timeout in minutes, as a token",
    (stack) => leader(stack, { timeout: Duration.minutes(later(stack)) }),
    `timeout: ${IN_SECONDS}`,
  ],
  [
    "an event's age in milliseconds",
    (stack) => leader(stack, { schedule: hourly, retry: { maximumEventAge: Duration.millis(90_500) } }),
    "retry.maximumEventAge: must be whole seconds; received the number 90.5. Suggestion: Duration.hours(1).",
  ],
  [
    "an event's age, as a token",
    (stack) => leader(stack, { retry: { maximumEventAge: Duration.seconds(later(stack)) } }),
    `retry.maximumEventAge: ${KNOWN}. Suggestion: Duration.hours(1).`,
  ],
  [
    "stickiness in milliseconds",
    (stack) => leader(stack, { sticky: { for: Duration.millis(90_500) } }),
    "sticky.for: must be whole seconds; received the number 90.5. Suggestion: Duration.hours(1).",
  ],
  [
    "stickiness, as a token",
    (stack) => leader(stack, { sticky: { for: Duration.seconds(later(stack)) } }),
    `sticky.for: ${KNOWN}. Suggestion: Duration.hours(1).`,
  ],
  [
    "a rate, as a token",
    (stack) => leader(stack, { schedule: ScheduleExpression.rate(Duration.minutes(later(stack))) }),
    'schedule: must be known when the app is synthesized, with once: "tick": the ticks and the retries follow from a ' +
      `rate; ${A_TOKEN}. Suggestion: ScheduleExpression.rate(Duration.hours(1)).`,
  ],
  [
    "a monitor's interval, as a token",
    (stack) => monitor(stack, { interval: Duration.minutes(later(stack)) }),
    `interval: must be known when the app is synthesized: it is the period of the metrics; ${A_TOKEN}. ` +
      "Suggestion: Duration.minutes(1).",
  ],
  [
    "an alarm's limit in milliseconds",
    (stack) => watching(stack, { maxWithoutLeader: Duration.millis(90_500) }),
    "maxWithoutLeader: must be whole seconds; received the number 90.5. Suggestion: Duration.minutes(1).",
  ],
  [
    "an alarm's limit in minutes, as a token",
    (stack) => watching(stack, { maxSinceLastTick: Duration.minutes(later(stack)) }),
    `maxSinceLastTick: ${IN_SECONDS}`,
  ],
  [
    "an alarm's limit that is a number, as a token",
    (stack) => watching(stack, { maxTermsPerHour: later(stack) }),
    `maxTermsPerHour: must be a number from 1; ${A_TOKEN}. Suggestion: 10.`,
  ],
])("%s: refused", (_, make, message) => {
  expect(refusal(() => make(newStack()))).toBe(message);
});

describe("a token that works", () => {
  test("a timeout in seconds", () => {
    const stack = newStack();
    leader(stack, { timeout: Duration.seconds(later(stack)) });
    expect(only(stack, "AWS::Lambda::Function").Properties).toMatchObject({ Timeout: { Ref: "Later" } });
  });

  test("the retries of Lambda", () => {
    const stack = newStack();
    leader(stack, { retry: { maximumRetryAttempts: later(stack) } });
    expect(only(stack, "AWS::Lambda::EventInvokeConfig").Properties).toMatchObject({
      MaximumRetryAttempts: { Ref: "Later" },
    });
  });

  test("a schedule without ticks", () => {
    const stack = newStack();
    const expression = new CfnParameter(stack, "Later").valueAsString;
    leader(stack, { once: false, schedule: ScheduleExpression.expression(expression) });
    expect(only(stack, "AWS::Scheduler::Schedule").Properties).toMatchObject({
      ScheduleExpression: { Ref: "Later" },
    });
  });

  test("a limit in seconds", () => {
    const stack = newStack();
    watching(stack, { maxWithoutLeader: Duration.seconds(later(stack)) });
    const alarm = resources(stack, "AWS::CloudWatch::Alarm").MonitorAlarmsElection1NoLeader;
    expect(alarm?.Properties).toMatchObject({ Threshold: { Ref: "Later" } });
  });
});

test("a stack makes no alarm for a job whose timeout is a token: it cannot know when the job is overdue", () => {
  const timeout = Duration.seconds(Lazy.number({ produce: () => 90 }));
  const job = { entry, election: "reports", schedule: hourly, timeout };
  expect(new IncumbentStack(newApp(), "Test", { job }).monitor?.alarms.of("reports")).toBeUndefined();
});
