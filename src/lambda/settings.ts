import { type Clock, systemClock } from "../clock.js";
import { InvalidOptionError } from "../errors.js";
import { checkNames, groupOf } from "../known-names.js";
import { RUNTIME_PATHS } from "../option-names.js";
import type { AloneOptions, CandidateOptions, Tuning } from "../options.js";
import type { TickMode } from "../protocol/ticks.js";
import type { ClientOptions, GivenStoreOptions } from "../store/open-store.js";
import { defaultClient } from "./default-client.js";
import {
  type Env,
  electionOf,
  labelOf,
  onceOf,
  STICKY_PATHS,
  stickyOf,
  tableOf,
  tickPeriodOf,
  ticksOf,
  wholeMs,
} from "./environment.js";
import type { Wanted } from "./plan.js";
import type { StickyOptions } from "./sticky.js";

/** Where the lease table is: in DynamoDB, by your client or a default one, or in memory. */
export type LeaderTable =
  | {
      /** Your `DynamoDBClient` or `DynamoDBDocumentClient`. @default a client from the function's environment */
      client?: ClientOptions["client"] | undefined;
      /** The name or ARN of the lease table. @default `INCUMBENT_TABLE` */
      tableName?: string | undefined;
      store?: undefined;
    }
  | GivenStoreOptions;

/**
 * The options of `leaderHandler` and `leaderMiddleware`. An option that is left out is read from the environment, which
 * the `ScheduledLeader` construct sets: `INCUMBENT_TABLE`, `INCUMBENT_ELECTION`, `INCUMBENT_ONCE`, `INCUMBENT_TICKS`,
 * `INCUMBENT_TICK_PERIOD_MS`, `INCUMBENT_STICKY_GROUP` and `INCUMBENT_STICKY_MS`.
 */
export type LeaderOptions = LeaderTable & LeaderSettings;

/** How the function behaves, wherever the table is. */
export interface LeaderSettings extends Pick<CandidateOptions, "label" | "value" | "onEvent" | "runtime"> {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. @default `INCUMBENT_ELECTION` */
  election?: string | undefined;
  /** `"tick"`: at most one run completes per scheduled time of the event. @default `INCUMBENT_ONCE`, or run each time */
  once?: "tick" | undefined;
  /**
   * With `once`: which ticks run. `"latest"`: a tick does not run when a later one has completed. `"every"`: it runs then
   * too, unless it is older than the last 64 completed ticks.
   * @default `INCUMBENT_TICKS`, or "latest"
   */
  ticks?: TickMode | undefined;
  /**
   * With `once`: what becomes of an invocation whose tick was superseded, or not completed by anybody until the end of
   * the wait. `"fail"`: it fails with a `MissedTickError`, so Lambda tries again, and puts the event into the
   * dead-letter queue in the end. `"return"`: it returns the `LeaderResult`, and Lambda counts the event as done.
   * @default "fail"
   */
  onMissedTick?: "fail" | "return" | undefined;
  /**
   * With `once`, and a schedule that is a rate: the time from one run to the next, in milliseconds: 1_000 to
   * 31_622_400_000 (366 days). The tick is then the scheduled time, rounded down to a multiple of it. So the functions
   * of several Regions have the same ticks, whenever their schedules were created.
   * @default `INCUMBENT_TICK_PERIOD_MS`, or the scheduled time itself is the tick
   */
  tickPeriodMs?: number | undefined;
  /**
   * With `once`: whether to wait while another candidate runs the tick, and take over if it dies. The wait ends when the
   * tick is done, or when too little of the invocation is left. You pay for it as time of the function. With `false`, an
   * invocation is a missed tick while another one runs its tick.
   * @default true
   */
  standBy?: boolean | undefined;
  /**
   * Reserves the lease for the group that completed the last run, as long as its runs succeed.
   * @default `INCUMBENT_STICKY_GROUP` and `INCUMBENT_STICKY_MS`, or none
   */
  sticky?: StickyOptions | undefined;
  /**
   * How long before the invocation's timeout the work's signal aborts, in milliseconds: 100 to 600,000. In this time the
   * work stops and the lease is given back.
   * @default a fifth of the time that is left at the start, at most 5_000
   */
  drainMs?: number | undefined;
  /**
   * How long a lease lasts without a renewal, in milliseconds: 300 to 86,400,000. It is never longer than what is left of
   * the invocation.
   * @default a quarter of that, at least 5_000 and at most 15_000
   */
  leaseDurationMs?: number | undefined;
  /** Settings that few functions change. @default as described there */
  tuning?: LeaderTuning | undefined;
}

/** Settings that few functions change. */
export type LeaderTuning = Pick<Tuning, "expiry" | "historyRetentionMs">;

/** Typed, so that no option is forgotten. */
const NAMES: Record<keyof LeaderOptions, 0> = {
  client: 0,
  tableName: 0,
  store: 0,
  election: 0,
  once: 0,
  ticks: 0,
  onMissedTick: 0,
  tickPeriodMs: 0,
  standBy: 0,
  sticky: 0,
  drainMs: 0,
  leaseDurationMs: 0,
  label: 0,
  value: 0,
  onEvent: 0,
  tuning: 0,
  runtime: 0,
};
const TUNING: Record<keyof LeaderTuning, 0> = { expiry: 0, historyRetentionMs: 0 };
const PATHS = [
  ...Object.keys(NAMES),
  ...STICKY_PATHS,
  ...Object.keys(TUNING).map((name) => `tuning.${name}`),
  ...RUNTIME_PATHS,
];

export interface Settings extends Wanted {
  readonly once: boolean;
  readonly ticks: TickMode;
  readonly onMissedTick: "fail" | "return";
  readonly tickPeriodMs: number | undefined;
  readonly standBy: boolean;
  readonly reserveForMs: number | undefined;
  readonly clock: Clock;
  /** All of a candidate that does not depend on the invocation. */
  readonly candidate: AloneOptions;
}

/** Throws an `InvalidOptionError` that names the option or the variable. */
export function settingsOf(options: LeaderOptions, env: Env): Settings {
  checkNames(options, PATHS, undefined, { election: "billing/nightly" });
  const {
    once,
    ticks,
    onMissedTick = "fail",
    standBy = true,
    leaseDurationMs,
    drainMs,
    value,
    onEvent,
    runtime,
  } = options;
  if (typeof standBy !== "boolean") {
    throw new InvalidOptionError("standBy", "must be true or false", standBy, true);
  }
  if (onMissedTick !== "fail" && onMissedTick !== "return") {
    throw new InvalidOptionError("onMissedTick", 'must be "fail" or "return"', onMissedTick, "fail");
  }
  const sticky = stickyOf(options.sticky, env);
  return {
    once: onceOf(once, env),
    ticks: ticksOf(ticks, env),
    onMissedTick,
    tickPeriodMs: tickPeriodOf(options.tickPeriodMs, env),
    standBy,
    reserveForMs: sticky?.forMs,
    clock: runtime?.clock ?? systemClock,
    leaseDurationMs: wholeMs("leaseDurationMs", leaseDurationMs, 300, 86_400_000, 15_000),
    drainMs: wholeMs("drainMs", drainMs, 100, 600_000, 5_000),
    candidate: {
      name: electionOf(options.election, env),
      ...(options.store === undefined
        ? { client: options.client ?? defaultClient(), tableName: tableOf(options.tableName, env) }
        : { store: options.store, client: options.client, tableName: options.tableName }),
      group: sticky?.group,
      label: options.label ?? labelOf(env),
      value,
      onEvent,
      tuning: groupOf("tuning", options.tuning, PATHS, undefined),
      runtime,
    },
  };
}
