import { InvalidOptionError } from "../src/errors.js";

export interface MonitorSettings {
  /** CloudWatch's namespace of the metrics. */
  readonly namespace: string;
  /** Whether rows past their time to live are deleted here, because the table does not do it. */
  readonly prune: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The election by which the monitors of one table agree who publishes. */
export function monitorElection(env: Env): string {
  return env.INCUMBENT_MONITOR_ELECTION || "incumbent/monitor";
}

/** What the function's environment says. Throws `InvalidOptionError` that names the variable. */
export function settingsOf(env: Env): MonitorSettings {
  const namespace = env.INCUMBENT_METRICS_NAMESPACE || "Incumbent";
  if (!/^[A-Za-z0-9._\-/#:]{1,255}$/.test(namespace) || namespace.startsWith("AWS/")) {
    const rule =
      "must be 1 to 255 of A-Z a-z 0-9 . _ - / # : and not begin with AWS/, which is CloudWatch's own";
    throw new InvalidOptionError("INCUMBENT_METRICS_NAMESPACE", rule, namespace, "Incumbent");
  }
  const prune = env.INCUMBENT_PRUNE || "false";
  if (prune !== "true" && prune !== "false") {
    throw new InvalidOptionError("INCUMBENT_PRUNE", 'must be "true", "false" or absent', prune, "true");
  }
  return { namespace, prune: prune === "true" };
}
