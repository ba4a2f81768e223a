import { CfnResource, Duration, type Stack } from "aws-cdk-lib";
import { TableEncryptionV2 } from "aws-cdk-lib/aws-dynamodb";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Key } from "aws-cdk-lib/aws-kms";
import { Tracing } from "aws-cdk-lib/aws-lambda";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import {
  ElectionMonitor,
  IncumbentStack,
  type IncumbentStackProps,
  LeaderChanges,
  LeaseTable,
  ScheduledLeader,
} from "../../lib/index.js";
import { newApp, newStack } from "./synth.js";

/** Stacks of users that have cdk-nag on their app. */

export const PACKS = ["AwsSolutionsChecks", "NIST80053R4Checks", "NIST80053R5Checks"] as const;
export const EUROPE = ["eu-west-1", "eu-west-2", "eu-central-1"];
const JOB = {
  entry: "examples/scheduled-job.ts",
  election: "reports/daily",
  schedule: ScheduleExpression.expression("rate(5 minutes)"),
};
const WHOLE = {
  elections: ["billing/nightly", "imports"],
  job: JOB,
  leaderChanges: true,
  alarmEmail: "on-call@example.com",
};

export const STACKS: ReadonlyArray<[string, () => Stack]> = [
  ["one Region", () => whole({}, "eu-west-1")],
  ["the first of three Regions", () => whole({ regions: EUROPE }, "eu-west-1")],
  ["another of three Regions", () => whole({ regions: EUROPE }, "eu-west-2")],
  ["each construct by itself", () => eachConstruct()],
  ["with keys of one's own", () => withOwnKeys()],
  ["in a VPC, with traces", () => inVpc()],
];

function whole(props: IncumbentStackProps, region: string): Stack {
  return new IncumbentStack(newApp(), "incumbent", { ...WHOLE, ...props, env: { region } });
}

/** Without an `alarmTopic` the finding that alarms notify nobody stays: it is right. */
export function eachConstruct(notified = true): Stack {
  const stack = newStack("eu-west-1");
  const topic = notified ? { alarmTopic: Topic.fromTopicArn(stack, "Topic", TOPIC) } : {};
  const table = new LeaseTable(stack, "Leases", { stream: true });
  new ScheduledLeader(stack, "Nightly", { table, ...JOB, ...topic });
  new ElectionMonitor(stack, "Monitor", {
    table,
    elections: [
      { election: "reports/daily", maxSinceLastTick: Duration.hours(2) },
      { election: "imports", maxTermsPerHour: 10 },
    ],
    ...topic,
  });
  new LeaderChanges(stack, "Changes", { table, eventBus: ownBus(stack), ...topic });
  return stack;
}

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms";

function ownBus(stack: Stack) {
  return EventBus.fromEventBusName(stack, "Bus", "own");
}

function withOwnKeys(): Stack {
  const stack = newStack("eu-west-1");
  const key = new Key(stack, "Key", { enableKeyRotation: true });
  const table = new LeaseTable(stack, "Leases", {
    stream: true,
    encryption: TableEncryptionV2.customerManagedKey(key),
  });
  const deadLetters = new Queue(stack, "DeadLetters", {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: key,
    enforceSSL: true,
    deadLetterQueue: {
      queue: Queue.fromQueueArn(stack, "Last", TOPIC.replace("sns", "sqs")),
      maxReceiveCount: 3,
    },
  });
  const common = { table, deadLetterQueue: deadLetters, alarms: false as const };
  new ScheduledLeader(stack, "Nightly", { ...common, ...JOB });
  new LeaderChanges(stack, "Changes", { ...common, eventBus: ownBus(stack) });
  return stack;
}

function inVpc(): Stack {
  const stack = newStack("eu-west-1");
  const vpc = Vpc.fromVpcAttributes(stack, "Vpc", {
    vpcId: "vpc-1",
    availabilityZones: ["eu-west-1a"],
    privateSubnetIds: ["subnet-1"],
  });
  const table = new LeaseTable(stack, "Leases");
  const functionProps = { vpc, tracing: Tracing.ACTIVE };
  new ScheduledLeader(stack, "Nightly", { table, ...JOB, alarms: false, functionProps });
  new ElectionMonitor(stack, "Monitor", { table, alarms: false, functionProps });
  return stack;
}

/** The resources of a stack, in the order of the tree. */
export function resourcesOf(stack: Stack): CfnResource[] {
  return stack.node.findAll().filter(CfnResource.isCfnResource);
}
