import { type Clock, systemClock } from "../clock.js";
import { InvalidOptionError } from "../errors.js";
import { type CandidateOptions, checkHoldFor } from "../options.js";
import type { StoreOptions } from "../store-of.js";
import { NAME_PATTERN } from "../store/schema.js";
import { defaultClient } from "./default-client.js";
import type { Wanted } from "./plan.js";

/** Keeps the job where it is. */
export interface StickyOptions {
  /** Who shares it: usually the function's Region. 1 to 100 of `A-Z a-z 0-9 . _ -`. */
  group: string;
  /**
   * For so long after a completed run others wait, in milliseconds. More than from tick to tick; what it is more is what the
   * first missed tick is late.
   */
  forMs: number;
}

/** What is taken from the candidate's options as it is. */
type Passed = "label" | "value" | "maxServiceClockErrorMs" | "historyRetentionMs" | "onEvent" | "clock" | "random";

/**
 * Options win over the environment that the `ScheduledLeader` construct sets: `INCUMBENT_TABLE`,
 * `INCUMBENT_ELECTION`, `INCUMBENT_ONCE`, `INCUMBENT_STICKY_GROUP` and `INCUMBENT_STICKY_MS`.
 */
export interface LeaderOptions extends Omit<StoreOptions, "tableName">, Pick<CandidateOptions, Passed> {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. @default `INCUMBENT_ELECTION` */
  election?: string | undefined;
  /** The lease table. @default `INCUMBENT_TABLE` */
  tableName?: string | undefined;
  /** `"tick"`: at most one run completes per scheduled time of the event. @default `INCUMBENT_ONCE`, or every time */
  once?: "tick" | undefined;
  /**
   * With `once`: while another candidate runs the tick, wait to take over if that one dies, until the tick is done or too
   * little of the invocation is left. It is paid for as time of the function. False: give up at once.
   * @default true
   */
  standBy?: boolean | undefined;
  /** Lets the group that completed a run keep the lease until it misses. @default the environment's, or none */
  sticky?: StickyOptions | undefined;
  /**
   * How long before the invocation's timeout the work's signal aborts, in milliseconds: 100 to 600,000. It is the time to stop,
   * and to give the lease back.
   * @default a fifth of the time that is left at the start, at most 5_000
   */
  drainMs?: number | undefined;
  /**
   * How long a lease lasts without renewal, in milliseconds. Never more than what is left of the invocation.
   * @default a quarter of that, at least 5_000 and at most 15_000
   */
  leaseDurationMs?: number | undefined;
}

export interface Settings extends Wanted {
  readonly once: boolean;
  readonly standBy: boolean;
  readonly holdForMs: number | undefined;
  readonly clock: Clock;
  /** All of a candidate that does not depend on the invocation. */
  readonly candidate: CandidateOptions & StoreOptions;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws InvalidOptionError that names the option or the variable. */
export function settingsOf(options: LeaderOptions, env: Env): Settings {
  const { once, standBy = true, leaseDurationMs, drainMs, client, store } = options;
  const { value, maxServiceClockErrorMs, historyRetentionMs, onEvent, clock = systemClock, random } = options;
  if (typeof standBy !== "boolean") {
    throw new InvalidOptionError("standBy", "must be true or false", standBy, true);
  }
  const sticky = stickyOf(options.sticky, env);
  return {
    once: onceOf(once, env),
    standBy,
    holdForMs: sticky?.forMs,
    clock,
    leaseDurationMs: wholeMs("leaseDurationMs", leaseDurationMs, 300, 86_400_000, 15_000),
    drainMs: wholeMs("drainMs", drainMs, 100, 600_000, 5_000),
    candidate: {
      name: electionOf(options.election, env),
      ...(store ? { store } : { client: client ?? defaultClient(), tableName: tableOf(options.tableName, env) }),
      group: sticky?.group,
      label: options.label ?? labelOf(env),
      value,
      maxServiceClockErrorMs,
      historyRetentionMs,
      onEvent,
      random,
    },
  };
}

function tableOf(tableName: string | undefined, env: Env): string {
  const name = tableName ?? (env.INCUMBENT_TABLE || undefined);
  if (name !== undefined) return name;
  const rule = "must be the name of the lease table, in the function's environment, or the option tableName";
  throw new InvalidOptionError("INCUMBENT_TABLE", rule, env.INCUMBENT_TABLE, "incumbent");
}

function electionOf(election: string | undefined, env: Env): string {
  const [source, name] =
    election === undefined ? ["INCUMBENT_ELECTION", env.INCUMBENT_ELECTION] : ["election", election];
  if (typeof name === "string" && NAME_PATTERN.test(name)) return name;
  const or = election === undefined ? ", in the function's environment, or the option election" : "";
  const rule = `must be the election's name, 1 to 200 of A-Z a-z 0-9 . _ / -${or}`;
  throw new InvalidOptionError(source as string, rule, name, "billing/nightly");
}

function onceOf(once: unknown, env: Env): boolean {
  const [source, value] = once === undefined ? ["INCUMBENT_ONCE", env.INCUMBENT_ONCE || undefined] : ["once", once];
  if (value === undefined || value === "tick") return value === "tick";
  throw new InvalidOptionError(source as string, 'must be "tick", or absent', value, "tick");
}

function stickyOf(sticky: StickyOptions | undefined, env: Env): StickyOptions | undefined {
  if (sticky !== undefined) {
    checkGroup("sticky.group", sticky?.group);
    if (sticky.forMs === undefined) {
      throw new InvalidOptionError("sticky.forMs", "must be a whole number of milliseconds", undefined, 3_600_000);
    }
    checkHoldFor(sticky.forMs);
    return sticky;
  }
  const group = env.INCUMBENT_STICKY_GROUP || undefined;
  const text = env.INCUMBENT_STICKY_MS || undefined;
  if (group === undefined && text === undefined) return undefined;
  if (group === undefined || text === undefined) {
    const [missing, other, wouldDo] =
      group === undefined
        ? ["INCUMBENT_STICKY_GROUP", "INCUMBENT_STICKY_MS", "eu-west-1"]
        : ["INCUMBENT_STICKY_MS", "INCUMBENT_STICKY_GROUP", "3600000"];
    throw new InvalidOptionError(missing as string, `must be set beside ${other}, or neither`, undefined, wouldDo);
  }
  checkGroup("INCUMBENT_STICKY_GROUP", group);
  const forMs = wholeMs("INCUMBENT_STICKY_MS", /^\d+$/.test(text) ? Number(text) : text, 1, 31 * 86_400_000, 3_600_000);
  return { group, forMs: forMs as number };
}

function checkGroup(source: string, group: unknown): void {
  if (typeof group === "string" && /^[A-Za-z0-9._-]{1,100}$/.test(group)) return;
  throw new InvalidOptionError(source, "must be 1 to 100 of A-Z a-z 0-9 . _ -", group, "eu-west-1");
}

function wholeMs(source: string, value: unknown, least: number, most: number, wouldDo: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const rule = `must be a whole number of milliseconds from ${least} to ${most}`;
  throw new InvalidOptionError(source, rule, value, wouldDo);
}

/** Where it ran, for people: every sandbox has the same host name. */
function labelOf({ AWS_REGION: region, AWS_LAMBDA_FUNCTION_NAME: name }: Env): string | undefined {
  const label = [region, name].filter(Boolean).join("-");
  return label === "" ? undefined : label.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 100);
}
