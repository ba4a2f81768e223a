import { checkLabel, checkValue, duration, HEALTHY, isRank, RANK_RULE } from "./arguments.js";
import { type Clock, systemClock } from "./clock.js";
import { Code, notAllowed } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import { checkNames, groupOf } from "./known-names.js";
import {
  DAY_MS,
  HOUR_MS,
  MAX_STALL_MS,
  MAX_STAND_INS,
  MIN_INTERVAL_MS,
  NAME_PATTERN,
  NAME_RULE,
} from "./limits.js";
import { ELECTION_PATHS } from "./option-names.js";
import type { CandidateOptions, Runtime, Tuning } from "./options.js";
import { isOrder, type Order } from "./protocol/line.js";
import { MAX_DRIFT } from "./protocol/service-clock.js";
import { randomPart, secureRandom } from "./random.js";

/** All options, with their defaults, as the library uses them. */
export interface ResolvedOptions {
  readonly name: string;
  readonly candidateId: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly leaseDurationMs: number;
  /**
   * Under a session: how long its lease rows last (rule 14b), while `leaseDurationMs` is the session's. Undefined: each
   * lease has a heartbeat of its own.
   */
  readonly rowLeaseMs: number | undefined;
  readonly renewIntervalMs: number;
  readonly safetyMarginMs: number;
  readonly requestTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly lastWill: boolean;
  /** Undefined: only the event loop renews. */
  readonly maxStallMs: number | undefined;
  readonly useServiceClock: boolean;
  readonly maxServiceClockErrorMs: number;
  readonly historyRetentionMs: number;
  /** Undefined: the lease row stays. */
  readonly deleteIdleAfterMs: number | undefined;
  readonly order: Order;
  readonly rank: () => number | Promise<number>;
  readonly eligible: boolean;
  readonly preempt: boolean;
  readonly minTenureMs: number;
  readonly maxTenureMs: number | undefined;
  readonly slotMs: number;
  readonly handoffPollMs: number;
  readonly standbyPollMs: number | undefined;
  readonly refreshIntervalMs: number;
  readonly group: string | undefined;
  readonly healthy: (() => boolean | Promise<boolean>) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * The id of a member of a partition group. All its elections have this one, so that the other members can name it as a
 * successor. It is no option of users: an id must never be used twice.
 */
export const MEMBER_ID = Symbol("member id");

export const DEFAULT_LEASE_MS = 15_000;
const MIN_LEASE_MS = 300;
const DEFAULT_STOP_MS = 25_000;
export const DEFAULT_CLOCK_ERROR_MS = 1_000;
const DEFAULT_RETENTION_MS = 90 * DAY_MS;
const MAX_RETENTION_MS = 3_650 * DAY_MS;

/** Checks the options and adds the defaults. Throws `InvalidOptionError`. */
export function resolveOptions(
  options: CandidateOptions & { readonly [MEMBER_ID]?: string },
  defaultLabel: () => string,
): ResolvedOptions {
  checkNames(options, ELECTION_PATHS);
  const { name, eligible = true, lastWill = false, group } = options;
  if (typeof name !== "string" || !NAME_PATTERN.test(name)) {
    const rule = `${NAME_RULE}${notAllowed(name, /[A-Za-z0-9._/-]/)}`;
    throw new InvalidOptionError("name", rule, name, "billing/nightly");
  }
  const label = options.label ?? defaultLabel();
  checkLabel("label", label, "worker-1");
  checkValue(options.value);
  checkFunction("healthy", options.healthy, HEALTHY);
  checkFunction("onEvent", options.onEvent, new Code("(event) => console.log(event)"));
  if (typeof eligible !== "boolean") {
    throw new InvalidOptionError("eligible", "must be true or false", eligible, true);
  }
  if (typeof lastWill !== "boolean") {
    throw new InvalidOptionError("lastWill", "must be true or false", lastWill, true);
  }
  if (group !== undefined) checkLabel("group", group, "eu-west-1");
  const tuning: Tuning = groupOf("tuning", options.tuning, ELECTION_PATHS, { expiry: "service-clock" });
  const leaseDurationMs = duration(
    "leaseDurationMs",
    options.leaseDurationMs ?? DEFAULT_LEASE_MS,
    MIN_LEASE_MS,
    DAY_MS,
    suggestedLeaseMs(options.leaseDurationMs),
  );
  const timing = timingFor(leaseDurationMs, options.renewIntervalMs, tuning);
  if (neededMs(timing) > leaseDurationMs) {
    const { renewIntervalMs, requestTimeoutMs, safetyMarginMs } = timing;
    throw new InvalidOptionError(
      "leaseDurationMs",
      `must be at least renewIntervalMs (${renewIntervalMs}) + 2 × tuning.requestTimeoutMs (${requestTimeoutMs}) + ` +
        `tuning.safetyMarginMs (${safetyMarginMs}) = ${neededMs(timing)}, so that a renewal can fail once and be tried again`,
      leaseDurationMs,
      minLeaseMs(leaseDurationMs, options.renewIntervalMs, tuning),
    );
  }
  const { clock, random } = resolveRuntime(options.runtime);
  return {
    name,
    candidateId: options[MEMBER_ID] ?? `${label}-${randomPart(random)}`,
    label,
    value: options.value,
    leaseDurationMs,
    ...timing,
    stopTimeoutMs: duration(
      "stopTimeoutMs",
      options.stopTimeoutMs ?? DEFAULT_STOP_MS,
      0,
      DAY_MS,
      DEFAULT_STOP_MS,
    ),
    lastWill,
    rowLeaseMs: undefined,
    maxStallMs: maxStallMs(options.heartbeat, leaseDurationMs, timing.renewIntervalMs),
    ...resolveExpiry(tuning.expiry),
    historyRetentionMs: duration(
      "tuning.historyRetentionMs",
      tuning.historyRetentionMs ?? DEFAULT_RETENTION_MS,
      DAY_MS,
      MAX_RETENTION_MS,
      DEFAULT_RETENTION_MS,
    ),
    deleteIdleAfterMs: resolveIdleDeletion(options, tuning),
    ...resolveSuccession(options.succession, leaseDurationMs),
    // Places in the line try one after another. Each waits this much longer than the one before it.
    slotMs: Math.ceil(leaseDurationMs / 30),
    handoffPollMs: 10,
    standbyPollMs: resolveStandbyPoll(options, timing.renewIntervalMs),
    refreshIntervalMs: leaseDurationMs,
    eligible,
    group,
    healthy: options.healthy,
    clock,
    random,
  };
}

/** The counter of arrivals must not begin again (rule 1d), so the rows of an election with a line stay. */
function resolveIdleDeletion(
  { succession }: CandidateOptions,
  { deleteIdleAfterMs }: Tuning,
): number | undefined {
  if (deleteIdleAfterMs === undefined) return undefined;
  const option = "tuning.deleteIdleAfterMs";
  const ms = duration(option, deleteIdleAfterMs, HOUR_MS, MAX_RETENTION_MS, 30 * DAY_MS);
  if (succession === undefined || succession === "random") return ms;
  const rule = 'needs succession: "random", because the row that counts the candidates of a line must stay';
  throw new InvalidOptionError(option, rule, deleteIdleAfterMs, new Code('succession: "random"'));
}

const noRank = () => 0;

function resolveSuccession(succession: unknown = "random", leaseDurationMs: number) {
  if (succession === "random") {
    return {
      order: succession,
      rank: noRank,
      preempt: false,
      minTenureMs: leaseDurationMs,
      maxTenureMs: undefined,
    } as const;
  }
  const { order, rank, preempt, maxTenureMs } = successionGroup(succession);
  if (order === "random" || !isOrder(order)) {
    const rule = 'must be "arrival", "ring", "rank" or a function that compares two candidates';
    throw new InvalidOptionError(
      "succession.order",
      rule,
      order,
      rank === undefined && preempt === undefined ? "arrival" : "rank",
    );
  }
  if (order !== "rank") {
    for (const [option, value] of Object.entries({ rank, preempt })) {
      if (value !== undefined)
        throw new InvalidOptionError(`succession.${option}`, 'needs order: "rank"', value, undefined);
    }
  } else if (typeof rank !== "function" && !isRank(rank)) {
    throw new InvalidOptionError("succession.rank", `${RANK_RULE}, or a function that returns one`, rank, 10);
  }
  return {
    order,
    rank: typeof rank === "function" ? (rank as () => number | Promise<number>) : () => (rank as number) ?? 0,
    ...resolvePreempt(preempt, leaseDurationMs),
    maxTenureMs:
      maxTenureMs === undefined
        ? undefined
        : duration("succession.maxTenureMs", maxTenureMs, 1, DAY_MS, 3_600_000),
  };
}

/** A string stands for an object with only that order. */
function successionGroup(succession: unknown): Record<string, unknown> {
  if (succession === "arrival" || succession === "ring") return { order: succession };
  if (typeof succession === "object" && succession !== null) {
    return groupOf("succession", succession, ELECTION_PATHS, "arrival");
  }
  const rule = 'must be "random", "arrival", "ring", or an object with an order, and a rank for order "rank"';
  const suggestion = succession === "rank" ? { order: "rank", rank: 10 } : "arrival";
  throw new InvalidOptionError("succession", rule, succession, suggestion);
}

function resolvePreempt(preempt: unknown = false, leaseDurationMs: number) {
  if (typeof preempt === "boolean") return { preempt, minTenureMs: leaseDurationMs };
  if (typeof preempt !== "object" || preempt === null) {
    const rule = "must be true, false or an object with minTenureMs";
    throw new InvalidOptionError("succession.preempt", rule, preempt, true);
  }
  const path = "succession.preempt";
  const { minTenureMs } = groupOf(path, preempt, ELECTION_PATHS, true);
  return {
    preempt: true,
    minTenureMs: duration(`${path}.minTenureMs`, minTenureMs, 0, DAY_MS, leaseDurationMs),
  };
}

/** The first in line polls at each renewal anyway, so a longer time would change nothing. */
function resolveStandbyPoll(
  { tuning, succession }: CandidateOptions,
  renewIntervalMs: number,
): number | undefined {
  const option = "tuning.standbyPollMs";
  const given: unknown = tuning?.standbyPollMs;
  if (given === undefined) return undefined;
  const suggestion = Math.min(250, renewIntervalMs);
  const pollMs = duration(option, given, MIN_INTERVAL_MS, renewIntervalMs, suggestion, {
    max: "renewIntervalMs",
  });
  if (succession !== undefined && succession !== "random") return pollMs;
  const rule = `must be an order that keeps a line, with ${option}: in a random order nobody is first in line`;
  throw new InvalidOptionError("succession", rule, succession, "arrival");
}

function maxStallMs(
  heartbeat: unknown = "event-loop",
  leaseDurationMs: number,
  renewIntervalMs: number,
): number | undefined {
  if (heartbeat === "event-loop") return undefined;
  if (heartbeat !== "thread" && (typeof heartbeat !== "object" || heartbeat === null)) {
    const rule = 'must be "event-loop", "thread" or an object with maxStallMs';
    throw new InvalidOptionError("heartbeat", rule, heartbeat, "thread");
  }
  const maxMs = Math.min(MAX_STALL_MS, MAX_STAND_INS * renewIntervalMs);
  if (leaseDurationMs > maxMs) {
    const rule =
      `needs a leaseDurationMs of at most ${MAX_STALL_MS} (a signed renewal is good for less than five minutes) and of at ` +
      `most ${MAX_STAND_INS} times renewIntervalMs`;
    throw new InvalidOptionError("heartbeat", rule, heartbeat, "event-loop");
  }
  const defaultMs = Math.min(2 * leaseDurationMs, maxMs);
  if (heartbeat === "thread") return defaultMs;
  const given = groupOf("heartbeat", heartbeat, ELECTION_PATHS, "thread");
  return duration("heartbeat.maxStallMs", given.maxStallMs, leaseDurationMs, maxMs, defaultMs, {
    min: "leaseDurationMs",
  });
}

function resolveExpiry(expiry: unknown = "service-clock") {
  const maxServiceClockErrorMs = DEFAULT_CLOCK_ERROR_MS;
  if (expiry === "service-clock" || expiry === "observation") {
    return { useServiceClock: expiry === "service-clock", maxServiceClockErrorMs };
  }
  const path = "tuning.expiry";
  if (typeof expiry !== "object" || expiry === null) {
    const rule = 'must be "service-clock", "observation" or an object with maxServiceClockErrorMs';
    throw new InvalidOptionError(path, rule, expiry, "service-clock");
  }
  const given = groupOf(path, expiry, ELECTION_PATHS, "service-clock");
  return {
    useServiceClock: true,
    maxServiceClockErrorMs: duration(
      `${path}.maxServiceClockErrorMs`,
      given.maxServiceClockErrorMs,
      0,
      3_600_000,
      maxServiceClockErrorMs,
    ),
  };
}

function resolveRuntime(runtime: unknown): { clock: Clock; random: () => number } {
  const given: Runtime = groupOf("runtime", runtime, ELECTION_PATHS, undefined);
  checkFunction("runtime.random", given.random, new Code("Math.random"));
  const { clock = systemClock, random = secureRandom } = given;
  const { monotonicMs, wallMs, setTimer }: Partial<Clock> = clock ?? {};
  if ([monotonicMs, wallMs, setTimer].every((method) => typeof method === "function"))
    return { clock, random };
  throw new InvalidOptionError(
    "runtime.clock",
    "must have monotonicMs, wallMs and setTimer",
    clock,
    undefined,
  );
}

/** Checked here, because later a wrong type would look like a failure of the table. */
function checkFunction(option: string, value: unknown, example: Code): void {
  if (value === undefined || typeof value === "function") return;
  throw new InvalidOptionError(option, "must be a function", value, example);
}

/** Too short a lease may have been meant in seconds. */
function suggestedLeaseMs(given: unknown): number {
  const ms = typeof given === "number" ? given * 1_000 : Number.NaN;
  return Number.isInteger(ms) && ms >= MIN_LEASE_MS && ms <= DAY_MS ? ms : DEFAULT_LEASE_MS;
}

type LeaseTiming = Pick<ResolvedOptions, "renewIntervalMs" | "safetyMarginMs" | "requestTimeoutMs">;

function timingFor(leaseDurationMs: number, renewMs: number | undefined, tuning: Tuning): LeaseTiming {
  const third = Math.floor(leaseDurationMs / 3);
  const tenth = Math.floor(leaseDurationMs / 10);
  const answer = Math.min(2_000, Math.floor(leaseDurationMs / 4));
  const driftMs = Math.ceil(leaseDurationMs * 2 * MAX_DRIFT);
  const { safetyMarginMs = tenth, requestTimeoutMs = answer } = tuning;
  return {
    renewIntervalMs: duration("renewIntervalMs", renewMs ?? third, 50, DAY_MS, third),
    safetyMarginMs: duration("tuning.safetyMarginMs", safetyMarginMs, driftMs, DAY_MS, tenth, {
      min: "leaseDurationMs / 250",
    }),
    requestTimeoutMs: duration("tuning.requestTimeoutMs", requestTimeoutMs, 10, DAY_MS, answer),
  };
}

/** A renewal without an answer, and the next one, must fit into the time of trust. */
function neededMs({ renewIntervalMs, requestTimeoutMs, safetyMarginMs }: LeaseTiming): number {
  return renewIntervalMs + 2 * requestTimeoutMs + safetyMarginMs;
}

/** The shortest lease above this one that works with the given durations. The others grow with it. */
function minLeaseMs(tooShortMs: number, renewMs: number | undefined, tuning: Tuning): number {
  let leaseMs = tooShortMs;
  for (let i = 0; i < 100; i++) {
    const safetyMarginMs =
      tuning.safetyMarginMs && Math.ceil(Math.max(tuning.safetyMarginMs, leaseMs * 2 * MAX_DRIFT));
    const needed = Math.ceil(neededMs(timingFor(leaseMs, renewMs, { ...tuning, safetyMarginMs })));
    if (needed <= leaseMs) break;
    leaseMs = needed;
  }
  return leaseMs;
}
