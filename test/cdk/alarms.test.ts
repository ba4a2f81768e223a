import { Duration, type Stack } from "aws-cdk-lib";
import { TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { Topic } from "aws-cdk-lib/aws-sns";
import { expect, test } from "vitest";
import { ElectionMonitor, type ElectionMonitorProps, LeaseTable } from "../../lib/index.js";
import { leader } from "./scheduled-job.js";
import { newStack, refusal, resources } from "./synth.js";

/** Each alarm can be left out or changed by itself. */

const alarmsIn = (stack: Stack) => Object.keys(resources(stack, "AWS::CloudWatch::Alarm")).sort();

function monitor(stack: Stack, props: Partial<ElectionMonitorProps> = {}) {
  const table = new LeaseTable(stack, "Leases");
  const elections = [
    { election: "billing", maxTermsPerHour: 10 },
    { election: "reports", maxSinceLastTick: Duration.hours(25) },
  ];
  return new ElectionMonitor(stack, "Monitor", { table, elections, ...props });
}

test("of a job: one alarm is left out, another is changed, and the rest are as ever", () => {
  const stack = newStack();
  const alarmTopic = new Topic(stack, "Topic");
  const { alarms } = leader(stack, {
    alarmTopic,
    alarms: { throttles: false, errors: { threshold: 5, treatMissingData: TreatMissingData.BREACHING } },
  });
  expect(alarms?.throttles).toBeUndefined();
  const made = resources(stack, "AWS::CloudWatch::Alarm");
  expect(alarmsIn(stack)).toEqual([
    "NightlyAlarmsDeadLetters",
    "NightlyAlarmsErrors",
    "NightlyAlarmsSupersededTicks",
  ]);
  expect(made.NightlyAlarmsErrors?.Properties).toMatchObject({
    Threshold: 5,
    TreatMissingData: "breaching",
    EvaluationPeriods: 1,
    AlarmDescription: "A run failed. Lambda tries it again.",
    AlarmActions: [{ Ref: expect.stringMatching(/^Topic/) }],
  });
  expect(made.NightlyAlarmsDeadLetters?.Properties).toMatchObject({ Threshold: 1 });
});

test("of a monitor and of its elections: each by its name", () => {
  const all = newStack();
  const { alarms } = monitor(all);
  expect(alarmsIn(all)).toEqual([
    "MonitorAlarmsElection1Churn",
    "MonitorAlarmsElection1NoLeader",
    "MonitorAlarmsElection2NoLeader",
    "MonitorAlarmsElection2TickOverdue",
    "MonitorAlarmsMalformedRows",
    "MonitorAlarmsMonitorSilent",
  ]);
  expect(alarms.of("reports")?.tickOverdue?.node.path).toBe("Test/Monitor/Alarms/Election2/TickOverdue");
  expect(alarms.of("reports")?.churn).toBeUndefined();
  expect(alarms.of("imports")).toBeUndefined();

  const some = newStack();
  const elections = [
    { election: "billing", maxTermsPerHour: 10, alarms: { noLeader: false } },
    { election: "reports", maxSinceLastTick: Duration.hours(25), alarms: false },
  ];
  const chosen = monitor(some, {
    elections,
    alarms: { silent: { alarmName: "silent" }, malformedRows: false },
  });
  expect(alarmsIn(some)).toEqual(["MonitorAlarmsElection1Churn", "MonitorAlarmsMonitorSilent"]);
  expect(resources(some, "AWS::CloudWatch::Alarm").MonitorAlarmsMonitorSilent?.Properties).toMatchObject({
    AlarmName: "silent",
    DatapointsToAlarm: 6,
  });
  expect(chosen.alarms.malformedRows).toBeUndefined();
});

test("alarms: false on a monitor leaves out those of its elections too, and it publishes them all the same", () => {
  const stack = newStack();
  monitor(stack, { alarms: false });
  expect(alarmsIn(stack)).toEqual([]);
  expect(JSON.stringify(resources(stack, "AWS::Lambda::Function"))).toContain(
    '"INCUMBENT_WATCHED_ELECTIONS":"billing"',
  );
});

test("a name that no alarm has, and a choice that is none: refused", () => {
  const misspelt: object = { throtles: false };
  expect(refusal(() => leader(newStack(), { alarms: misspelt }))).toBe(
    "alarms: must have no other names than errors, throttles, deadLetters, supersededTicks; " +
      "received a string of 8 characters. Suggestion: { errors: false }.",
  );
  expect(refusal(() => leader(newStack(), { alarms: "none" as never }))).toBe(
    "alarms: must be true, false or an object with names of alarms; received a string of 4 characters. " +
      "Suggestion: { errors: false }.",
  );
  expect(refusal(() => leader(newStack(), { alarms: { errors: 5 as never } }))).toBe(
    "alarms.errors: must be true, false or properties of an alarm, such as threshold; received the number 5. " +
      "Suggestion: false.",
  );
  // @ts-expect-error: a misspelt name does not compile either.
  expect(refusal(() => leader(newStack(), { alarms: { throtles: false } }))).toContain("alarms: ");
});
