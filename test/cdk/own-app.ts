import { Duration, Stack, type StackProps, TimeZone } from "aws-cdk-lib";
import { AttributeType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { ElectionMonitor, LeaderChanges, LeaseTable, ScheduledLeader } from "../../lib/index.js";

/** The code of docs/deploy.md: its stack, whole. */
export class NightlyStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const reports = new TableV2(this, "Reports", {
      partitionKey: { name: "id", type: AttributeType.STRING },
    });
    const workers = new Role(this, "Workers", { assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com") });
    const alarmTopic = new Topic(this, "OnCall");

    const table = new LeaseTable(this, "Leases");
    const nightly = new ScheduledLeader(this, "Nightly", {
      table,
      election: "reports/daily",
      entry: "examples/scheduled-job.ts",
      schedule: ScheduleExpression.cron({ minute: "0", hour: "3", timeZone: TimeZone.EUROPE_BERLIN }),
      timeout: Duration.minutes(5),
      alarmTopic,
    });
    reports.grantReadWriteData(nightly);
    table.grantCandidate(workers, "billing/nightly");
    new ElectionMonitor(this, "Monitor", {
      table,
      elections: [{ election: "reports/daily", maxSinceLastTick: Duration.hours(25) }],
      alarmTopic,
    });
  }
}

/** Its stack in each of three Regions. */
export class RegionStack extends Stack {
  constructor(scope: Construct, region: string) {
    super(scope, region, { env: { region } });
    const regions = ["eu-west-1", "eu-west-2", "eu-central-1"];
    const table =
      this.region === regions[0]
        ? new LeaseTable(this, "Leases", { tableName: "incumbent", regions })
        : LeaseTable.fromTableName(this, "Leases", "incumbent", { multiRegion: true });
    new ScheduledLeader(this, "Nightly", {
      table,
      election: "reports/daily",
      entry: "examples/scheduled-job.ts",
      schedule: ScheduleExpression.rate(Duration.minutes(5)),
      sticky: { for: Duration.minutes(15) },
    });
  }
}

/** Its table that exists. */
export class ReplicaStack extends Stack {
  constructor(scope: Construct) {
    super(scope, "Replica", { env: { region: "eu-west-2" } });
    const table = LeaseTable.fromLeaseTableAttributes(this, "Leases", {
      tableName: "incumbent",
      encryptionKey: Key.fromKeyArn(this, "Key", "arn:aws:kms:eu-west-2:123456789012:key/0c1fd5b4-…"),
      multiRegion: true,
    });
    new ElectionMonitor(this, "Monitor", { table });
  }
}

/** Its function on two schedules. */
export class TwiceStack extends Stack {
  constructor(scope: Construct) {
    super(scope, "Twice");
    const table = new LeaseTable(this, "Leases");
    const own = new NodejsFunction(this, "Job", {
      entry: "examples/scheduled-job.ts",
      timeout: Duration.minutes(5),
    });
    const job = { table, election: "reports/daily", function: own };
    const at = (hour: string) => ScheduleExpression.cron({ hour, minute: "0" });
    new ScheduledLeader(this, "Morning", { ...job, schedule: at("3") });
    new ScheduledLeader(this, "Evening", { ...job, schedule: at("15"), retry: false });
  }
}

/** Its events. */
export class EventsStack extends Stack {
  constructor(scope: Construct) {
    super(scope, "Events");
    const table = new LeaseTable(this, "Leases", { stream: true });
    const eventBus = EventBus.fromEventBusName(this, "Bus", "default");
    const changes = new LeaderChanges(this, "Changes", { table, eventBus });
    const target = new SqsQueue(new Queue(this, "Changed"));
    changes.onLeaderElected("Refresh", { target, elections: ["billing/nightly"] });
  }
}
