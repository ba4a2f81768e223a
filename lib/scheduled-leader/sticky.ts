import { type Duration, TimeZone, Token } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { Construct } from "constructs";
import { notAllowed } from "../../src/describe.js";
import { LABEL_PATTERN, LABEL_RULE } from "../../src/limits.js";
import { secondsOf } from "../durations.js";
import { refuse } from "../invalid-prop.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import { cronOfRate } from "./schedule-rate.js";

const MAX_STICKY_DAYS = 31;

/** Keeps a job in one group of functions. */
export interface StickyProps {
  /** The group: 1 to 100 of `A-Z a-z 0-9 . _ -`. @default the stack's Region */
  readonly group?: string;
  /** How long other groups wait after a completed run: longer than from tick to tick, at most 31 days. */
  readonly for: Duration;
}

const STICKY: NamesOf<StickyProps> = { group: true, for: true };

export function checkSticky(
  scope: Construct,
  sticky: StickyProps,
  { schedule, once }: { readonly schedule: ScheduleExpression; readonly once?: "tick" | false },
  rateS: number | undefined,
): void {
  checkPropNames(scope, sticky, STICKY, "sticky");
  const { group } = sticky;
  if (once === false) {
    refuse(
      scope,
      "sticky",
      'needs once: "tick", because the job stays where it completes ticks',
      once,
      "leave out once",
    );
  }
  if (group !== undefined && !Token.isUnresolved(group) && !LABEL_PATTERN.test(group)) {
    const rule = `${LABEL_RULE}${notAllowed(group, /[A-Za-z0-9._-]/)}`;
    refuse(scope, "sticky.group", rule, group, "eu-west-1");
  }
  checkAligned(scope, schedule, rateS);
  const seconds = secondsOf(scope, "sticky.for", sticky.for, "Duration.hours(1)");
  if (seconds <= 0 || seconds > MAX_STICKY_DAYS * 86_400) {
    const rule = `must be more than 0 and at most ${MAX_STICKY_DAYS * 86_400} seconds (${MAX_STICKY_DAYS} days)`;
    refuse(scope, "sticky.for", rule, seconds, "Duration.hours(1)");
  }
  if (rateS !== undefined && seconds <= rateS) {
    const rule = `must be longer than from tick to tick (${rateS} seconds), or it is over before the next one`;
    refuse(scope, "sticky.for", rule, seconds, `Duration.seconds(${2 * rateS})`);
  }
}

/** The group that waits would wait for an event that comes much later, and fail. */
function checkAligned(
  scope: Construct,
  { expressionString: expression }: ScheduleExpression,
  rateS: number | undefined,
): void {
  if (rateS === undefined || cronOfRate(rateS) !== undefined) return;
  const rule =
    `with sticky, the schedules of all groups must fire at the same time, and those of ${expression} do not: they count ` +
    "from their creation, and no cron has their ticks";
  refuse(scope, "schedule", rule, expression, 'ScheduleExpression.cron({ minute: "0/10" })');
}

/** With `sticky` a group that got its event before the group that keeps the job would wait in vain. */
export function aligned(schedule: ScheduleExpression, rateS: number | undefined): ScheduleExpression {
  const cron = rateS === undefined ? undefined : cronOfRate(rateS);
  return cron === undefined ? schedule : ScheduleExpression.expression(cron, TimeZone.ETC_UTC);
}
