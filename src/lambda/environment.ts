import { checkLabel, checkReserveFor } from "../arguments.js";
import { notAllowed } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { checkNames } from "../known-names.js";
import { NAME_PATTERN, NAME_RULE } from "../limits.js";
import type { TickMode } from "../protocol/ticks.js";
import type { StickyOptions } from "./sticky.js";

/** Reads options, or else the function's environment. Each error names the one that is wrong. */

const STICKY: Record<keyof StickyOptions, 0> = { group: 0, forMs: 0 };
export const STICKY_PATHS = Object.keys(STICKY).map((name) => `sticky.${name}`);

export type Env = Readonly<Record<string, string | undefined>>;

export function tableOf(tableName: string | undefined, env: Env): string {
  const name = tableName ?? (env.INCUMBENT_TABLE || undefined);
  if (name !== undefined) return name;
  const rule = "must be the name of the lease table, in the function's environment, or the option tableName";
  throw new InvalidOptionError("INCUMBENT_TABLE", rule, env.INCUMBENT_TABLE, "incumbent");
}

export function electionOf(election: string | undefined, env: Env): string {
  const [source, name] =
    election === undefined ? ["INCUMBENT_ELECTION", env.INCUMBENT_ELECTION] : ["election", election];
  if (typeof name === "string" && NAME_PATTERN.test(name)) return name;
  const rule =
    election === undefined && !name
      ? "must be the election's name, in the function's environment, or the option election"
      : `${NAME_RULE}${notAllowed(name, /[A-Za-z0-9._/-]/)}`;
  throw new InvalidOptionError(source as string, rule, name, "billing/nightly");
}

export function onceOf(once: unknown, env: Env): boolean {
  const [source, value] =
    once === undefined ? ["INCUMBENT_ONCE", env.INCUMBENT_ONCE || undefined] : ["once", once];
  if (value === undefined || value === "tick") return value === "tick";
  throw new InvalidOptionError(source as string, 'must be "tick", or absent', value, "tick");
}

export function ticksOf(ticks: unknown, env: Env): TickMode {
  const [source, value] =
    ticks === undefined ? ["INCUMBENT_TICKS", env.INCUMBENT_TICKS || undefined] : ["ticks", ticks];
  if (value === undefined || value === "latest" || value === "every") return value ?? "latest";
  throw new InvalidOptionError(source as string, 'must be "latest" or "every"', value, "latest");
}

export function tickPeriodOf(periodMs: unknown, env: Env): number | undefined {
  const [source, value] =
    periodMs === undefined
      ? ["INCUMBENT_TICK_PERIOD_MS", numberOf(env.INCUMBENT_TICK_PERIOD_MS)]
      : ["tickPeriodMs", periodMs];
  return wholeMs(source as string, value, 1_000, 366 * 86_400_000, 300_000);
}

export function stickyOf(sticky: StickyOptions | undefined, env: Env): StickyOptions | undefined {
  if (sticky !== undefined) {
    checkLabel("sticky.group", sticky?.group, "eu-west-1");
    checkNames(sticky, STICKY_PATHS, "sticky");
    if (sticky.forMs === undefined) {
      throw new InvalidOptionError(
        "sticky.forMs",
        "must be a whole number of milliseconds",
        undefined,
        3_600_000,
      );
    }
    checkReserveFor(sticky.forMs);
    return sticky;
  }
  const group = env.INCUMBENT_STICKY_GROUP || undefined;
  const text = env.INCUMBENT_STICKY_MS || undefined;
  if (group === undefined && text === undefined) return undefined;
  if (group === undefined || text === undefined) {
    const [missing, other, suggestion] =
      group === undefined
        ? ["INCUMBENT_STICKY_GROUP", "INCUMBENT_STICKY_MS", "eu-west-1"]
        : ["INCUMBENT_STICKY_MS", "INCUMBENT_STICKY_GROUP", "3600000"];
    throw new InvalidOptionError(
      missing as string,
      `must be set beside ${other}, or neither`,
      undefined,
      suggestion,
    );
  }
  checkLabel("INCUMBENT_STICKY_GROUP", group, "eu-west-1");
  const forMs = wholeMs("INCUMBENT_STICKY_MS", numberOf(text), 1, 31 * 86_400_000, 3_600_000);
  return { group, forMs: forMs as number };
}

/** Text that is no number stays as it is, so that the check refuses it. */
function numberOf(text: string | undefined): number | string | undefined {
  return text && /^\d+$/.test(text) ? Number(text) : text || undefined;
}

export function wholeMs(
  source: string,
  value: unknown,
  min: number,
  max: number,
  suggestion: number,
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  const rule = `must be a whole number of milliseconds from ${min} to ${max}`;
  throw new InvalidOptionError(source, rule, value, suggestion);
}

/** The Region and the function's name: every sandbox has the same host name. */
export function labelOf({ AWS_REGION: region, AWS_LAMBDA_FUNCTION_NAME: name }: Env): string | undefined {
  const label = [region, name].filter(Boolean).join("-");
  return label === "" ? undefined : label.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 100);
}
