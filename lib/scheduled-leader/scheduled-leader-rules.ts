import { type Duration, Token } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { knownSecondsOf } from "../durations.js";
import { refuse } from "../invalid-prop.js";
import { checkJobFunction, checkLogs } from "../leader-function/function-props.js";
import type { ILeaseTable } from "../lease-table/i-lease-table.js";
import { differenceOf } from "../place.js";
import { checkOwnFunction } from "./own-function.js";
import { isExpression } from "./schedule-rate.js";
import type { ScheduledLeaderProps } from "./scheduled-leader-props.js";

/** Refuses props that cannot work, when the app is synthesized. */

/** Enough for a cold start, the bid, the work, the lease's margin and giving it back. */
const SHORTEST_TIMEOUT_S = 5;
const MAX_TIMEOUT_S = 900;
const MAX_RATE_DAYS = 366;
const FOR_ENTRY = ["timeout", "memorySize", "environment", "logRetention", "functionProps"] as const;

export function checkFunction(scope: Construct, props: ScheduledLeaderProps): void {
  if ((props.entry === undefined) === (props.function === undefined)) {
    const given = props.entry === undefined ? "neither is" : "both are";
    refuse(
      scope,
      "entry",
      `either entry or function must be given, and ${given}`,
      props.entry,
      "src/nightly.ts",
    );
  }
  const extra = props.function && FOR_ENTRY.find((prop) => props[prop] !== undefined);
  if (extra)
    refuse(scope, extra, "goes with entry; a function of your own has it already", props[extra], undefined);
  if (props.function) checkOwnFunction(scope, props.function);
  if (props.timeout) checkTimeout(scope, props.timeout);
  checkJobFunction(scope, props.functionProps);
  checkLogs(scope, props);
}

export function checkTimeout(scope: Construct, timeout: Duration | undefined): void {
  // Lambda's default, for a function without a timeout.
  const seconds =
    timeout === undefined ? 3 : knownSecondsOf(scope, "timeout", timeout, "Duration.minutes(1)");
  if (seconds === undefined) return;
  if (seconds >= SHORTEST_TIMEOUT_S && seconds <= MAX_TIMEOUT_S) return;
  const rule =
    `must be ${SHORTEST_TIMEOUT_S} to ${MAX_TIMEOUT_S} seconds: the lease ends before the timeout by a margin for ` +
    "stopping and giving it back, and what is left is the time for work";
  refuse(scope, "timeout", rule, seconds, "Duration.minutes(1)");
}

export function checkEnabled(scope: Construct, enabled: boolean | undefined): void {
  if (enabled === undefined || typeof enabled === "boolean") return;
  refuse(scope, "enabled", "must be true or false", enabled, false);
}

/** A function is told the table's name. Its client looks for the name in the function's account and Region. */
export function checkPlace(scope: Construct, { env }: LambdaFunction, { table }: ILeaseTable): void {
  const part = differenceOf(env, table.env);
  if (part === undefined) return;
  const rule = `must be in the function's ${part}, because the function looks for it there`;
  const suggestion =
    part === "account"
      ? 'new LeaseTable(this, "Leases")'
      : 'the replica there: LeaseTable.fromTableName(this, "Leases", "incumbent", { multiRegion: true })';
  refuse(scope, "table", rule, new Kind(`a table in another ${part}`), suggestion);
}

export function checkTicks(scope: Construct, { ticks, once }: ScheduledLeaderProps): void {
  if (ticks === undefined) return;
  if (ticks !== "latest" && ticks !== "every") {
    refuse(scope, "ticks", 'must be "latest" or "every"', ticks, '"latest"');
  }
  if (once === false) {
    refuse(
      scope,
      "ticks",
      'needs once: "tick", because without ticks every event runs',
      once,
      "leave out once",
    );
  }
}

/** What EventBridge Scheduler takes. CDK checks no expression, and a deployment would fail. */
export function checkSchedule(scope: Construct, schedule: ScheduledLeaderProps["schedule"]): void {
  const suggestion = "ScheduleExpression.rate(Duration.hours(1))";
  const { expressionString: expression } = schedule;
  if (typeof expression !== "string") {
    refuse(
      scope,
      "schedule",
      "must be a ScheduleExpression of aws-cdk-lib/aws-scheduler",
      schedule,
      suggestion,
    );
  }
  if (Token.isUnresolved(expression) || isExpression(expression)) return;
  const rule =
    "must be rate(5 minutes), in minutes, hours or days; or cron(0 3 * * ? *), with six fields; or at(2026-01-31T03:00:00)";
  refuse(scope, "schedule", rule, expression, suggestion);
}

/** A rate is also the period of the function's ticks, and the function refuses a longer one (`tickPeriodMs`). */
export function checkRate(
  scope: Construct,
  { schedule: { expressionString: expression }, once }: ScheduledLeaderProps,
  rateS: number | undefined,
): void {
  if (Token.isUnresolved(expression) && once !== false) {
    const rule =
      'must be known when the app is synthesized, with once: "tick": the ticks and the retries follow from a rate';
    refuse(scope, "schedule", rule, expression, "ScheduleExpression.rate(Duration.hours(1))");
  }
  if (rateS === undefined || rateS <= MAX_RATE_DAYS * 86_400) return;
  const rule = `a rate must be at most ${MAX_RATE_DAYS} days`;
  refuse(
    scope,
    "schedule",
    rule,
    expression,
    'ScheduleExpression.cron({ minute: "0", hour: "3", month: "1", day: "1" })',
  );
}
