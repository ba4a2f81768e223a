import { Duration } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { expect, test } from "vitest";
import {
  ElectionMonitor,
  type ElectionMonitorProps,
  InvalidPropError,
  LeaderChanges,
  type LeaderChangesProps,
  LeaseTable,
  type LeaseTableAttributes,
  type LeaseTableProps,
  ScheduledLeader,
  type ScheduledLeaderProps,
} from "../../lib/index.js";
import { settingsOf } from "../../lib/settings.js";
import { CANARY, expectNoCanary, FORMS } from "../support/canary.js";
import { newStack } from "./synth.js";

/** What is passed to a construct, or as context, is not shown by a refusal of ours. */

const forms = Object.entries(FORMS);

/** Refusals by CDK itself are not ours to word. */
function refused(make: () => unknown): boolean {
  try {
    make();
    return false;
  } catch (error) {
    if (!(error instanceof InvalidPropError)) return false;
    expectNoCanary(error);
    return true;
  }
}

const TABLE: Record<keyof LeaseTableProps, 0> = {
  tableName: 0,
  regions: 0,
  witness: 0,
  encryption: 0,
  stream: 0,
  deletionProtection: 0,
  removalPolicy: 0,
};
test.each(Object.keys(TABLE))("LeaseTable: %s", (prop) => {
  for (const [, canary] of forms) {
    refused(() => new LeaseTable(newStack("eu-west-1"), "T", { [prop]: canary }));
  }
});

const ATTRIBUTES: Record<keyof LeaseTableAttributes, 0> = {
  tableName: 0,
  region: 0,
  account: 0,
  encryptionKey: 0,
  streamArn: 0,
  multiRegion: 0,
};
test.each(Object.keys(ATTRIBUTES))("LeaseTable.fromLeaseTableAttributes: %s", (attribute) => {
  for (const [, canary] of forms) {
    const attributes = { tableName: "leases", [attribute]: canary };
    const isRefused = refused(() => LeaseTable.fromLeaseTableAttributes(newStack(), "T", attributes));
    if (attribute === "streamArn") expect(isRefused).toBe(true);
  }
});

test("LeaseTable: Regions and a witness among right ones", () => {
  const inRegions = (regions: string[], witness?: string) =>
    refused(() => new LeaseTable(newStack("eu-west-1"), "T", { regions, ...(witness && { witness }) }));
  expect(inRegions(["eu-west-1", CANARY, "eu-west-2"])).toBe(true);
  expect(inRegions([CANARY, CANARY, CANARY])).toBe(true);
  expect(inRegions(["eu-west-1", "eu-west-2"], CANARY)).toBe(true);
  expect(refused(() => new LeaseTable(newStack(CANARY), "T", { regions: ["eu-west-1"] }))).toBe(true);
});

const JOB: Record<keyof ScheduledLeaderProps, 0> = {
  table: 0,
  election: 0,
  schedule: 0,
  entry: 0,
  function: 0,
  timeout: 0,
  memorySize: 0,
  environment: 0,
  functionProps: 0,
  sticky: 0,
  enabled: 0,
  scheduleGroup: 0,
  once: 0,
  ticks: 0,
  retry: 0,
  deadLetterQueue: 0,
  logRetention: 0,
  alarms: 0,
  alarmTopic: 0,
};
const job = (props: object) => {
  const stack = newStack();
  const schedule = ScheduleExpression.rate(Duration.minutes(1));
  const right = {
    table: new LeaseTable(stack, "T"),
    election: "e",
    schedule,
    entry: "examples/scheduled-job.ts",
  };
  return refused(() => new ScheduledLeader(stack, "J", { ...right, ...props } as ScheduledLeaderProps));
};
test.each(Object.keys(JOB))("ScheduledLeader: %s", (prop) => {
  for (const [, canary] of forms) {
    const isRefused = job({ [prop]: canary });
    if (prop === "election") expect(isRefused).toBe(true);
  }
});

test("ScheduledLeader: parts of retry and sticky, and an environment that goes with entry", () => {
  expect(job({ retry: { maximumRetryAttempts: CANARY } })).toBe(true);
  expect(job({ sticky: { group: CANARY, for: Duration.hours(1) } })).toBe(true);
  expect(job({ entry: CANARY })).toBe(true);
  expect(job({ entry: undefined, function: {}, environment: { SECRET: CANARY } })).toBe(true);
  expect(job({ functionProps: { handler: CANARY } })).toBe(true);
  expect(job({ functionProps: { bundling: { banner: `const require = "${CANARY}";` } } })).toBe(true);
});

const MONITOR: Record<keyof ElectionMonitorProps, 0> = {
  table: 0,
  elections: 0,
  interval: 0,
  namespace: 0,
  scheduleGroup: 0,
  alarms: 0,
  alarmTopic: 0,
  memorySize: 0,
  environment: 0,
  functionProps: 0,
  logRetention: 0,
};
test.each(Object.keys(MONITOR))("ElectionMonitor: %s", (prop) => {
  for (const [, canary] of [
    ...forms,
    ["a name", [{ election: CANARY }]],
    ["a number", [{ election: "e", maxTermsPerHour: CANARY }]],
  ]) {
    const stack = newStack();
    const props = { table: new LeaseTable(stack, "T"), [prop as string]: canary } as ElectionMonitorProps;
    refused(() => new ElectionMonitor(stack, "M", props));
  }
});

const CHANGES: Record<keyof LeaderChangesProps, 0> = {
  table: 0,
  eventBus: 0,
  maximumRecordAge: 0,
  deadLetterQueue: 0,
  alarms: 0,
  alarmTopic: 0,
};
test.each(Object.keys(CHANGES))("LeaderChanges: %s", (prop) => {
  for (const [, canary] of forms) {
    const stack = newStack();
    const props = { table: new LeaseTable(stack, "T", { stream: true }), [prop]: canary };
    refused(() => new LeaderChanges(stack, "C", props as unknown as LeaderChangesProps));
  }
});

test("every context value that is read", () => {
  const read = new Set<string>();
  const job = { job: "examples/scheduled-job.ts" };
  settingsOf((key) => {
    read.add(key);
    return (job as Record<string, unknown>)[key];
  });
  expect(read.size).toBeGreaterThan(10);
  let count = 0;
  for (const key of read) {
    for (const [, canary] of forms) {
      if (
        refused(() => settingsOf((each) => (each === key ? canary : (job as Record<string, unknown>)[each])))
      )
        count += 1;
    }
  }
  expect(count).toBeGreaterThan(read.size * 5);
});
