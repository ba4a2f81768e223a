import { type Clock, systemClock } from "./clock.js";
import { notAllowed } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import type { ElectionEvent } from "./events.js";
import { DAY_MS, LABEL_PATTERN, MAX_RESERVATION_MS, MAX_VALUE, NAME_PATTERN } from "./limits.js";
import { isOrder, type Order } from "./protocol/line.js";
import { MAX_DRIFT } from "./protocol/service-clock.js";

/** How an election is held. All candidates of one election should be given the same durations. */
export interface Timing {
  /**
   * How long a lease lasts without renewal, in milliseconds: 300 to 86,400,000 (a day). Longer leases
   * cost fewer writes; shorter ones replace a dead leader sooner.
   * @default 15_000
   */
  leaseDurationMs?: number | undefined;
  /**
   * Time from one renewal to the next, in milliseconds.
   * @default leaseDurationMs / 3
   */
  renewIntervalMs?: number | undefined;
  /**
   * The holder stops trusting its lease this much before it runs out, in milliseconds. At least
   * leaseDurationMs / 250: it covers the drift of two clocks.
   * @default leaseDurationMs / 10
   */
  safetyMarginMs?: number | undefined;
  /**
   * Longest wait for one answer of the table, in milliseconds. The AWS SDK's own retries fall within it.
   * @default 2_000, or leaseDurationMs / 4 if that is less
   */
  requestTimeoutMs?: number | undefined;
  /**
   * How long work may take to stop once its signal has aborted, while the lease is still renewed for it,
   * in milliseconds. After that the lease is left to run out; it is never given away under running work.
   * @default 30_000
   */
  drainTimeoutMs?: number | undefined;
  /**
   * Whether an expired lease may be taken by the table's clock as soon as that is surely past (a
   * newcomer need not wait), or only by observing it for a whole lease.
   * @default "service-clock"
   */
  expiry?: "service-clock" | "observation" | undefined;
  /**
   * How far two right clocks may be apart, in milliseconds: the `Date` headers of the table's servers, and a wall
   * clock that is kept synchronised; half of it to either side of the true time. Taking over by the table's clock is safe while
   * on each host one of the two is right. If both may be wrong, give all candidates `expiry: "observation"`.
   * @default 1_000
   */
  maxServiceClockErrorMs?: number | undefined;
}

/** Who comes next. All candidates of one election should be given the same order. */
export interface SuccessionOptions {
  /**
   * `"random"`: whoever is first after a short random delay; no line is kept. `"arrival"`: first come, first
   * served. `"rank"`: the highest `rank`, then the earliest. `"ring"`: round and round, by arrival. Or a function
   * that sorts candidates. The first of the line is the standby, known while the leader lives. A line costs
   * one read per renewal by the leader, and one write per `refreshIntervalMs` by each candidate.
   * @default "random"
   */
  order?: Order | undefined;
  /**
   * With order `"rank"`: a number, or a function asked at each refresh, such as the position of one's data. A number is 0, or
   * from 1e-130 to 9.99e125 on either side of it, as DynamoDB holds numbers. What a function gives beyond that, or throws, is
   * told as `rankIgnored`, and the rank stays as it was told last.
   * @default 0
   */
  rank?: number | (() => number | Promise<number>) | undefined;
  /** False: is listed, and never leads. @default true */
  eligible?: boolean | undefined;
  /**
   * With order `"rank"`: while this candidate leads, one of strictly higher rank takes over from it, by a hand-off.
   * @default false
   */
  preempt?: boolean | undefined;
  /** Not preempted before it has led for so long, in milliseconds. @default leaseDurationMs */
  minTenureMs?: number | undefined;
  /** Hands over to the next in line after so long, in milliseconds; needs an order that keeps a line. @default none */
  maxTenureMs?: number | undefined;
  /** How much later each place in the line tries than the one before it, in milliseconds. @default leaseDurationMs / 30 */
  slotMs?: number | undefined;
  /** How often the next leader looks when an announced end is due, in milliseconds. @default 20 */
  handoffPollMs?: number | undefined;
  /** How often a candidate refreshes its row, in milliseconds. @default leaseDurationMs */
  refreshIntervalMs?: number | undefined;
  /** Candidates of one group (a Region, say) share the reservations made with `holdForMs`: 1 to 100 of `A-Z a-z 0-9 . _ -`. */
  group?: string | undefined;
}

