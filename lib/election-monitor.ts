import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Duration, Stack } from "aws-cdk-lib";
import type { IPrincipal } from "aws-cdk-lib/aws-iam";
import { Code, type Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { checkElection, refuse } from "./invalid-prop.js";
import { LeaderFunction } from "./leader-function.js";
import type { LeaseAccess } from "./lease-access.js";
import { MonitorAlarms, type WatchedElection } from "./monitor-alarms.js";
import { monitorDashboard } from "./monitor-dashboard.js";
import { MonitorMetrics } from "./monitor-metrics.js";
import { ScheduledLeader } from "./scheduled-leader.js";

/** By which the monitors of one table, in one Region, agree who publishes: metrics and alarms are each Region's own. */
const ELECTION = "incumbent/monitor";
const TIMEOUT = Duration.seconds(50);

export interface ElectionMonitorProps {
  readonly table: LeaseAccess;
  /** Elections with alarms of their own; all elections of the table are on the dashboard. @default none */
  readonly elections?: readonly WatchedElection[];
  /** How often it looks, in whole minutes. @default 1 minute */
  readonly interval?: Duration;
  /** Of the metrics, in CloudWatch. @default "Incumbent" */
  readonly namespace?: string;
  /** Told by the alarms. @default nobody */
  readonly alarmTopic?: ITopic;
  /** @default ONE_MONTH */
  readonly logRetention?: RetentionDays;
}

/**
 * Reads all elections of a table once a minute and publishes how they are: metrics, a dashboard, alarms. It is a
 * candidate of that very table, so of several monitors in a Region one publishes. Cleans up where DynamoDB does not.
 */
export class ElectionMonitor extends Construct {
  readonly function: LambdaFunction;
  readonly metrics: MonitorMetrics;
  readonly alarms: MonitorAlarms;

  constructor(scope: Construct, id: string, props: ElectionMonitorProps) {
    super(scope, id);
    const { table, elections = [], interval = Duration.minutes(1), namespace = "Incumbent" } = props;
    checkInterval(this, interval);
    for (const { election } of elections) checkElection(this, election, "elections");

    const election = table.hasTtl ? ELECTION : `${ELECTION}/${Stack.of(this).region}`;
    this.function = new LeaderFunction(this, "Function", {
      ...monitorCode(this),
      timeout: TIMEOUT,
      memorySize: 256,
      environment: {
        INCUMBENT_MONITOR_ELECTION: election,
        INCUMBENT_METRICS_NAMESPACE: namespace,
        ...(!table.hasTtl && { INCUMBENT_PRUNE: "true" }),
      },
      logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
      description: "Watches the elections of a lease table",
      traced: true,
    }).function;
    new ScheduledLeader(this, "Schedule", {
      table,
      election,
      schedule: ScheduleExpression.rate(interval),
      function: this.function,
      // The next look comes soon; that none comes is an alarm of its own.
      retry: { maximumRetryAttempts: 0, maximumEventAge: Duration.minutes(1) },
      alarms: false,
    });
    const actions = ["dynamodb:Scan", "dynamodb:GetItem"];
    table.grant(this.function, table.hasTtl ? actions : [...actions, "dynamodb:DeleteItem"]);

    this.metrics = new MonitorMetrics(table.tableName, namespace, interval);
    this.alarms = new MonitorAlarms(this, "Alarms", {
      elections,
      metrics: this.metrics,
      topic: props.alarmTopic,
    });
    monitorDashboard(this, "Dashboard", this.metrics, table);
  }

  get grantPrincipal(): IPrincipal {
    return this.function.grantPrincipal;
  }
}

/** In the package: bundled when it was built. In the repository: its source, bundled now. */
function monitorCode(scope: Construct): { readonly code: Code } | { readonly entry: string } {
  const bundled = fileURLToPath(new URL("../lambda/monitor/", import.meta.url));
  if (existsSync(`${bundled}index.mjs`)) return { code: Code.fromAsset(bundled) };
  const entry = fileURLToPath(new URL("../lambda/monitor.ts", import.meta.url));
  if (existsSync(entry)) return { entry };
  return refuse(
    scope,
    "lambda/monitor",
    "is missing: the package was not built whole",
    undefined,
    "npm run build",
  );
}

function checkInterval(scope: Construct, interval: Duration): void {
  if (interval.isUnresolved()) return;
  const minutes = interval.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 60) return;
  refuse(scope, "interval", "must be 1 to 60 whole minutes", minutes, "Duration.minutes(1)");
}
