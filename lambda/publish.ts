import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Figures } from "./election-report.js";

/**
 * Prints the figures in CloudWatch's embedded metric format. CloudWatch reads them from Lambda's log, so this needs no
 * request and no permission. Unknown figures are left out, and are missing data to an alarm.
 */
export function publishElections(namespace: string, table: string, elections: readonly Figures[]): void {
  const metrics = metricsOf(namespace);
  for (const figures of elections) {
    metrics.addDimensions({ Table: table, Election: figures.election });
    metrics.addMetadata("Term", String(figures.term));
    if (figures.leader !== undefined) metrics.addMetadata("Leader", figures.leader);
    add(metrics, "HasLeader", MetricUnit.Count, Number(figures.hasLeader));
    add(metrics, "LeaseAgeMs", MetricUnit.Milliseconds, figures.leaseAgeMs);
    add(metrics, "SecondsWithoutLeader", MetricUnit.Seconds, figures.secondsWithoutLeader);
    add(metrics, "TermsPerHour", MetricUnit.Count, figures.termsPerHour);
    add(metrics, "SecondsSinceLastTick", MetricUnit.Seconds, figures.secondsSinceLastTick);
    metrics.publishStoredMetrics();
  }
}

/** Publishes that the monitor's run succeeded. `rowsPruned` is undefined if DynamoDB deletes old rows. */
export function publishRun(
  namespace: string,
  table: string,
  { malformedRows, rowsPruned }: { malformedRows: number; rowsPruned: number | undefined },
): void {
  const metrics = metricsOf(namespace);
  metrics.addDimensions({ Table: table });
  add(metrics, "MonitorRuns", MetricUnit.Count, 1);
  add(metrics, "MalformedRows", MetricUnit.Count, malformedRows);
  add(metrics, "RowsPruned", MetricUnit.Count, rowsPruned);
  metrics.publishStoredMetrics();
}

function metricsOf(namespace: string): Metrics {
  const metrics = new Metrics({ namespace });
  // Powertools would add the dimension `service`, but alarms and dashboards name the exact dimensions.
  metrics.clearDefaultDimensions();
  return metrics;
}

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];

function add(metrics: Metrics, name: string, unit: Unit, value: number | undefined): void {
  if (value !== undefined) metrics.addMetric(name, unit, value);
}
