import { Duration, TimeZone } from "aws-cdk-lib";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { NAME_PATTERN } from "../src/limits.js";
import { DEFAULT_TABLE_NAME } from "../src/store/schema.js";
import type { JobProps } from "./incumbent-stack.js";
import { InvalidPropError } from "./invalid-prop.js";

/** The settings in `cdk.json` and `cdk deploy -c name=value`. */
export interface Settings {
  readonly stackName: string;
  readonly tableName: string;
  /** Undefined: the Region of the CLI's credentials. */
  readonly region: string | undefined;
  readonly regions: readonly string[] | undefined;
  readonly witness: string | undefined;
  readonly elections: readonly string[];
  readonly job: JobProps | undefined;
  readonly monitor: boolean;
  readonly leaderChanges: boolean;
  readonly alarmEmail: string | undefined;
}

/**
 * Values are text from the command line, or JSON from `cdk.json`. Throws `InvalidPropError`.
 * @param names the names that were given. They can be of others, so only a name in the wrong case is refused.
 */
export function settingsOf(context: (key: string) => unknown, names: readonly string[] = []): Settings {
  const known = new Map<string, string>();
  const settings = readSettings((key) => {
    known.set(key.toLowerCase(), key);
    return context(key);
  });
  for (const name of names) {
    const meant = known.get(name.toLowerCase());
    if (meant === undefined || meant === name) continue;
    throw invalid(name, `is not read (did you mean ${meant}?)`, context(name), meant);
  }
  return settings;
}

function readSettings(context: (key: string) => unknown): Settings {
  const read = new Context(context);
  const regions = read.list("regions");
  return {
    stackName: read.text("stackName", /^[A-Za-z][A-Za-z0-9-]{0,100}$/, "incumbent") ?? "incumbent",
    tableName: read.text("tableName", /^[A-Za-z0-9_.-]{3,255}$/, DEFAULT_TABLE_NAME) ?? DEFAULT_TABLE_NAME,
    region: read.text("region", /^[a-z0-9-]+$/, "eu-west-1"),
    regions: regions.length > 0 ? regions : undefined,
    witness: read.text("witness", /^[a-z0-9-]+$/, "eu-west-2"),
    elections: read.list("elections", NAME_PATTERN, "billing/nightly"),
    job: jobOf(read),
    monitor: read.flag("monitor", true),
    leaderChanges: read.flag("leaderChanges", false),
    alarmEmail: read.text("alarmEmail", /^[^\s@]+@[^\s@]+$/, "on-call@example.com"),
  };
}

function jobOf(read: Context): JobProps | undefined {
  const entry = read.text("job", /./, "src/nightly.ts");
  if (entry === undefined) return undefined;
  const stickyFor = read.duration("sticky");
  const timeout = read.duration("timeout");
  const ticks = read.text("ticks", /^(latest|every)$/, "every") as JobProps["ticks"];
  return {
    entry,
    election: read.text("election", NAME_PATTERN, "reports/daily") ?? "reports/daily",
    schedule: ScheduleExpression.expression(
      read.text("schedule", /^(rate|cron|at)\([^()]+\)$/, "cron(0 3 * * ? *)") ?? "rate(5 minutes)",
      TimeZone.of(read.timeZone("timezone") ?? "Etc/UTC"),
    ),
    ...(timeout && { timeout }),
    ...(ticks && { ticks }),
    ...(stickyFor && { stickyFor }),
  };
}

class Context {
  constructor(private readonly get: (key: string) => unknown) {}

  text(key: string, pattern: RegExp, suggestion: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || value === "") return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    throw invalid(key, `must be text that matches ${pattern}`, value, suggestion);
  }

  /** "a,b" or ["a", "b"]. */
  list(key: string, pattern = /^\S+$/, suggestion = "eu-west-1,eu-west-2,eu-central-1"): string[] {
    const value = this.get(key) ?? [];
    const entries: unknown[] =
      typeof value === "string" ? value.split(",").filter((part) => part !== "") : list(value);
    return entries.map((entry) => {
      const text = typeof entry === "string" ? entry.trim() : entry;
      if (typeof text === "string" && pattern.test(text)) return text;
      throw invalid(
        key,
        `must be a list, separated by commas, of what matches ${pattern}`,
        value,
        suggestion,
      );
    });
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.get(key) ?? otherwise;
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return false;
    throw invalid(key, "must be true or false", value, otherwise);
  }

  duration(key: string): Duration | undefined {
    const value = this.get(key);
    if (value === undefined || value === "") return undefined;
    const parts = typeof value === "string" && /^(\d+) (second|minute|hour|day)s?$/.exec(value);
    if (!parts)
      throw invalid(key, "must be a number and a unit: seconds, minutes, hours or days", value, "15 minutes");
    const [, count, unit] = parts as unknown as [string, string, keyof typeof UNITS];
    return UNITS[unit](Number(count));
  }

  timeZone(key: string): string | undefined {
    const value = this.text(key, /^[A-Za-z0-9+_/-]+$/, "Europe/Berlin");
    try {
      new Intl.DateTimeFormat("en", { timeZone: value });
    } catch {
      throw invalid(key, "must be a time zone by its IANA name", value, "Europe/Berlin");
    }
    return value;
  }
}

const UNITS = {
  second: Duration.seconds,
  minute: Duration.minutes,
  hour: Duration.hours,
  day: Duration.days,
};

/** A value that is no list becomes an entry, which no pattern matches. */
function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function invalid(key: string, rule: string, received: unknown, suggestion: unknown): InvalidPropError {
  return new InvalidPropError(undefined, `context "${key}"`, rule, received, suggestion);
}
