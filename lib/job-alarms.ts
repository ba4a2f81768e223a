import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface JobAlarmsProps {
  readonly function: IFunction;
  readonly deadLetterQueue: IQueue;
  readonly topic?: ITopic | undefined;
}

/** A job that fails must not fail in silence. */
export class JobAlarms extends Construct {
  readonly errors: Alarm;
  readonly throttles: Alarm;
  readonly deadLetters: Alarm;

  constructor(scope: Construct, id: string, { function: job, deadLetterQueue, topic }: JobAlarmsProps) {
    super(scope, id);
    const period = Duration.minutes(5);
    const raise = (name: string, metric: IMetric, alarmDescription: string) =>
      newAlarm(this, name, { metric, threshold: 1, alarmDescription, topic });
    this.errors = raise("Errors", job.metricErrors({ period }), "A run failed; it is tried again.");
    this.throttles = raise("Throttles", job.metricThrottles({ period }), "A run was put off by Lambda.");
    const waiting = deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      period,
      statistic: "Maximum",
    });
    this.deadLetters = raise(
      "DeadLetters",
      waiting,
      "A run failed for good: its event is in the dead-letter queue.",
    );
  }
}

export interface AlarmRule {
  readonly metric: IMetric;
  /** Reached is enough. */
  readonly threshold: number;
  readonly alarmDescription: string;
  readonly topic?: ITopic | undefined;
  /** @default 1 */
  readonly periods?: number;
}

/** Goes off when the metric reaches the threshold, and tells when it is over. No data is no fault. */
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
