import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { supersededTicks } from "./superseded-ticks.js";

/** The props of `JobAlarms`. */
export interface JobAlarmsProps {
  readonly function: IFunction;
  readonly deadLetterQueue: IQueue;
  /** The job's table and election. Undefined: without ticks none is superseded. */
  readonly ticksOf?: { readonly tableName: string; readonly election: string } | undefined;
  /** The topic that the alarms notify. @default none */
  readonly topic?: ITopic | undefined;
}

/** The alarms of a scheduled job. */
export class JobAlarms extends Construct {
  /** A run failed. */
  readonly errors: Alarm;
  /** Lambda delayed a run. */
  readonly throttles: Alarm;
  /** A run failed for good. */
  readonly deadLetters: Alarm;
  /** A tick was superseded: it has not run, and will not run by itself. Undefined without ticks. */
  readonly supersededTicks: Alarm | undefined;

  constructor(scope: Construct, id: string, props: JobAlarmsProps) {
    super(scope, id);
    const { function: job, deadLetterQueue, ticksOf, topic } = props;
    const period = Duration.minutes(5);
    const raise = (name: string, metric: IMetric, alarmDescription: string) =>
      newAlarm(this, name, { metric, threshold: 1, alarmDescription, topic });
    this.errors = raise("Errors", job.metricErrors({ period }), "A run failed. Lambda tries it again.");
    this.throttles = raise("Throttles", job.metricThrottles({ period }), "Lambda delayed a run.");
    const waiting = deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      period,
      statistic: "Maximum",
    });
    this.deadLetters = raise(
      "DeadLetters",
      waiting,
      "A run failed for good: its event is in the dead-letter queue.",
    );
    if (!ticksOf) return;
    this.supersededTicks = raise(
      "SupersededTicks",
      supersededTicks(ticksOf.tableName, ticksOf.election, period),
      "A later tick has completed before this one: it does not run any more.",
    );
  }
}

export interface AlarmRule {
  readonly metric: IMetric;
  /** The alarm goes off at this value. */
  readonly threshold: number;
  readonly alarmDescription: string;
  /** The topic that the alarm notifies. @default none */
  readonly topic?: ITopic | undefined;
  /** How many periods in a row. @default 1 */
  readonly periods?: number;
}

/** Notifies the topic when the metric reaches the threshold, and when it no longer does. Missing data are no fault. */
export function newAlarm(scope: Construct, id: string, { topic, periods = 1, ...rule }: AlarmRule): Alarm {
  const alarm = new Alarm(scope, id, {
    ...rule,
    evaluationPeriods: periods,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  notify(alarm, topic);
  return alarm;
}

export function notify(alarm: Alarm, topic: ITopic | undefined): void {
  if (!topic) return;
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
}
