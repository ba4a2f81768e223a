import { Duration } from "aws-cdk-lib";
import type { Alarm } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type AlarmChoices, alarmsOf } from "../alarms.js";
import { supersededTicks } from "./superseded-ticks.js";

const NAMES = ["errors", "throttles", "deadLetters", "supersededTicks"] as const;
/** The alarms of a job, by name. */
export type JobAlarmName = (typeof NAMES)[number];

/** The props of `JobAlarms`. */
export interface JobAlarmsProps {
  readonly function: IFunction;
  readonly deadLetterQueue: IQueue;
  /** The job's table and election. Undefined: without ticks none is superseded. */
  readonly ticksOf?: { readonly tableName: string; readonly election: string } | undefined;
  /** Which of them to make. @default all */
  readonly choices?: AlarmChoices<JobAlarmName> | undefined;
  /** The topic that the alarms notify. @default none */
  readonly topic?: ITopic | undefined;
}

/** The alarms of a scheduled job. Each is undefined if `alarms` leaves it out. */
export class JobAlarms extends Construct {
  /** A run failed. */
  readonly errors: Alarm | undefined;
  /** Lambda delayed a run. */
  readonly throttles: Alarm | undefined;
  /** A run failed for good. */
  readonly deadLetters: Alarm | undefined;
  /** A tick was superseded: it has not run, and will not run by itself. Undefined without ticks too. */
  readonly supersededTicks: Alarm | undefined;

  constructor(scope: Construct, id: string, props: JobAlarmsProps) {
    super(scope, id);
    const { function: job, deadLetterQueue, ticksOf } = props;
    const period = Duration.minutes(5);
    const newAlarm = alarmsOf(NAMES, props.choices, props.topic);
    this.errors = newAlarm(this, "Errors", "errors", {
      metric: job.metricErrors({ period }),
      threshold: 1,
      alarmDescription: "A run failed. Lambda tries it again.",
    });
    this.throttles = newAlarm(this, "Throttles", "throttles", {
      metric: job.metricThrottles({ period }),
      threshold: 1,
      alarmDescription: "Lambda delayed a run.",
    });
    this.deadLetters = newAlarm(this, "DeadLetters", "deadLetters", {
      metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: "Maximum" }),
      threshold: 1,
      alarmDescription: "A run failed for good: its event is in the dead-letter queue.",
    });
    if (!ticksOf) return;
    this.supersededTicks = newAlarm(this, "SupersededTicks", "supersededTicks", {
      metric: supersededTicks(ticksOf.tableName, ticksOf.election, period),
      threshold: 1,
      alarmDescription: "A later tick has completed before this one: it does not run any more.",
    });
  }
}
