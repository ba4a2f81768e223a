/** What a schedule expression says about its times. Pure. */

const UNIT_S: Record<string, number> = { minute: 60, hour: 3_600, day: 86_400 };

const EXPRESSIONS = [
  /^rate\([1-9]\d* (minute|hour|day)s?\)$/,
  /^cron\(\S+(\s+\S+){5}\)$/,
  /^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$/,
];

/** Whether it has the form of a schedule expression. The values of its fields are not checked. */
export function isExpression(text: string): boolean {
  return EXPRESSIONS.some((form) => form.test(text));
}

/** Seconds from one run to the next of `rate(…)`. Undefined for other expressions. */
export function rateSecondsOf(expression: string): number | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  return rate ? Number(rate[1]) * (UNIT_S[rate[2] as string] as number) : undefined;
}

/**
 * The `cron` that fires at the ticks of a rate, in UTC. All its schedules fire at the same time, but those of a rate count
 * from their creation. Undefined: no `cron` has these ticks.
 */
export function cronOfRate(seconds: number): string | undefined {
  const minutes = seconds / 60;
  const hours = minutes / 60;
  if (minutes < 60 && 60 % minutes === 0) return `cron(${every(minutes)} * * * ? *)`;
  if (Number.isInteger(hours) && 24 % hours === 0)
    return `cron(0 ${hours === 24 ? "0" : every(hours)} * * ? *)`;
  return undefined;
}

function every(count: number): string {
  return count === 1 ? "*" : `0/${count}`;
}
