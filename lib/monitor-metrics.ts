import type { Duration } from "aws-cdk-lib";
import { MathExpression, Metric, type MetricOptions } from "aws-cdk-lib/aws-cloudwatch";

/** What the monitor publishes of one election, and of the table. `lambda/publish.ts` is the other end. */
export type ElectionMetric =
  | "HasLeader"
  | "LeaseAgeMs"
  | "SecondsWithoutLeader"
  | "TermsPerHour"
  | "SecondsSinceLastTick";

export class MonitorMetrics {
  constructor(
    private readonly tableName: string,
    private readonly namespace: string,
    /** From one look to the next. */
    readonly period: Duration,
  ) {}

  of(election: string, metricName: ElectionMetric, options: MetricOptions = {}): Metric {
    const dimensionsMap = { Table: this.tableName, Election: election };
    return this.#metric(metricName, { statistic: "Maximum", dimensionsMap, ...options });
  }

  /** Looks at the table that ended well. */
  runs(options: MetricOptions = {}): Metric {
    return this.#metric("MonitorRuns", {
      statistic: "Sum",
      dimensionsMap: { Table: this.tableName },
      ...options,
    });
  }

  /** Rows under an election's key that nobody of us wrote. */
  malformedRows(options: MetricOptions = {}): Metric {
    return this.#metric("MalformedRows", {
      statistic: "Maximum",
      dimensionsMap: { Table: this.tableName },
      ...options,
    });
  }

  /** One metric of all elections that there are when it is looked at. */
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
