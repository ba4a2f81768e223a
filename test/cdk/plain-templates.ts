import { CfnParameter, Duration, type Stack } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import { ElectionMonitor, LeaseTable } from "../../lib/index.js";
import { type Json, type Plain, parameter, plainOf } from "./plain-template.js";
import { newStack } from "./synth.js";

/** The CloudFormation templates in docs/, for people without CDK. They are what the constructs make, with parameters. */

const NAMES = "names of elections, separated by commas";

/** The monitor of one table, without the alarms of single elections. */
export function monitorTemplate(): Plain {
  const stack = newStack();
  const text = parameter(stack);
  const codeBucket = text("CodeBucket", "The S3 bucket with the monitor's code");
  const codeKey = text(
    "CodeKey",
    "The key of the zip file with dist/cdk/lambda/monitor/index.mjs",
    "monitor.zip",
  );
  const elections = text("Elections", `Elections that should always have a leader: ${NAMES}`, "");
  const jobs = text("Jobs", `Scheduled jobs: ${NAMES}`, "");
  const { table, alarmTopic } = tableAndTopic(stack);
  new ElectionMonitor(stack, "Monitor", {
    table,
    alarmTopic,
    elections: [
      { election: elections.valueAsString },
      { election: jobs.valueAsString, maxSinceLastTick: Duration.days(1) },
    ],
  });
  const plain = plainOf(stack, "Watches the elections of a lease table of incumbent, in one Region");
  const resources = Object.entries(plain.Resources).filter(([id]) => !id.startsWith("AlarmsElection"));
  for (const [, { Type, Properties }] of resources) {
    if (Type !== "AWS::Lambda::Function") continue;
    (Properties as Json).Code = {
      S3Bucket: { Ref: codeBucket.node.id },
      S3Key: { Ref: codeKey.node.id },
    };
  }
  return { ...plain, Resources: Object.fromEntries(resources) };
}

/** The alarms of one election, by the metrics of the monitor. */
export function electionAlarmsTemplate(): Plain {
  const stack = newStack();
  const text = parameter(stack);
  const seconds = (id: string, description: string, otherwise: number, minValue: number) =>
    new CfnParameter(stack, id, { type: "Number", description, default: otherwise, minValue });
  const election = text("Election", "The election's name");
  const maxWithoutLeader = seconds(
    "MaxSecondsWithoutLeader",
    "An alarm when it has no leader for so long",
    60,
    1,
  );
  const about = "An alarm when a scheduled job completed no tick for so long; 0 for none";
  const maxSinceLastTick = seconds("MaxSecondsSinceLastTick", about, 0, 0);
  const { table, alarmTopic } = tableAndTopic(stack);
  new ElectionMonitor(stack, "Monitor", {
    table,
    alarmTopic,
    elections: [
      {
        election: election.valueAsString,
        maxWithoutLeader: Duration.seconds(maxWithoutLeader.valueAsNumber),
        maxSinceLastTick: Duration.seconds(maxSinceLastTick.valueAsNumber),
      },
    ],
  });
  const plain = plainOf(
    stack,
    "Alarms of one election of incumbent. Needs the stack of monitor.template.json",
  );
  const limits: Record<string, string> = {
    NoLeader: maxWithoutLeader.node.id,
    TickOverdue: maxSinceLastTick.node.id,
  };
  const alarms = Object.entries(limits).map(([id, limit]): [string, Json] => {
    const { Type, Properties } = plain.Resources[`AlarmsElection1${id}`] as {
      Type: string;
      Properties: Json;
    };
    const described = JSON.stringify(Properties).replace("<token>", `\${${limit}}`);
    const condition = id === "TickOverdue" ? { Condition: "IsScheduledJob" } : {};
    return [id, { Type, ...condition, Properties: JSON.parse(described) }];
  });
  return {
    ...plain,
    Conditions: {
      IsScheduledJob: { "Fn::Not": [{ "Fn::Equals": [{ Ref: maxSinceLastTick.node.id }, "0"] }] },
    },
    Resources: Object.fromEntries(alarms),
  };
}

function tableAndTopic(stack: Stack) {
  const text = parameter(stack);
  const name = text("TableName", "The lease table", "incumbent");
  const topic = text("AlarmTopicArn", "The SNS topic that the alarms notify");
  return {
    table: LeaseTable.fromTableName(stack, "Leases", name.valueAsString),
    alarmTopic: Topic.fromTopicArn(stack, "Topic", topic.valueAsString),
  };
}
