import { Duration, type Stack } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { expect, test } from "vitest";
import type { ScheduledLeaderProps } from "../../lib/index.js";
import { environment, leader } from "./scheduled-job.js";
import { newStack, only, refusal } from "./synth.js";

/** The ticks of a scheduled job: its period, its retries, and what keeps the schedules of several Regions together. */

const minutes = Duration.minutes;

test("a rate tells the handler its period, so that the ticks of every Region are the same; cron does not", () => {
  const stack = newStack();
  leader(stack, { schedule: ScheduleExpression.rate(Duration.hours(36)) });
  expect(environment(stack)).toMatchObject({ INCUMBENT_TICK_PERIOD_MS: "129600000" });
  for (const props of [
    { schedule: ScheduleExpression.cron({ minute: "0" }) },
    { schedule: ScheduleExpression.expression("at(2026-11-20T13:00:00)") },
    { once: false as const },
  ]) {
    const other = newStack();
    leader(other, props);
    expect(environment(other)).not.toHaveProperty("INCUMBENT_TICK_PERIOD_MS");
  }
});

test("the construct says the time from one run to the next, which a cron does not have", () => {
  expect(leader(newStack(), { schedule: ScheduleExpression.rate(minutes(5)) }).rate?.toSeconds()).toBe(300);
  expect(leader(newStack(), { schedule: ScheduleExpression.cron({ minute: "0" }) }).rate).toBeUndefined();
});

test("by default the retries of Lambda and of the Scheduler end before the next tick of a rate", () => {
  const retriesIn = (stack: Stack) => {
    const { MaximumRetryAttempts, MaximumEventAgeInSeconds } = only(
      stack,
      "AWS::Lambda::EventInvokeConfig",
    ).Properties;
    const target = only(stack, "AWS::Scheduler::Schedule").Properties.Target as Record<string, object>;
    return { ...target.RetryPolicy, attempts: MaximumRetryAttempts, age: MaximumEventAgeInSeconds };
  };
  const fiveMinutes = newStack();
  leader(fiveMinutes, { schedule: ScheduleExpression.rate(minutes(5)) });
  expect(retriesIn(fiveMinutes)).toMatchObject({ attempts: 2, age: 240, MaximumEventAgeInSeconds: 240 });
  const minute = newStack();
  leader(minute);
  expect(retriesIn(minute)).toMatchObject({ attempts: 0, age: 60, MaximumEventAgeInSeconds: 60 });
  const every = newStack();
  leader(every, { ticks: "every" });
  expect(retriesIn(every)).toMatchObject({ attempts: 2, age: 3_600, MaximumEventAgeInSeconds: 3_600 });
  expect(environment(every)).toMatchObject({ INCUMBENT_TICKS: "every" });
});

test("with sticky a rate is deployed as the cron that has its ticks, so that all groups get them at once", () => {
  const stack = newStack();
  const sticky = { for: Duration.hours(2) };
  leader(stack, { sticky, schedule: ScheduleExpression.rate(minutes(10)) });
  const { ScheduleExpression: expression, ScheduleExpressionTimezone } = only(
    stack,
    "AWS::Scheduler::Schedule",
  ).Properties;
  expect([expression, ScheduleExpressionTimezone]).toEqual(["cron(0/10 * * * ? *)", "Etc/UTC"]);
  expect(environment(stack)).toMatchObject({ INCUMBENT_TICK_PERIOD_MS: "600000" });
});

test.each<[string, Partial<ScheduledLeaderProps>, string]>([
  [
    "events that are tried when the next tick has run",
    { retry: { maximumEventAge: minutes(5) }, schedule: ScheduleExpression.rate(minutes(5)) },
    "retry.maximumEventAge: must be at most 240 seconds with rate(5 minutes): an older event can find that the next tick " +
      "has completed, and is then superseded; received the number 300. " +
      'Suggestion: Duration.seconds(240), or ticks: "every".',
  ],
  [
    "retries that come when the next tick has run",
    { retry: { maximumRetryAttempts: 2 }, schedule: ScheduleExpression.rate(minutes(3)) },
    "retry.maximumRetryAttempts: must be at most 1 with rate(3 minutes): Lambda tries again after 1 minute, and then after " +
      "2 more, and can find that the next tick has completed; received the number 2. " +
      'Suggestion: 1, or ticks: "every".',
  ],
  [
    "events that outlive the window of every tick",
    { ticks: "every", retry: { maximumEventAge: Duration.hours(2) } },
    "retry.maximumEventAge: must be at most 3780 seconds with rate(1 minute): an older event can find that its tick is " +
      "older than the last 64 completed ones, and is then superseded; received the number 7200. " +
      "Suggestion: Duration.seconds(3780).",
  ],
  [
    "ticks that are neither",
    { ticks: "all" as "every" },
    'ticks: must be "latest" or "every"; received a string of 3 characters. Suggestion: "latest".',
  ],
  [
    "every tick without ticks",
    { ticks: "every", once: false },
    'ticks: needs once: "tick", because without ticks every event runs; received the boolean false. Suggestion: leave out once.',
  ],
  [
    "stickiness with schedules that cannot fire together",
    { sticky: { for: Duration.hours(2) }, schedule: ScheduleExpression.rate(minutes(7)) },
    "schedule: with sticky, the schedules of all groups must fire at the same time, and those of rate(7 minutes) do not: they " +
      "count from their creation, and no cron has their ticks; received a string of 15 characters. " +
      'Suggestion: ScheduleExpression.cron({ minute: "0/10" }).',
  ],
])("%s: refused", (_, props, message) => {
  expect(refusal(() => leader(newStack(), props))).toBe(message);
});
