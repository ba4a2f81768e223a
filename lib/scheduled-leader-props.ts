import type { Duration } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { LeaseAccess } from "./lease-access.js";

export interface ScheduledLeaderProps {
  readonly table: LeaseAccess;
  /** 1 to 200 of `A-Z a-z 0-9 . _ / -`. Functions of one election, in any Region, run one at a time. */
  readonly election: string;
  /** `ScheduleExpression.cron({ minute: "0", hour: "3", timeZone: TimeZone.EUROPE_BERLIN })`, or a rate. */
  readonly schedule: ScheduleExpression;
  /** A file that exports `handler = leaderHandler(…)`; bundled with esbuild. Either this or `function`. */
  readonly entry?: string;
  /** A function of your own, whose handler is made by `leaderHandler`. It is given the environment and the rights. */
  readonly function?: LambdaFunction;
  /** How long one run may take; with `entry` only. At least 5 seconds, at most 15 minutes. @default 1 minute */
  readonly timeout?: Duration;
  /** In MB; with `entry` only. @default 256 */
  readonly memorySize?: number;
  /** More environment; with `entry` only. @default none */
  readonly environment?: Record<string, string>;
  /** Keeps the job in one group of functions (a Region) from tick to tick. @default none */
  readonly sticky?: StickyProps;
  /** `"tick"`: at most one run completes per scheduled time. `false`: one at a time, duplicates run again. @default "tick" */
  readonly once?: "tick" | false;
  /** What happens to runs that fail. @default as described there */
  readonly retry?: RetryProps;
  /** Gets events that could not be delivered, and those of runs that failed for good. @default one is made */
  readonly deadLetterQueue?: IQueue;
  /** Of the function's log; with `entry` only. @default ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /** Alarms when a run fails, is throttled, or an event ends in the dead-letter queue. @default true */
  readonly alarms?: boolean;
  /** Told by the alarms. @default nobody */
  readonly alarmTopic?: ITopic;
}

export interface StickyProps {
  /** 1 to 100 of `A-Z a-z 0-9 . _ -`. @default the stack's Region */
  readonly group?: string;
  /** How long the others wait after a completed run; longer than from tick to tick, at most 31 days. */
  readonly for: Duration;
}

export interface RetryProps {
  /** How often a run that failed is tried again, 0 to 2. @default 2 */
  readonly maximumRetryAttempts?: number;
  /** After that an event is given up: 1 minute to 6 hours. @default 1 hour */
  readonly maximumEventAge?: Duration;
}
