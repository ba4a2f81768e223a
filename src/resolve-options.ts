import { checkLabel, checkValue, duration, isRank, RANK_RULE } from "./arguments.js";
import { type Clock, systemClock } from "./clock.js";
import { notAllowed } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import { DAY_MS, NAME_PATTERN } from "./limits.js";
import type { CandidateOptions, SuccessionOptions, Timing } from "./options.js";
import { isOrder, type Order } from "./protocol/line.js";
import { MAX_DRIFT } from "./protocol/service-clock.js";
import { randomPart, secureRandom } from "./random.js";

/** What the inside of the library uses: every option with its default. */
export interface ResolvedOptions {
  readonly name: string;
  readonly candidateId: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly safetyMarginMs: number;
  readonly requestTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly useServiceClock: boolean;
  readonly maxServiceClockErrorMs: number;
  readonly historyRetentionMs: number;
  readonly order: Order;
  readonly rank: () => number | Promise<number>;
  readonly eligible: boolean;
  readonly preempt: boolean;
  readonly minTenureMs: number;
  readonly maxTenureMs: number | undefined;
  readonly slotMs: number;
  readonly handoffPollMs: number;
  readonly refreshIntervalMs: number;
  readonly group: string | undefined;
  readonly healthy: (() => boolean | Promise<boolean>) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

const DEFAULT_LEASE_MS = 15_000;
const MIN_LEASE_MS = 300;

/** Defaults, and the one place that explains what cannot work. Throws `InvalidOptionError`. */
export function resolveOptions(options: CandidateOptions, defaultLabel: () => string): ResolvedOptions {
  const { name } = options;
  if (typeof name !== "string" || !NAME_PATTERN.test(name)) {
    const rule = `must be 1 to 200 of A-Z a-z 0-9 . _ / -, since ':' and '#' are reserved${notAllowed(name, /[A-Za-z0-9._/-]/)}`;
    throw new InvalidOptionError("name", rule, name, "billing/nightly");
  }
  const label = options.label ?? defaultLabel();
  checkLabel("label", label, "worker-1");
  checkValue(options.value);
  checkSeams(options);

  const leaseDurationMs = duration(
    "leaseDurationMs",
    options.leaseDurationMs ?? DEFAULT_LEASE_MS,
    MIN_LEASE_MS,
    DAY_MS,
    DEFAULT_LEASE_MS,
  );
  const timing = timingFor(leaseDurationMs, options);
  if (neededMs(timing) > leaseDurationMs) {
    const { renewIntervalMs, requestTimeoutMs, safetyMarginMs } = timing;
    throw new InvalidOptionError(
      "leaseDurationMs",
      `must leave room for a renewal to fail once and be tried again: renewIntervalMs (${renewIntervalMs}) + ` +
        `2 × requestTimeoutMs (${requestTimeoutMs}) + safetyMarginMs (${safetyMarginMs}) = ${neededMs(timing)}`,
      leaseDurationMs,
      leastLeaseMs(leaseDurationMs, options),
    );
  }
  return {
    name,
    candidateId: `${label}-${randomPart(options.random ?? secureRandom)}`,
    label,
    value: options.value,
    leaseDurationMs,
    ...timing,
    stopTimeoutMs: duration("stopTimeoutMs", options.stopTimeoutMs ?? 25_000, 0, DAY_MS, 25_000),
    useServiceClock: expiryOf(options.expiry) === "service-clock",
    maxServiceClockErrorMs: duration(
      "maxServiceClockErrorMs",
      options.maxServiceClockErrorMs ?? 1_000,
      0,
      3_600_000,
      1_000,
    ),
    historyRetentionMs: duration(
      "historyRetentionMs",
      options.historyRetentionMs ?? 90 * DAY_MS,
      DAY_MS,
      3_650 * DAY_MS,
      90 * DAY_MS,
    ),
    ...resolveSuccession(options, leaseDurationMs),
    healthy: options.healthy,
    clock: options.clock ?? systemClock,
    random: options.random ?? secureRandom,
  };
}

function resolveSuccession(options: SuccessionOptions, leaseDurationMs: number) {
  const { order = "random", rank = 0, eligible = true, preempt = false, group } = options;
  if (!isOrder(order)) {
    const rule = 'must be "random", "arrival", "rank", "ring" or a function that compares two candidates';
    throw new InvalidOptionError("order", rule, order, "arrival");
  }
  if (typeof rank !== "function" && !isRank(rank)) {
    throw new InvalidOptionError("rank", `${RANK_RULE}, or a function that gives one`, rank, 10);
  }
  for (const [option, value] of Object.entries({ eligible, preempt })) {
    if (typeof value !== "boolean")
      throw new InvalidOptionError(option, "must be true or false", value, option === "eligible");
  }
  if (preempt && order !== "rank") {
    throw new InvalidOptionError("preempt", 'needs order: "rank"', preempt, false);
  }
  if (options.maxTenureMs !== undefined && order === "random") {
    const rule = 'needs an order that keeps a line, such as order: "ring"';
    throw new InvalidOptionError("maxTenureMs", rule, options.maxTenureMs, undefined);
  }
  if (group !== undefined) checkLabel("group", group, "eu-west-1");
  const slot = Math.ceil(leaseDurationMs / 30);
  const span = (option: keyof SuccessionOptions & `${string}Ms`, suggestion: number, least: number) =>
    duration(option, options[option] ?? suggestion, least, DAY_MS, suggestion);
  return {
    order,
    rank: typeof rank === "function" ? rank : () => rank,
    eligible,
    preempt,
    minTenureMs: span("minTenureMs", leaseDurationMs, 0),
    maxTenureMs: options.maxTenureMs === undefined ? undefined : span("maxTenureMs", 3_600_000, 1),
    slotMs: span("slotMs", slot, 1),
    handoffPollMs: span("handoffPollMs", 20, 5),
    refreshIntervalMs: span("refreshIntervalMs", leaseDurationMs, 50),
    group,
  };
}

type LeaseTiming = Pick<ResolvedOptions, "renewIntervalMs" | "safetyMarginMs" | "requestTimeoutMs">;

function timingFor(leaseDurationMs: number, options: Timing): LeaseTiming {
  const third = Math.floor(leaseDurationMs / 3);
  const tenth = Math.floor(leaseDurationMs / 10);
  const answer = Math.min(2_000, Math.floor(leaseDurationMs / 4));
  const driftMs = Math.ceil(leaseDurationMs * 2 * MAX_DRIFT);
  const { renewIntervalMs = third, safetyMarginMs = tenth, requestTimeoutMs = answer } = options;
  return {
    renewIntervalMs: duration("renewIntervalMs", renewIntervalMs, 50, DAY_MS, third),
    safetyMarginMs: duration(
      "safetyMarginMs",
      safetyMarginMs,
      driftMs,
      DAY_MS,
      tenth,
      "leaseDurationMs / 250",
    ),
    requestTimeoutMs: duration("requestTimeoutMs", requestTimeoutMs, 10, DAY_MS, answer),
  };
}

/** A renewal that gets no answer, and another one after it, must end within trust. */
function neededMs({ renewIntervalMs, requestTimeoutMs, safetyMarginMs }: LeaseTiming): number {
  return renewIntervalMs + 2 * requestTimeoutMs + safetyMarginMs;
}

/** The shortest longer lease that works with the durations given; those not given grow with it. */
function leastLeaseMs(tooShortMs: number, options: Timing): number {
  let leaseMs = tooShortMs;
  for (let i = 0; i < 100; i++) {
    const safetyMarginMs =
      options.safetyMarginMs && Math.max(options.safetyMarginMs, leaseMs * 2 * MAX_DRIFT);
    const needed = Math.ceil(
      neededMs(
        timingFor(leaseMs, { ...options, safetyMarginMs: safetyMarginMs && Math.ceil(safetyMarginMs) }),
      ),
    );
    if (needed <= leaseMs) break;
    leaseMs = needed;
  }
  return leaseMs;
}

/** What is called later, where a mistake would be taken for a failure of the table. */
function checkSeams({ healthy, onEvent, random, clock }: CandidateOptions): void {
  for (const [option, value] of Object.entries({ healthy, onEvent, random })) {
    if (value !== undefined && typeof value !== "function")
      throw new InvalidOptionError(option, "must be a function", value, undefined);
  }
  if (clock === undefined) return;
  const { monotonicMs, wallMs, setTimer }: Partial<Clock> = clock ?? {};
  if ([monotonicMs, wallMs, setTimer].every((method) => typeof method === "function")) return;
  throw new InvalidOptionError("clock", "must have monotonicMs, wallMs and setTimer", clock, undefined);
}

function expiryOf(expiry: unknown): "service-clock" | "observation" {
  if (expiry === undefined || expiry === "service-clock") return "service-clock";
  if (expiry === "observation") return "observation";
  throw new InvalidOptionError("expiry", 'must be "service-clock" or "observation"', expiry, "service-clock");
}
