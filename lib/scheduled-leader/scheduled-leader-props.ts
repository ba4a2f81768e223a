import type { Duration } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IScheduleGroup, ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { AlarmChoices } from "../alarms.js";
import type { FunctionProps } from "../leader-function/function-props.js";
import type { ILeaseTable } from "../lease-table/i-lease-table.js";
import type { NamesOf } from "../prop-names.js";
import type { JobAlarmName } from "./job-alarms.js";
import type { RetryProps } from "./retries.js";
import type { StickyProps } from "./sticky.js";

/** The props of a `ScheduledLeader`. */
export interface ScheduledLeaderProps {
  /** The lease table. */
  readonly table: ILeaseTable;
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. Functions of one election, in any Region, run one at a time. */
  readonly election: string;
  /** `ScheduleExpression.cron({ minute: "0", hour: "3", timeZone: TimeZone.EUROPE_BERLIN })`, or a rate. */
  readonly schedule: ScheduleExpression;
  /**
   * A file that exports `handler = leaderHandler(…)`. CDK bundles it with esbuild (`npm install --save-dev esbuild`), or in
   * Docker if esbuild is not installed. Give either this or `function`.
   * @default none
   */
  readonly entry?: string;
  /**
   * Your own function, whose handler is made by `leaderHandler`. It gets the environment and the permissions. It must be a
   * `Function` of this app: an alias or an imported function has no environment.
   * @default one is made from `entry`
   */
  readonly function?: LambdaFunction;
  /** How long one run may take; with `entry` only. At least 5 seconds, at most 15 minutes. @default 1 minute */
  readonly timeout?: Duration;
  /** In MB; with `entry` only. @default 256 */
  readonly memorySize?: number;
  /** More environment; with `entry` only. A variable that a prop sets is refused. @default none */
  readonly environment?: Record<string, string>;
  /**
   * What CDK's function takes besides; with `entry` only: `vpc`, `layers`, `architecture`, `bundling`, `logGroup`, `tracing`,
   * `reservedConcurrentExecutions`, `description`, and so on. The bundle has a source map, which Node.js uses.
   * @default none
   */
  readonly functionProps?: FunctionProps;
  /**
   * Keeps the job in one group of functions, such as a Region, as long as its runs succeed. All groups must get their
   * events at the same time, so a rate is deployed as the `cron` that has its ticks.
   * @default none
   */
  readonly sticky?: StickyProps;
  /** `"tick"`: at most one run completes per scheduled time. `false`: a second delivery runs again. @default "tick" */
  readonly once?: "tick" | false;
  /**
   * Which ticks run. `"latest"`: a tick does not run when a later one has completed. `"every"`: it runs then too, unless it
   * is older than the last 64 completed ticks. A tick that does not run fails its invocation.
   * @default "latest"
   */
  readonly ticks?: "latest" | "every";
  /** Whether the schedule fires. `false`: it is deployed, and nothing runs. @default true */
  readonly enabled?: boolean;
  /** The group of schedules that it belongs to. @default the account's group `default` */
  readonly scheduleGroup?: IScheduleGroup;
  /**
   * What happens to runs that fail. `false`: what your `function` says itself, with `retryAttempts`, `maxEventAge` and
   * `onFailure`. Its retries must end before the next tick. Give `false` too to a second `ScheduledLeader` of one function.
   * @default as described there
   */
  readonly retry?: RetryProps | false;
  /**
   * The queue for events that were not delivered, and for those whose runs failed for good. With `retry: false` it gets the
   * first kind only. It must be a standard queue. If it has a key of your own, the Scheduler and the function may use the key.
   * @default one is made
   */
  readonly deadLetterQueue?: IQueue;
  /** How long the function's log is kept; with `entry` only. @default ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /**
   * Which alarms to make: for runs that fail or are throttled, for superseded ticks, and for events in the dead-letter queue.
   * `false`: none; `{ throttles: false }`: all others. An object in place of `false` changes the alarm:
   * `{ errors: { threshold: 5 } }`.
   * @default all
   */
  readonly alarms?: AlarmChoices<JobAlarmName>;
  /** The topic that the alarms notify. @default none */
  readonly alarmTopic?: ITopic;
}

export const PROPS: NamesOf<ScheduledLeaderProps> = {
  table: true,
  election: true,
  schedule: true,
  entry: true,
  function: true,
  timeout: true,
  memorySize: true,
  environment: true,
  functionProps: true,
  sticky: true,
  once: true,
  ticks: true,
  enabled: true,
  scheduleGroup: true,
  retry: true,
  deadLetterQueue: true,
  logRetention: true,
  alarms: true,
  alarmTopic: true,
};
