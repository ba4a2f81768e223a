import { InvalidOptionError } from "../src/errors.js";
import { NAME_PATTERN } from "../src/limits.js";

export interface MonitorSettings {
  /** The metrics' namespace in CloudWatch. */
  readonly namespace: string;
  /** Whether to delete rows whose `ttl` has passed, because the table does not do it. */
  readonly prune: boolean;
  readonly watched: Watched;
}

/** The elections that have alarms. They are published also if the table has no row of them. */
export interface Watched {
  /** Elections that should always have a leader. */
  readonly elections: readonly string[];
  /** Scheduled jobs: they need a leader only while they run. */
  readonly jobs: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** The election of the monitors of one table. Its leader publishes. */
export function monitorElection(env: Env): string {
  return env.INCUMBENT_MONITOR_ELECTION || "incumbent/monitor";
}

/** Reads the function's environment. Throws an `InvalidOptionError` that names the variable. */
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
  const watched = {
    elections: namesOf(env, "INCUMBENT_WATCHED_ELECTIONS"),
    jobs: namesOf(env, "INCUMBENT_WATCHED_JOBS"),
  };
  return { namespace, prune: prune === "true", watched };
}

function namesOf(env: Env, variable: string): string[] {
  const names = (env[variable] ?? "").split(",").filter((name) => name !== "");
  const wrong = names.find((name) => !NAME_PATTERN.test(name));
  if (wrong === undefined) return names;
  const rule = "must be names of elections, separated by commas: 1 to 200 of A-Z a-z 0-9 . _ / - each";
  throw new InvalidOptionError(variable, rule, wrong, "billing/nightly,imports");
}
