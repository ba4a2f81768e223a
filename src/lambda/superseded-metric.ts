import type { Env } from "./environment.js";

/**
 * Counts a superseded tick, in CloudWatch's embedded metric format. CloudWatch reads it from Lambda's log, so this needs
 * no request and no permission. `lib/scheduled-leader/superseded-ticks.ts` reads the metric.
 *
 * It writes to the stream itself: with Lambda's JSON logs `console.log` would put the line into another object.
 */
export function printSuperseded(
  { tableName, election, tick }: { tableName: string | undefined; election: string; tick: string },
  nowMs: number,
  env: Env,
): void {
  if (!env.AWS_LAMBDA_FUNCTION_NAME || tableName === undefined) return;
  const metric = {
    Namespace: "Incumbent",
    Dimensions: [["Table", "Election"]],
    Metrics: [{ Name: "SupersededTicks", Unit: "Count" }],
  };
  const line = {
    _aws: { Timestamp: nowMs, CloudWatchMetrics: [metric] },
    Table: tableName,
    Election: election,
    Tick: tick,
    SupersededTicks: 1,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
