import type { Duration } from "aws-cdk-lib";
import { MathExpression, Metric, type MetricOptions } from "aws-cdk-lib/aws-cloudwatch";

/** The metrics that the monitor publishes of one election. `lambda/publish.ts` writes them. */
export type ElectionMetric =
  | "HasLeader"
  | "LeaseAgeMs"
  | "SecondsWithoutLeader"
  | "TermsPerHour"
  | "SecondsSinceLastTick";

/** The metrics of an `ElectionMonitor`, for alarms and dashboards of your own. */
export class MonitorMetrics {
  constructor(
    private readonly tableName: string,
    private readonly namespace: string,
    /** From one run to the next. */
    readonly period: Duration,
  ) {}

  /**
   * One metric of one election.
   * @throws nothing.
   * @example
   * const age = monitor.metrics.of("billing/nightly", "LeaseAgeMs");
   */
  of(election: string, metricName: ElectionMetric, options: MetricOptions = {}): Metric {
    const dimensionsMap = { Table: this.tableName, Election: election };
    return this.#metric(metricName, { statistic: "Maximum", dimensionsMap, ...options });
  }

  /**
   * The runs of the monitor that succeeded.
   * @throws nothing.
   * @example
   * const runs = monitor.metrics.runs();
   */
  runs(options: MetricOptions = {}): Metric {
    return this.#metric("MonitorRuns", {
      statistic: "Sum",
      dimensionsMap: { Table: this.tableName },
      ...options,
    });
  }

  /**
   * The rows under an election's key that are damaged, or that this library did not write.
   * @throws nothing.
   * @example
   * const malformed = monitor.metrics.malformedRows();
   */
  malformedRows(options: MetricOptions = {}): Metric {
    return this.#metric("MalformedRows", {
      statistic: "Maximum",
      dimensionsMap: { Table: this.tableName },
      ...options,
    });
  }

  /**
   * One metric of all elections that exist when somebody opens the dashboard.
   * @throws nothing.
   * @example
   * const graph = new GraphWidget({ left: [monitor.metrics.everywhere("HasLeader")] });
   */
  everywhere(metricName: ElectionMetric): MathExpression {
    const schema = `{${this.namespace},Election,Table}`;
    const term = `${schema} MetricName="${metricName}" Table="${this.tableName}"`;
    return new MathExpression({
      expression: `SEARCH('${term}', 'Maximum')`,
      usingMetrics: {},
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
      label: "${PROP('Dim.Election')}",
      period: this.period,
    });
  }

  #metric(metricName: string, options: MetricOptions): Metric {
    return new Metric({ namespace: this.namespace, metricName, period: this.period, ...options });
  }
}
