import { Duration, Stack, Token } from "aws-cdk-lib";
import type { IPrincipal } from "aws-cdk-lib/aws-iam";
import { type Function as LambdaFunction, Tracing } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { type IScheduleGroup, ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { AlarmChoices } from "../alarms.js";
import { checkDuration } from "../durations.js";
import { A_TOKEN, checkGiven, refuse } from "../invalid-prop.js";
import {
  type BundledFunctionProps,
  checkLogs,
  checkMonitorFunction,
} from "../leader-function/function-props.js";
import { LeaderFunction } from "../leader-function/leader-function.js";
import { checkTable, NEW_TABLE } from "../lease-table/check-table.js";
import type { ILeaseTable } from "../lease-table/i-lease-table.js";
import { monitorCode } from "../monitor-code.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import { ScheduledLeader } from "../scheduled-leader/scheduled-leader.js";
import {
  checkWatched,
  type MonitorAlarmName,
  MonitorAlarms,
  type WatchedElection,
} from "./monitor-alarms.js";
import { monitorDashboard } from "./monitor-dashboard.js";
import { MonitorMetrics } from "./monitor-metrics.js";

/** The monitors of one table, in one Region, elect the one that publishes. Each Region has its own metrics and alarms. */
const ELECTION = "incumbent/monitor";
const TIMEOUT = Duration.seconds(50);
/** Lambda allows 4 kB of environment, and the function needs some of it. */
const MAX_NAMES = 3_000;

/** The props of an `ElectionMonitor`. */
export interface ElectionMonitorProps {
  /** The table to watch. */
  readonly table: ILeaseTable;
  /**
   * Elections that get alarms. The dashboard shows all elections of the table. Name all of them in one monitor: of several
   * monitors in a Region only one publishes.
   * @default none
   */
  readonly elections?: readonly WatchedElection[];
  /** The time between two runs: 1 to 60 whole minutes. @default 1 minute */
  readonly interval?: Duration;
  /** The group of schedules that its schedule belongs to. @default the account's group `default` */
  readonly scheduleGroup?: IScheduleGroup;
  /** The metrics' namespace in CloudWatch. @default "Incumbent" */
  readonly namespace?: string;
  /**
   * Which alarms to make: `{ malformedRows: false }`. An object in place of `false` changes the alarm. `false`: none at all.
   * `elections` has a choice for each election.
   * @default all
   */
  readonly alarms?: AlarmChoices<MonitorAlarmName>;
  /** The topic that the alarms notify. @default none */
  readonly alarmTopic?: ITopic;
  /** In MB. @default 256 */
  readonly memorySize?: number;
  /** More environment of the function. Names that begin with `INCUMBENT_` are refused. @default none */
  readonly environment?: Record<string, string>;
  /**
   * What CDK's function takes besides: `vpc`, `layers`, `architecture`, `logGroup`, `tracing`, and so on.
   * @default traces are on
   */
  readonly functionProps?: BundledFunctionProps;
  /** How long the function's log is kept. @default ONE_MONTH */
  readonly logRetention?: RetentionDays;
}

const PROPS: NamesOf<ElectionMonitorProps> = {
  table: true,
  elections: true,
  interval: true,
  scheduleGroup: true,
  namespace: true,
  alarms: true,
  alarmTopic: true,
  memorySize: true,
  environment: true,
  functionProps: true,
  logRetention: true,
};

/**
 * Reads all elections of a table once a minute, and publishes metrics, a dashboard and alarms. It elects itself on that
 * table, so one of several monitors in a Region publishes. It deletes old rows where DynamoDB does not.
 */
export class ElectionMonitor extends Construct {
  /** The function that reads the table. */
  readonly function: LambdaFunction;
  /** The metrics that it publishes. */
  readonly metrics: MonitorMetrics;
  /** Its alarms. */
  readonly alarms: MonitorAlarms;

  /**
   * @throws InvalidPropError: a prop cannot work.
   * @example
   * new ElectionMonitor(this, "Monitor", { table, elections: [{ election: "billing/nightly" }] });
   */
  constructor(scope: Construct, id: string, props: ElectionMonitorProps) {
    super(scope, id);
    checkGiven(this, props, { table: NEW_TABLE });
    checkPropNames(this, props, PROPS);
    checkTable(this, props.table);
    const { table, elections = [], interval = Duration.minutes(1), namespace = "Incumbent" } = props;
    checkInterval(this, interval);
    checkMonitorFunction(this, props.functionProps);
    checkLogs(this, props);
    checkNoVariables(this, props.environment);
    checkWatched(this, elections);

    const election = table.hasTtl ? ELECTION : `${ELECTION}/${Stack.of(this).region}`;
    this.function = new LeaderFunction(this, "Function", {
      ...monitorCode(this),
      timeout: TIMEOUT,
      memorySize: props.memorySize ?? 256,
      environment: {
        ...props.environment,
        INCUMBENT_MONITOR_ELECTION: election,
        INCUMBENT_METRICS_NAMESPACE: namespace,
        ...(!table.hasTtl && { INCUMBENT_PRUNE: "true" }),
        ...watchedElections(this, elections),
      },
      logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
      description: "Watches the elections of a lease table",
      // As in the package, whose bundle has no source map.
      functionProps: { tracing: Tracing.ACTIVE, ...props.functionProps, bundling: { sourceMap: false } },
    }).function;
    new ScheduledLeader(this, "Schedule", {
      table,
      election,
      schedule: ScheduleExpression.rate(interval),
      function: this.function,
      ...(props.scheduleGroup && { scheduleGroup: props.scheduleGroup }),
      // The next run comes soon, and an alarm says so if none comes.
      retry: { maximumRetryAttempts: 0, maximumEventAge: Duration.minutes(1) },
      alarms: false,
    });
    const actions = ["dynamodb:Scan", "dynamodb:Query"];
    table.grant(this.function, table.hasTtl ? actions : [...actions, "dynamodb:DeleteItem"]);

    this.metrics = new MonitorMetrics(table.tableName, namespace, interval);
    this.alarms = new MonitorAlarms(this, "Alarms", {
      elections,
      metrics: this.metrics,
      invocations: this.function.metricInvocations({ period: interval }),
      choices: props.alarms,
      topic: props.alarmTopic,
    });
    monitorDashboard(this, "Dashboard", this.metrics, table);
  }

  /** The function's role. */
  get grantPrincipal(): IPrincipal {
    return this.function.grantPrincipal;
  }
}

/** The monitor publishes these elections also while the table has no row of them. */
function watchedElections(scope: Construct, watched: readonly WatchedElection[]): Record<string, string> {
  const names = (areJobs: boolean) =>
    watched
      .filter(({ maxSinceLastTick }) => (maxSinceLastTick !== undefined) === areJobs)
      .map(({ election }) => election)
      .join(",");
  const [elections, jobs] = [names(false), names(true)];
  const length = elections.length + jobs.length;
  if (length > MAX_NAMES && !Token.isUnresolved(elections) && !Token.isUnresolved(jobs)) {
    const rule = `must have names of at most ${MAX_NAMES} characters together: Lambda limits a function's environment`;
    refuse(scope, "elections", rule, length, "a second table for some of the elections");
  }
  return {
    ...(elections && { INCUMBENT_WATCHED_ELECTIONS: elections }),
    ...(jobs && { INCUMBENT_WATCHED_JOBS: jobs }),
  };
}

function checkInterval(scope: Construct, interval: Duration): void {
  checkDuration(scope, "interval", interval, "Duration.minutes(1)");
  if (interval.isUnresolved()) {
    const rule = "must be known when the app is synthesized: it is the period of the metrics";
    refuse(scope, "interval", rule, A_TOKEN, "Duration.minutes(1)");
  }
  const minutes = interval.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 60) return;
  refuse(scope, "interval", "must be 1 to 60 whole minutes", minutes, "Duration.minutes(1)");
}

/** The props of the monitor set all variables of this library. */
function checkNoVariables(scope: Construct, environment: ElectionMonitorProps["environment"] = {}): void {
  const name = Object.keys(environment).find((given) => given.startsWith("INCUMBENT_"));
  if (name === undefined) return;
  const rule = "is set by the construct alone, from its other props";
  refuse(scope, `environment.${name}`, rule, environment[name], undefined);
}
