import { Duration } from "aws-cdk-lib";
import { type Alarm, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { CfnPipe } from "aws-cdk-lib/aws-pipes";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type AlarmChoices, alarmsOf } from "../alarms.js";

const NAMES = ["electedFailing", "endedFailing", "deadLetters"] as const;
/** The alarms of `LeaderChanges`, by name. */
export type PipeAlarmName = (typeof NAMES)[number];

/** A pipe tries again by itself, so one failure is no alarm. */
const FAILURES = 3;

/** The props of `PipeAlarms`. */
export interface PipeAlarmsProps {
  readonly elected: CfnPipe;
  readonly ended: CfnPipe;
  readonly deadLetterQueue: IQueue;
  /** Which of them to make. @default all */
  readonly choices?: AlarmChoices<PipeAlarmName> | undefined;
  /** The topic that the alarms notify. @default none */
  readonly topic?: ITopic | undefined;
}

/** The alarms of `LeaderChanges`. Each is undefined if `alarms` leaves it out. */
export class PipeAlarms extends Construct {
  /** The pipe of "Leader Elected" fails again and again. */
  readonly electedFailing: Alarm | undefined;
  /** The pipe of "Leadership Ended" fails again and again. */
  readonly endedFailing: Alarm | undefined;
  /** The event bus did not take an event, and the pipe has given it up. */
  readonly deadLetters: Alarm | undefined;

  constructor(scope: Construct, id: string, props: PipeAlarmsProps) {
    super(scope, id);
    const newAlarm = alarmsOf(NAMES, props.choices, props.topic);
    const failing = (pipe: CfnPipe) => ({
      metric: new Metric({
        namespace: "AWS/EventBridge/Pipes",
        metricName: "ExecutionFailed",
        dimensionsMap: { PipeName: pipe.ref },
        statistic: "Sum",
        period: Duration.minutes(15),
      }),
      threshold: FAILURES,
      alarmDescription: "Events about leaders do not reach the event bus. The pipe tries again.",
    });
    this.electedFailing = newAlarm(this, "ElectedFailing", "electedFailing", failing(props.elected));
    this.endedFailing = newAlarm(this, "EndedFailing", "endedFailing", failing(props.ended));
    this.deadLetters = newAlarm(this, "DeadLetters", "deadLetters", {
      metric: props.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: "Maximum",
      }),
      threshold: 1,
      alarmDescription:
        "An event about a leader was given up. The dead-letter queue says where in the stream its record is.",
    });
  }
}
