import { Code, notAllowed } from "./describe.js";
import { InvalidOptionError } from "./errors.js";
import { checkNames } from "./known-names.js";
import {
  LABEL_PATTERN,
  LABEL_RULE,
  MAX_RESERVATION_MS,
  MAX_SUCCESSOR,
  MAX_VALUE,
  NEW_TABLE_PATTERN,
  TABLE_CHARACTER,
  TABLE_PATTERN,
} from "./limits.js";

/** Checks single options and arguments. Each check throws an `InvalidOptionError` that names the option. */

/** For labels and groups, also in `incumbent/lambda`. */
export function checkLabel(option: string, label: unknown, suggestion: string): void {
  if (typeof label === "string" && LABEL_PATTERN.test(label)) return;
  const rule = `${LABEL_RULE}${notAllowed(label, /[A-Za-z0-9._-]/)}`;
  throw new InvalidOptionError(option, rule, label, suggestion);
}

/** For the lease table, and for the tables of actions. */
export function checkTableName(option: string, name: unknown, suggestion: string): void {
  if (typeof name === "string" && TABLE_PATTERN.test(name)) return;
  const rule = `must be a table's name (3 to 255 characters: A-Z a-z 0-9 _ . -) or ARN${notAllowed(name, TABLE_CHARACTER)}`;
  throw new InvalidOptionError(option, rule, name, suggestion);
}

/** For a table that is created, because AWS gives it its ARN. */
export function checkNewTableName(option: string, name: unknown, suggestion: string): void {
  if (typeof name === "string" && NEW_TABLE_PATTERN.test(name)) return;
  const rule = `must be a table's name (3 to 255 characters: A-Z a-z 0-9 _ . -)${notAllowed(name, /[A-Za-z0-9_.-]/)}`;
  throw new InvalidOptionError(option, rule, name, suggestion);
}

export const RANK_RULE =
  "must be a number that DynamoDB can hold: 0, or 1e-130 to 9.99e125, or the negative of that";

/** Whether DynamoDB can hold it as a rank. */
export function isRank(rank: unknown): rank is number {
  if (typeof rank !== "number") return false;
  const size = Math.abs(rank);
  return size === 0 || (size >= 1e-130 && size < 1e126);
}

/** The next leader's id. */
export function checkSuccessor(to: unknown): void {
  if (to === undefined || (typeof to === "string" && to !== "" && to.length <= MAX_SUCCESSOR)) return;
  throw new InvalidOptionError("to", "must be a candidate's id", to, "worker-2-1mzq0c8x3k5d");
}

/** The key attributes of tables, for `transact`. */
export function checkKeys(keys: unknown): void {
  const isNames = (names: unknown) =>
    Array.isArray(names) && [1, 2].includes(names.length) && names.every((name) => typeof name === "string");
  if (keys === undefined) return;
  const tables = typeof keys === "object" && keys !== null ? Object.values(keys) : [undefined];
  if (tables.every(isNames)) return;
  throw new InvalidOptionError("keys", "must name the one or two key attributes of each table", keys, {
    ledger: ["id"],
  });
}

/** For `resign`, `runOnce` and `tryLead`. */
export function checkReserveFor(reserveForMs: unknown): void {
  if (reserveForMs !== undefined) duration("reserveForMs", reserveForMs, 1, MAX_RESERVATION_MS, 3_600_000);
}

/** For the option `value`, and for `proclaim`. */
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

export function duration(
  option: string,
  value: unknown,
  min: number,
  max: number,
  suggestion: number,
  names: { min?: string; max?: string } = {},
): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  const from = names.min ? `${names.min} = ${min}` : min;
  const to = names.max ? `${names.max} = ${max}` : max;
  throw new InvalidOptionError(
    option,
    `must be a whole number of milliseconds from ${from} to ${to}`,
    value,
    suggestion,
  );
}

/**
 * Checks the options of a call before it begins anything. A caller that passes a signal instead of options would
 * otherwise never stop the call.
 */
export function checkCall(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || isSignal(options)) {
    // A number alone is meant as the only option that is a number.
    const meant = typeof options === "number" && known.includes("limit") ? "limit" : known[0];
    throw new InvalidOptionError(
      "options",
      `must be an object with ${known.join(", ")}`,
      options,
      new Code(`{ ${meant} }`),
    );
  }
  checkNames(options, known);
  const { signal, announce, wait, onWorkError, ticks } = options as Record<string, unknown>;
  if (signal !== undefined && !isSignal(signal)) {
    throw new InvalidOptionError(
      "signal",
      "must be an AbortSignal",
      signal,
      new Code("controller.signal, or AbortSignal.timeout(5_000)"),
    );
  }
  if (onWorkError !== undefined && onWorkError !== "stop" && onWorkError !== "retry") {
    throw new InvalidOptionError("onWorkError", 'must be "stop" or "retry"', onWorkError, "retry");
  }
  if (ticks !== undefined && ticks !== "latest" && ticks !== "every") {
    throw new InvalidOptionError("ticks", 'must be "latest" or "every"', ticks, "latest");
  }
  for (const [option, value] of Object.entries({ announce, wait })) {
    if (value !== undefined && typeof value !== "boolean")
      throw new InvalidOptionError(option, "must be true or false", value, option === "announce");
  }
}

/** Also a signal of another realm, or of a library. */
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/** An example of the option `healthy`. */
export const HEALTHY = new Code("() => pool.isConnected()");

/** Checked before the bid, and not when the lease is won. */
export function checkWork(work: unknown): void {
  if (typeof work === "function") return;
  throw new InvalidOptionError("work", "must be a function", work, new Code("async (leadership) => { … }"));
}
