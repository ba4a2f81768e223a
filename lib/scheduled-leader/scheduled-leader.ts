import { Duration, Token } from "aws-cdk-lib";
import type { IGrantable, IPrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { Schedule, TimeWindow } from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { acknowledge, nist } from "../acknowledge.js";
import { checkDeadLetterQueue, DeadLetterDestination, newDeadLetterQueue } from "../dead-letter-queue.js";
import { checkElection, checkGiven } from "../invalid-prop.js";
import { LeaderFunction } from "../leader-function/leader-function.js";
import { checkTable, NEW_TABLE } from "../lease-table/check-table.js";
import { checkPropNames } from "../prop-names.js";
import { JobAlarms } from "./job-alarms.js";
import { setVariables, variablesOf } from "./leader-variables.js";
import { checkNoRetries } from "./own-function.js";
import { retriesOf } from "./retries.js";
import { rateSecondsOf } from "./schedule-rate.js";
import { LeaderTarget } from "./schedule-target.js";
import { PROPS, type ScheduledLeaderProps } from "./scheduled-leader-props.js";
import {
  checkEnabled,
  checkFunction,
  checkPlace,
  checkRate,
  checkSchedule,
  checkTicks,
  checkTimeout,
} from "./scheduled-leader-rules.js";
import { aligned, checkSticky } from "./sticky.js";

const FIFO = "neither EventBridge Scheduler nor Lambda sends failed events to a FIFO queue";

/**
 * A job that runs on a schedule, only while it leads its election. The scheduled time is the tick. You can deploy it in
 * any number of Regions.
 */
export class ScheduledLeader extends Construct implements IGrantable {
  /** The function that runs the job. */
  readonly function: LambdaFunction;
  /** The schedule that invokes it. */
  readonly schedule: Schedule;
  /** The time from one run to the next. Undefined: it varies or is unknown, as with `cron`. */
  readonly rate: Duration | undefined;
  /** The queue for events whose runs failed for good. */
  readonly deadLetterQueue: IQueue;
  /** The alarms. Undefined with `alarms: false`. */
  readonly alarms: JobAlarms | undefined;

  /**
   * @throws InvalidPropError: a prop cannot work.
   * @example
   * const schedule = ScheduleExpression.rate(Duration.hours(1));
   * new ScheduledLeader(this, "Invoices", { table, election: "billing/hourly", schedule, entry: "src/invoices.ts" });
   */
  constructor(scope: Construct, id: string, props: ScheduledLeaderProps) {
    super(scope, id);
    checkGiven(this, props, {
      table: NEW_TABLE,
      election: "billing/nightly",
      schedule: "ScheduleExpression.rate(Duration.hours(1))",
    });
    checkPropNames(this, props, PROPS);
    const { table, election, sticky, once = "tick", scheduleGroup } = props;
    checkElection(this, election);
    checkTable(this, table);
    checkSchedule(this, props.schedule);
    checkFunction(this, props);
    const rateS = rateSecondsOf(props.schedule.expressionString);
    this.rate = rateS === undefined ? undefined : Duration.seconds(rateS);
    checkRate(this, props, rateS);
    checkTicks(this, props);
    checkEnabled(this, props.enabled);
    checkDeadLetterQueue(this, props.deadLetterQueue, FIFO);
    const { attempts, maxAgeS } = retriesOf(this, props, rateS);
    if (sticky) checkSticky(this, sticky, props, rateS);

    this.function = props.function ?? this.#makeFunction(props);
    checkTimeout(this, this.function.timeout);
    checkPlace(this, this.function, table);
    const where = props.function ? "function.environment" : "environment";
    setVariables(this, this.function, variablesOf(this, props, rateS), where);
    table.grantCandidate(this.function, election);

    this.deadLetterQueue = props.deadLetterQueue ?? newDeadLetterQueue(this, "DeadLetters");
    // The schedule only delivers the event. Lambda knows whether the run failed, and tries again.
    if (props.retry !== false) {
      checkNoRetries(this, this.function);
      this.function.configureAsyncInvoke({
        retryAttempts: attempts,
        maxEventAge: Duration.seconds(maxAgeS),
        onFailure: new DeadLetterDestination(this.deadLetterQueue),
      });
      acknowledge(
        this.function,
        nist("LambdaDLQ"),
        "Failed events go to a queue: its on-failure destination.",
      );
    }
    this.schedule = new Schedule(this, "Schedule", {
      schedule: sticky ? aligned(props.schedule, rateS) : props.schedule,
      timeWindow: TimeWindow.off(),
      enabled: props.enabled ?? true,
      ...(scheduleGroup && { scheduleGroup }),
      target: new LeaderTarget(this, this.function, this.deadLetterQueue, maxAgeS, scheduleGroup),
      description: Token.isUnresolved(election) ? "Runs its leader" : `Runs the leader of ${election}`,
    });
    if (props.alarms !== false) {
      this.alarms = new JobAlarms(this, "Alarms", {
        function: this.function,
        deadLetterQueue: this.deadLetterQueue,
        ticksOf: once ? { tableName: table.tableName, election } : undefined,
        choices: props.alarms,
        topic: props.alarmTopic,
      });
    }
  }

  /** The function's role: grant it the job's own tables and buckets. */
  get grantPrincipal(): IPrincipal {
    return this.function.grantPrincipal;
  }

  #makeFunction(props: ScheduledLeaderProps): LambdaFunction {
    return new LeaderFunction(this, "Job", {
      ...(props.entry !== undefined && { entry: props.entry }),
      ...(props.environment && { environment: props.environment }),
      timeout: props.timeout ?? Duration.minutes(1),
      memorySize: props.memorySize ?? 256,
      logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
      functionProps: props.functionProps,
      description: "Runs only as leader of its election",
    }).function;
  }
}
