import type { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";

const UNIT_S: Record<string, number> = { minute: 60, hour: 3_600, day: 86_400 };

/** Seconds from one run to the next of `rate(…)`. Undefined for other expressions. */
export function rateSecondsOf({ expressionString }: ScheduleExpression): number | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expressionString);
  return rate ? Number(rate[1]) * (UNIT_S[rate[2] as string] as number) : undefined;
}
