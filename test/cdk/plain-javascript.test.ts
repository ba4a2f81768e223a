import { Duration, type Stack } from "aws-cdk-lib";
import { AttributeType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { Construct } from "constructs";
import { expect, test } from "vitest";
import {
  ElectionMonitor,
  type ElectionMonitorProps,
  LeaderChanges,
  LeaseTable,
  ScheduledLeader,
} from "../../lib/index.js";
import { newStack, refusal } from "./synth.js";

/** What TypeScript does not see: plain JavaScript, and props that are spread. The messages name the prop in our words. */

const schedule = ScheduleExpression.rate(Duration.minutes(5));
const expression = (text: string) => ({ schedule: ScheduleExpression.expression(text) });

type Given = Record<string, unknown>;
const leases = (scope: Construct) => new LeaseTable(scope, "Leases", { stream: true });

const job = (given: Given) => (stack: Stack) => {
  const props = {
    table: leases(stack),
    election: "reports/daily",
    entry: "examples/scheduled-job.ts",
    schedule,
  };
  return new ScheduledLeader(stack, "Job", { ...props, ...(given as object) });
};
const monitor = (given: Given) => (stack: Stack) =>
  new ElectionMonitor(stack, "Monitor", { table: leases(stack), ...(given as object) });
const table = (given: Given) => (stack: Stack) => new LeaseTable(stack, "Table", given);
const changes = (given: Given) => (stack: Stack) => {
  const eventBus = EventBus.fromEventBusName(stack, "Bus", "default");
  return new LeaderChanges(stack, "Changes", { table: leases(stack), eventBus, ...(given as object) });
};
const ofCdk = (stack: Stack) =>
  new TableV2(stack, "Own", { partitionKey: { name: "pk", type: AttributeType.STRING } }) as never;

test.each<[string, (stack: Stack) => unknown, string]>([
  ["a job's prop", job({ timeOut: Duration.minutes(2) }), "timeOut: is not a prop (did you mean timeout?)"],
  ["another one", job({ tick: "every" }), "tick: is not a prop (did you mean ticks?)"],
  [
    "a retry",
    job({ retry: { maxEventAge: Duration.minutes(2) } }),
    "retry.maxEventAge: is not a prop (did you",
  ],
  [
    "sticky",
    job({ sticky: { groups: "a", for: Duration.minutes(15) } }),
    "sticky.groups: is not a prop (did you mean group?)",
  ],
  ["a monitor's prop", monitor({ election: [] }), "election: is not a prop (did you mean elections?)"],
  [
    "a limit",
    monitor({ elections: [{ election: "a", maxSinceTick: Duration.hours(1) }] }),
    "elections.maxSinceTick: is not a prop (did you mean maxSinceLastTick?)",
  ],
  ["a table's prop", table({ encryptionKey: {} }), "encryptionKey: is not a prop (did you mean encryption?)"],
  ["an attribute", existing({ multiregion: true }), "multiregion: is not a prop (did you mean multiRegion?)"],
  ["an alarm's topic", changes({ alarmsTopic: {} }), "alarmsTopic: is not a prop (did you mean alarmTopic?)"],
])("a misspelt prop is refused: %s", (_, make, message) => {
  expect(refusal(() => make(newStack()))).toContain(message);
});

function existing(given: Given) {
  return (stack: Stack) =>
    LeaseTable.fromLeaseTableAttributes(stack, "Existing", { tableName: "incumbent", ...given });
}

test("a construct that extends one of ours may have props of its own", () => {
  class TeamMonitor extends ElectionMonitor {
    constructor(scope: Construct, props: ElectionMonitorProps & { team: string; election: string }) {
      super(scope, "Monitor", { ...props, elections: [{ election: props.election }] });
    }
  }
  const stack = newStack();
  const { alarms } = new TeamMonitor(stack, {
    table: leases(stack),
    team: "blue",
    election: "billing/nightly",
  });
  expect(alarms.of("billing/nightly")?.noLeader).toBeDefined();
});

test.each<[string, (stack: Stack) => unknown, string]>([
  ["a number of seconds", job({ timeout: 60 }), "timeout: must be a Duration; received the number 60"],
  [
    "sticky without a time",
    job({ sticky: { group: "a" } }),
    "sticky.for: must be a Duration; received undefined",
  ],
  ["an age in seconds", job({ retry: { maximumEventAge: 60 } }), "retry.maximumEventAge: must be a Duration"],
  ["retry: true", job({ retry: true }), "retry: must be false or an object; received the boolean true"],
  ["an interval in minutes", monitor({ interval: 1 }), "interval: must be a Duration"],
  [
    "a limit in seconds",
    monitor({ elections: [{ election: "a", maxWithoutLeader: 9 }] }),
    "maxWithoutLeader: must be a D",
  ],
  [
    "names for elections",
    monitor({ elections: ["a"] }),
    "elections: must be an array of objects, each with an election",
  ],
  [
    "a name for elections",
    monitor({ elections: "a" }),
    "elections: must be an array of objects; received a string",
  ],
  [
    "one election twice",
    monitor({ elections: [{ election: "a" }, { election: "a", alarms: false }] }),
    "elections: must name each election once; received an election twice",
  ],
  [
    "a table of CDK for a job",
    (stack) => job({ table: ofCdk(stack) })(stack),
    "table: must be a LeaseTable, or what",
  ],
  [
    "one for a monitor",
    (stack) => monitor({ table: ofCdk(stack) })(stack),
    "table: must be a LeaseTable, or what",
  ],
  [
    "one for events",
    (stack) => changes({ table: ofCdk(stack) })(stack),
    "table: must be a LeaseTable, or what",
  ],
  [
    "the name of a bus",
    changes({ eventBus: "default" }),
    "eventBus: must be an event bus of CDK; received a string",
  ],
  [
    "one election for the rule's elections",
    (stack) => changes({})(stack).onLeaderElected("Refresh", { elections: "billing/nightly" as never }),
    "elections: must be an array of names; received a string",
  ],
  [
    "a table's name",
    table({ tableName: "my leases" }),
    "tableName: must be the table's name: 3 to 255 characters",
  ],
  [
    "the name of a role",
    (stack) => leases(stack).grantCandidate("workers" as never, "billing/nightly"),
    "grantee: must be an identity that has policies",
  ],
  [
    "no schedule",
    job({ schedule: "rate(5 minutes)" }),
    "schedule: must be a ScheduleExpression of aws-cdk-lib/aws-sch",
  ],
  [
    "a file that is not there",
    job({ entry: "src/nigthly.ts" }),
    "and there is no file at this path from the folder where cdk runs",
  ],
])("what has another kind is refused in our words: %s", (_, make, message) => {
  expect(refusal(() => make(newStack()))).toContain(message);
});

test.each([
  "rate(5 min)",
  "rate(0 minutes)",
  "every 5 minutes",
  "cron(0 3 * * *)",
  "0 3 * * ? *",
  "at(tomorrow)",
])("an expression that EventBridge Scheduler does not take is refused: %s", (text) => {
  const message = refusal(() => job(expression(text))(newStack()));
  expect(message).toContain("schedule: must be rate(5 minutes), in minutes, hours or days; or cron(");
});

test.each(["rate(1 minute)", "cron(0/5 8-17 ? * MON-FRI *)", "at(2026-01-31T03:00:00)"])(
  "an expression that it takes is not: %s",
  (text) => {
    expect(job(expression(text))(newStack()).schedule).toBeDefined();
  },
);
