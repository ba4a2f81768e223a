import { Duration, Stack, TimeZone } from "aws-cdk-lib";
import { type ITableV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { type IRole, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { Construct } from "constructs";
import { ElectionMonitor, LeaseTable, ScheduledLeader } from "../../lib/index.js";

/** The stack of docs/deploy.md, whole. */
export class OwnStack extends Stack {
  constructor(scope: Construct, entry: string) {
    super(scope, "Own");
    const reports: ITableV2 = TableV2.fromTableName(this, "Reports", "reports");
    const workers: IRole = new Role(this, "Workers", {
      assumedBy: new ServicePrincipal("ecs.amazonaws.com"),
    });

    const table = new LeaseTable(this, "Leases");
    const nightly = new ScheduledLeader(this, "Nightly", {
      table,
      election: "reports/daily",
      entry,
      schedule: ScheduleExpression.cron({ minute: "0", hour: "3", timeZone: TimeZone.EUROPE_BERLIN }),
      timeout: Duration.minutes(5),
    });
    reports.grantReadWriteData(nightly);
    table.grantCandidate(workers, "billing/nightly");
    new ElectionMonitor(this, "Monitor", {
      table,
      elections: [{ election: "reports/daily", maxSinceLastTick: Duration.hours(25) }],
    });
  }
}

/** Its stack on a table that exists. */
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