export interface CandidateOptions extends Timing, SuccessionOptions {
  /** The election's name: 1 to 200 of `A-Z a-z 0-9 . _ / -`. */
  name: string;
  /**
   * Readable part of the candidate's id, for people; a random part makes it unique.
   * 1 to 100 of `A-Z a-z 0-9 . _ -`.
   * @default host name and process id
   */
  label?: string | undefined;
  /** Published on the lease row while this candidate leads: an endpoint, a version. At most 1,024 characters. */
  value?: string | undefined;
  /**
   * Asked before each renewal. On `false`, an error, or no answer within `requestTimeoutMs` the leader stops
   * its work and gives the lease back; it does not campaign again before the answer is `true`.
   */
  healthy?: (() => boolean | Promise<boolean>) | undefined;
  /** How long ended terms stay in the table's history, in milliseconds. @default 90 days */
  historyRetentionMs?: number | undefined;
  /** Told what happens, in order. What it throws is contained; it cannot delay or break the election. */
  onEvent?: ((event: ElectionEvent) => void) | undefined;
  /** The seam for time. @default the system's clocks */
  clock?: Clock | undefined;
  /** Source of jitter and ids, in [0, 1). @default cryptographically random */
  random?: (() => number) | undefined;
}

export interface ResolvedOptions {
  readonly name: string;
  readonly candidateId: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly safetyMarginMs: number;
  readonly requestTimeoutMs: number;
  readonly drainTimeoutMs: number;
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
    drainTimeoutMs: duration("drainTimeoutMs", options.drainTimeoutMs ?? 30_000, 0, DAY_MS, 30_000),
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

/** Also guards the groups of `incumbent/lambda`. */
export function checkLabel(option: string, label: unknown, suggestion: string): void {
  if (typeof label === "string" && LABEL_PATTERN.test(label)) return;
  const rule = `must be 1 to 100 of A-Z a-z 0-9 . _ -${notAllowed(label, /[A-Za-z0-9._-]/)}`;
  throw new InvalidOptionError(option, rule, label, suggestion);
}

export const RANK_RULE = "must be a number: 0, or from 1e-130 to 9.99e125 on either side of it";

/** Whether DynamoDB can hold it. */
export function isRank(rank: unknown): rank is number {
  if (typeof rank !== "number") return false;
  const size = Math.abs(rank);
  return size === 0 || (size >= 1e-130 && size < 1e126);
}

/** A candidate that is named as the next leader. */
export function checkSuccessor(to: unknown): void {
  if (to === undefined || (typeof to === "string" && to !== "" && to.length <= 200)) return;
  throw new InvalidOptionError("to", "must be a candidate's id", to, "worker-2-1mzq0c8x3k5d");
}

/** Of `transact`: the key attributes of tables. */
export function checkKeys(keys: unknown): void {
  const isNames = (names: unknown) =>
    Array.isArray(names) && [1, 2].includes(names.length) && names.every((name) => typeof name === "string");
  if (keys === undefined) return;
  const tables = typeof keys === "object" && keys !== null ? Object.values(keys) : [undefined];
  if (tables.every(isNames)) return;
  throw new InvalidOptionError("keys", "must give each table one or two names", keys, { ledger: ["id"] });
}

/** Also guards `resign` and `runOnce`. */
export function checkHoldFor(holdForMs: unknown): void {
  if (holdForMs !== undefined) duration("holdForMs", holdForMs, 1, MAX_RESERVATION_MS, 3_600_000);
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

/** Also guards `proclaim`. */
export function checkValue(value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "string" || value.length > MAX_VALUE) {
    throw new InvalidOptionError(
      "value",
      `must be a string of at most ${MAX_VALUE} characters`,
      value,
      "http://10.0.0.7:8080",
    );
  }
}

/** Also guards `runOnce`: ticks are compared as strings. */
export function checkTick(tick: unknown): void {
  if (typeof tick !== "string" || tick.length === 0 || tick.length > 100) {
    throw new InvalidOptionError(
      "tick",
      "must be a string of 1 to 100 characters that sorts in order of time",
      tick,
      "2026-01-31T03:00:00Z",
    );
  }
}

function duration(
  option: string,
  value: unknown,
  least: number,
  most: number,
  suggestion: number,
  leastName?: string,
): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const from = leastName ? `${leastName} = ${least}` : String(least);
  throw new InvalidOptionError(
    option,
    `must be a whole number of milliseconds from ${from} to ${most}`,
    value,
    suggestion,
  );
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

function secureRandom(): number {
  const [bits] = crypto.getRandomValues(new Uint32Array(1));
  return (bits ?? 0) / 2 ** 32;
}

/** About 62 bits: two starts with the same label are still two candidates (pitfall: hostname as identity). */
export function randomPart(random: () => number): string {
  let part = "";
  for (let i = 0; i < 12; i++) part += Math.floor(random() * 36).toString(36);
  return part;
}
