import { notAllowed } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import { checkNames } from "./known-names.js";
import { LABEL_PATTERN, MAX_RESERVATION_MS, MAX_VALUE } from "./limits.js";

/** What single options and arguments must be. Each check throws an `InvalidOptionError` that names the option. */

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
export function checkReserveFor(reserveForMs: unknown): void {
  if (reserveForMs !== undefined) duration("reserveForMs", reserveForMs, 1, MAX_RESERVATION_MS, 3_600_000);
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

export function duration(
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

/**
 * Of a call: its options, before anything is begun. A signal by itself would be taken for options without one, and
 * never be heeded.
 */
export function checkCall(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || isSignal(options)) {
    throw new InvalidOptionError(
      "options",
      `must be an object with ${known.join(", ")}`,
      options,
      `{ ${known[0]} }`,
    );
  }
  checkNames(options, known);
  const { signal, announce, wait, onWorkError } = options as Record<string, unknown>;
  if (signal !== undefined && !isSignal(signal)) {
    throw new InvalidOptionError("signal", "must be an AbortSignal", signal, undefined);
  }
  if (onWorkError !== undefined && onWorkError !== "stop" && onWorkError !== "retry") {
    throw new InvalidOptionError("onWorkError", 'must be "stop" or "retry"', onWorkError, "retry");
  }
  for (const [option, value] of Object.entries({ announce, wait })) {
    if (value !== undefined && typeof value !== "boolean")
      throw new InvalidOptionError(option, "must be true or false", value, option === "announce");
  }
}

/** Also one of another realm, or of a library. */
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/** What is done while leading: found out here, and not when the lease is won. */
export function checkWork(work: unknown): void {
  if (typeof work === "function") return;
  throw new InvalidOptionError("work", "must be a function", work, "async (leadership) => { … }");
}
