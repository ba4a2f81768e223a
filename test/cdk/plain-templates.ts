import { CfnParameter, Duration, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Topic } from "aws-cdk-lib/aws-sns";
import { ElectionMonitor, LeaseTable } from "../../lib/index.js";
import { newStack, withoutHash } from "./synth.js";

/** The CloudFormation templates in docs/, for people without CDK. They are what the constructs make, with parameters. */

type Json = Record<string, unknown>;
interface Plain {
  readonly AWSTemplateFormatVersion: string;
  readonly Description: string;
  readonly Parameters: Json;
  readonly Conditions?: Json;
  readonly Resources: Record<string, Json>;
}

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

function parameter(stack: Stack) {
  return (id: string, description: string, otherwise?: string) =>
    new CfnParameter(stack, id, { description, ...(otherwise !== undefined && { default: otherwise }) });
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

function plainOf(stack: Stack, Description: string): Plain {
  const { Parameters, Resources } = Template.fromStack(stack).toJSON() as Plain;
  const { BootstrapVersion: _, ...parameters } = Parameters;
  const ids = new Map(Object.keys(Resources).map((id) => [id, withoutHash(id).replace(/^Monitor(?=.)/, "")]));
  if (new Set(ids.values()).size < ids.size) throw new Error("two resources have one name");
  const renamed = Object.entries(Resources).map(([id, { Metadata: _, ...resource }]): [string, Json] => [
    ids.get(id) as string,
    withoutNeedless(rewritten(resource, ids) as Json),
  ]);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description,
    Parameters: parameters,
    Resources: Object.fromEntries(renamed),
  };
}

/** Without dependencies that a reference says already. */
function withoutNeedless({ DependsOn, ...resource }: Json): Json {
  if (!Array.isArray(DependsOn)) return resource;
  const text = JSON.stringify(resource);
  return { ...resource, DependsOn: DependsOn.filter((id) => !text.includes(`"${id}"`)) };
}

/** With readable ids, and with Fn::Sub in place of Fn::Join. */
function rewritten(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((entry) => rewritten(entry, ids));
  if (typeof value === "string") return ids.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  const object = value as Json;
  const join = object["Fn::Join"];
  if (Array.isArray(join) && join[0] === "" && Array.isArray(join[1])) {
    return { "Fn::Sub": join[1].map((part) => textOf(rewritten(part, ids))).join("") };
  }
  return Object.fromEntries(Object.entries(object).map(([name, entry]) => [name, rewritten(entry, ids)]));
}

function textOf(part: unknown): string {
  if (typeof part === "string") return part.replaceAll("${", "${!");
  const { Ref, "Fn::GetAtt": attribute } = part as { Ref?: string; "Fn::GetAtt"?: readonly string[] };
  const name = Ref ?? attribute?.join(".");
  if (name === undefined) throw new Error(`not a part of a text that is known: ${JSON.stringify(part)}`);
  return `\${${name}}`;
}
