/**
 * CloudWatch's evaluation of an alarm, as far as its documentation tells it ("Configuring how CloudWatch alarms treat missing
 * data"), for alarms on one metric and for `FILL(a, 0) * FILL(b, REPEAT)`. An emulator does not evaluate alarms.
 */

export type State = "INSUFFICIENT_DATA" | "OK" | "ALARM";
/** One value a period, the oldest first. Undefined: missing. */
export type Series = readonly (number | undefined)[];

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: { readonly Metric: { readonly MetricName: string } };
}

export interface AlarmProperties {
  readonly MetricName?: string;
  readonly Metrics?: readonly Query[];
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly TreatMissingData: string;
}

/**
 * The alarm's state after each period. `extra`: how many periods more than its evaluation periods CloudWatch reads, which its
 * documentation leaves open.
 */
export function statesOf(
  alarm: AlarmProperties,
  metrics: Readonly<Record<string, Series>>,
  extra: number,
): State[] {
  const periods = Math.max(...Object.values(metrics).map((series) => series.length));
  const states: State[] = [];
  for (let end = 1; end <= periods; end++) {
    const from = Math.max(0, end - alarm.EvaluationPeriods - extra);
    const points = valuesOf(alarm, (name) => {
      const series = metrics[name] ?? [];
      return Array.from({ length: end - from }, (_, i) => series[from + i]);
    });
    states.push(stateOf(alarm, points, states.at(-1) ?? "INSUFFICIENT_DATA"));
  }
  return states;
}

function valuesOf({ MetricName, Metrics = [] }: AlarmProperties, seriesOf: (name: string) => Series): Series {
  if (MetricName !== undefined) return seriesOf(MetricName);
  const expression = Metrics.find(({ Expression }) => Expression !== undefined)?.Expression ?? "";
  const [, zeroed = "", repeated = ""] = /^FILL\((\w+), 0\) \* FILL\((\w+), REPEAT\)$/.exec(expression) ?? [];
  const byId = (id: string) => {
    const metric = Metrics.find(({ Id }) => Id === id)?.MetricStat?.Metric;
    if (!metric) throw new Error(`not an expression that the model knows: ${expression}`);
    return seriesOf(metric.MetricName);
  };
  let last: number | undefined;
  const others = byId(repeated).map((value) => {
    last = value ?? last;
    return last;
  });
  return byId(zeroed).map((value, i) => {
    const other = others[i];
    return other === undefined ? undefined : (value ?? 0) * other;
  });
}

function stateOf(alarm: AlarmProperties, points: Series, before: State): State {
  const { Threshold, ComparisonOperator, EvaluationPeriods: periods, TreatMissingData } = alarm;
  const needed = alarm.DatapointsToAlarm ?? periods;
  const isBreaching = (value: number) =>
    ComparisonOperator === "LessThanThreshold" ? value < Threshold : value >= Threshold;
  const real = points.filter((value) => value !== undefined).slice(-periods);
  const breaching = real.filter(isBreaching).length;
  if (breaching >= needed) return "ALARM";
  if (real.length - breaching > periods - needed || real.length === periods) return "OK";
  if (TreatMissingData === "ignore") return before;
  if (TreatMissingData === "breaching") return breaching + periods - real.length >= needed ? "ALARM" : "OK";
  if (TreatMissingData === "notBreaching") return "OK";
  throw new Error(`not a treatment that the model knows: ${TreatMissingData}`);
}
