import { CfnParameter, Duration, type Stack, TimeZone } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { Topic } from "aws-cdk-lib/aws-sns";
import { LeaderChanges, LeaseTable, ScheduledLeader } from "../../lib/index.js";
import { type Json, type Plain, parameter, plainOf } from "../cdk/plain-template.js";
import { newStack } from "../cdk/synth.js";

/** The CloudFormation templates of docs/without-cdk.md. All other files for people without CDK are made of them. */

/** What the constructs are given. In a template a parameter replaces it. */
const ELECTION = "reports/daily";
const SCHEDULE = "cron(0 3 * * ? *)";

/** The lease table. */
export function tableTemplate(): Plain {
  const stack = newStack();
  newTable(stack);
  return { ...plainOf(stack, "The lease table of incumbent, in one Region"), Outputs: TABLE_OUTPUTS };
}

/** The lease table, and a job that runs on a schedule. */
export function jobTemplate(): Plain {
  const stack = newStack();
  const text = parameter(stack);
  const table = newTable(stack);
  const topic = text("AlarmTopicArn", "The SNS topic that the alarms notify");
  text("Election", "The job's election", ELECTION);
  new CfnParameter(stack, "Schedule", {
    description: "When the job runs, a cron expression",
    default: SCHEDULE,
    allowedPattern: "^cron\\(.+\\)$",
    constraintDescription: "must be cron(...); docs/without-cdk.md says what else to change for a rate",
  });
  text("TimeZone", "The time zone of the schedule", TimeZone.ETC_UTC.timezoneName);
  const codeBucket = text("CodeBucket", "The S3 bucket with the job's code");
  const codeKey = text(
    "CodeKey",
    "The key of the zip file of the folder with the job's index.mjs",
    "job.zip",
  );
  new ScheduledLeader(stack, "Job", {
    table,
    election: ELECTION,
    entry: "examples/scheduled-job.ts",
    schedule: ScheduleExpression.expression(SCHEDULE, TimeZone.ETC_UTC),
    timeout: Duration.minutes(1),
    alarmTopic: Topic.fromTopicArn(stack, "Topic", topic.valueAsString),
  });
  const plain = plainOf(
    stack,
    "A lease table of incumbent, and a job that runs on a schedule, in one Region",
  );
  const code = { S3Bucket: { Ref: codeBucket.node.id }, S3Key: { Ref: codeKey.node.id } };
  (plain.Resources.JobFunction?.Properties as Json).Code = code;
  const asParameter = { [ELECTION]: "Election", [SCHEDULE]: "Schedule", "Etc/UTC": "TimeZone" };
  return {
    ...plain,
    Resources: withParameters(plain.Resources, asParameter) as Plain["Resources"],
    Outputs: {
      ...TABLE_OUTPUTS,
      JobFunction: { Value: { Ref: "JobFunction" } },
      JobDeadLetters: { Value: { Ref: "JobDeadLetters" } },
    },
  };
}

/** The pipes of a table's stream, with their queue and their alarms. */
export function leaderChangesTemplate(): Plain {
  const stack = newStack();
  const text = parameter(stack);
  const tableName = text("TableName", "The lease table", "incumbent").valueAsString;
  const streamArn = text("StreamArn", "The table's stream, with new and old images").valueAsString;
  const eventBus = text("EventBusName", "The event bus that gets the events", "default").valueAsString;
  const topic = text("AlarmTopicArn", "The SNS topic that the alarms notify").valueAsString;
  new LeaderChanges(stack, "Changes", {
    table: LeaseTable.fromLeaseTableAttributes(stack, "Lease", { tableName, streamArn }),
    eventBus: EventBus.fromEventBusName(stack, "Bus", eventBus),
    alarmTopic: Topic.fromTopicArn(stack, "Topic", topic),
  });
  return plainOf(stack, "Events when the leader of an election of incumbent changes, in one Region");
}

const TABLE_OUTPUTS: Json = {
  TableName: { Value: { Ref: "LeaseTable" } },
  TableArn: { Value: { "Fn::GetAtt": ["LeaseTable", "Arn"] } },
};

function newTable(stack: Stack): LeaseTable {
  const name = parameter(stack)("TableName", "The lease table", "incumbent");
  return new LeaseTable(stack, "Lease", { tableName: name.valueAsString });
}

/** With references to parameters in place of these texts. */
function withParameters(value: unknown, parameters: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((entry) => withParameters(entry, parameters));
  if (typeof value === "string") {
    const whole = parameters[value];
    if (whole !== undefined) return { Ref: whole };
    const filled = Object.entries(parameters).reduce(
      (text, [from, to]) => text.replaceAll(from, `\${${to}}`),
      value,
    );
    return filled === value ? value : { "Fn::Sub": filled };
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, withParameters(entry, parameters)]),
  );
}
