import type { Duration } from "aws-cdk-lib";
import { MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";

/** The metric that `src/lambda/superseded-metric.ts` prints, whatever namespace a monitor has. */
const NAMESPACE = "Incumbent";
const METRIC = "SupersededTicks";

/** The invocations of one job whose tick was superseded. */
export function supersededTicks(tableName: string, election: string, period: Duration): Metric {
  const dimensionsMap = { Table: tableName, Election: election };
  return new Metric({ namespace: NAMESPACE, metricName: METRIC, dimensionsMap, statistic: "Sum", period });
}

/** Those of all jobs of a table that exist when somebody opens the dashboard. */
export function supersededEverywhere(tableName: string, period: Duration): MathExpression {
  return new MathExpression({
    expression: `SEARCH('{${NAMESPACE},Election,Table} MetricName="${METRIC}" Table="${tableName}"', 'Sum')`,
    usingMetrics: {},
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
    label: "${PROP('Dim.Election')}",
    period,
  });
}
