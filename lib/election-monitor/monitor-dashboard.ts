import { Duration } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { ILeaseTable } from "../lease-table/i-lease-table.js";
import { supersededEverywhere } from "../scheduled-leader/superseded-ticks.js";
import type { ElectionMetric, MonitorMetrics } from "./monitor-metrics.js";

const TITLES: [ElectionMetric, string][] = [
  ["HasLeader", "Has a leader"],
  ["SecondsWithoutLeader", "Seconds without a leader"],
  ["LeaseAgeMs", "Milliseconds since the last renewal"],
  ["TermsPerHour", "Terms per hour"],
  ["SecondsSinceLastTick", "Seconds since the last completed tick"],
];

/** Shows all elections, also those that begin later, and the load of the table. */
export function monitorDashboard(
  scope: Construct,
  id: string,
  metrics: MonitorMetrics,
  table: ILeaseTable,
): Dashboard {
  const graph = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
  const [first, second, third, fourth, fifth] = TITLES.map(([name, title]) =>
    graph(title, metrics.everywhere(name)),
  );
  const period = Duration.minutes(1);
  return new Dashboard(scope, id, {
    widgets: [
      [first, second],
      [third, fourth],
      [fifth, graph("Superseded ticks", supersededEverywhere(table.tableName, metrics.period))],
      [
        graph("Table: throttled requests", table.metricThrottledRequests({ period })),
        graph("Table: failed requests", table.metricSystemErrors({ period })),
      ],
      [
        graph("Table: refused bids", table.metricConditionalCheckFailed({ period })),
        graph("Table: transactions in conflict", table.metricTransactionConflicts({ period })),
      ],
      [
        graph("Table: latency of writes (ms)", table.metricWriteLatency({ period })),
        graph(
          "Table: consumed units",
          table.metricConsumedWrites({ period }),
          table.metricConsumedReads({ period }),
        ),
      ],
      [graph("Runs of the monitor", metrics.runs(), metrics.malformedRows())],
    ].map((row) => row.filter((widget) => widget !== undefined)),
  });
}
