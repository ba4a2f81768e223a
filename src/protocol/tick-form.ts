import { InvalidOptionError } from "../errors.js";
import { MAX_TICK } from "../limits.js";

/** The normal form and the order of ticks. Rows hold normal forms only. Pure. */

/**
 * Names one run of a job: an instant, a number or a text. Ticks must sort in order of time.
 *
 * - A `Date`, or an ISO time with its zone: two of the same instant are the same tick. Another form of a date with a
 *   time and a zone, such as `2026-01-31 03:00:00+0000`, is refused.
 * - A whole number from 0, or a string of up to 20 digits: `9`, `"9"` and `"09"` are the same tick, and come before `10`.
 * - Any other string of 1 to 100 characters, such as `2026-01-31`: texts are compared character by character, so
 *   `"tick-10"` comes before `"tick-9"`. All numbers come before all texts and instants.
 */
export type Tick = string | number | Date;

const DIGITS = /^\d{1,20}$/;
/** With at most three digits of a fraction: more would be lost. */
const INSTANT =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
/** A date with a time and a zone, in this form or another one: `+0000`, a blank for the T, six digits of a fraction. */
const LIKE_INSTANT =
  /^[+-]?\d{4,6}-?\d\d-?\d\d[T\s]+\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d){0,2})(?:\[[^\]]*\])*$/i;
/** The day or the month first. Such dates never sort. */
const DAY_FIRST = /^\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)/;
const SUGGESTION = "2026-01-31T03:00:00Z";

/** Throws `InvalidOptionError` when it is no tick. `option` names it in the error. */
export function normalTick(tick: unknown, option = "tick"): string {
  if (typeof tick === "string") return normalText(tick, option);
  const atMs = timeOf(tick);
  if (atMs !== undefined) {
    const iso = isoOf(atMs);
    if (iso !== undefined) return iso;
    throw new InvalidOptionError(option, "must be a valid date of the years 0 to 9999", tick, SUGGESTION);
  }
  if (typeof tick === "number" && Number.isSafeInteger(tick) && tick >= 0) return String(tick);
  const rule =
    "must be a Date, a whole number from 0, or a string of 1 to 100 characters, that sorts in order of time";
  throw new InvalidOptionError(option, rule, tick, SUGGESTION);
}

/** Undefined when it is no `Date`. It runs no code of the value. */
function timeOf(value: unknown): number | undefined {
  try {
    return Date.prototype.getTime.call(value);
  } catch {
    return undefined;
  }
}

/** Whether a row may hold it. */
export function isNormalTick(text: string): boolean {
  return isText(text) && normalOf(text) === text;
}

function normalText(text: string, option: string): string {
  if (!isText(text)) {
    const isLong = text.length === 0 || text.length > MAX_TICK;
    const rule = isLong
      ? `must be 1 to ${MAX_TICK} characters that sort in order of time`
      : "must have whole characters only, and no half of a surrogate pair";
    throw new InvalidOptionError(option, rule, text, SUGGESTION);
  }
  if (DAY_FIRST.test(text)) {
    const rule = "must begin with the year if it is a date, because ticks must sort in order of time";
    throw new InvalidOptionError(option, rule, text, "2027-11-22");
  }
  // Two forms of one instant would be two ticks, and both would run.
  if (instantOf(text) === undefined && LIKE_INSTANT.test(text)) {
    const rule =
      "must be an existing time in the form of 2026-01-31T03:00:00Z or 2026-01-31T04:00:00+01:00, with at most three " +
      "digits of a fraction, if it is a date with a time and a zone: one instant in two forms would be two ticks";
    throw new InvalidOptionError(option, rule, text, SUGGESTION);
  }
  return normalOf(text);
}

/** UTF-8 has no form for half a surrogate pair, so the row would hold another text. */
function isText(text: string): boolean {
  return text.length > 0 && text.length <= MAX_TICK && !/\p{Surrogate}/u.test(text);
}

function normalOf(text: string): string {
  if (DIGITS.test(text)) return text.replace(/^0+(?=\d)/, "");
  return instantOf(text) ?? text;
}

/** Undefined when it is none. */
function instantOf(text: string): string | undefined {
  const day = INSTANT.exec(text)?.[1];
  // Date.parse makes 2 March of 30 February: two ticks would be one.
  const isDay = day !== undefined && isoOf(Date.parse(`${day}T00:00Z`))?.startsWith(day);
  return isDay ? isoOf(Date.parse(text)) : undefined;
}

/** Undefined when its year does not have four digits: it would not sort. */
function isoOf(atMs: number): string | undefined {
  const iso = Number.isNaN(atMs) ? "" : new Date(atMs).toISOString();
  return iso.length === 24 ? iso : undefined;
}

/** Below 0: `a` is the earlier tick. Both are normal forms. */
export function compareTicks(a: string, b: string): number {
  const isNumber = DIGITS.test(a);
  if (isNumber !== DIGITS.test(b)) return isNumber ? -1 : 1;
  if (isNumber && a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether one is a number and the other is not, or both are texts that are written in different ways. */
export function haveOtherForms(a: string, b: string): boolean {
  return formOf(a) !== formOf(b);
}

function formOf(tick: string): string {
  return DIGITS.test(tick) ? "number" : tick.replace(/\d/g, "0").replace(/\p{L}/gu, "a");
}

/** A tick that falls behind because its form has changed would be superseded for ever. */
export function misplacedTick(tick: string, received: unknown): InvalidOptionError {
  const isNumber = DIGITS.test(tick);
  const rule =
    'sorts before the last completed tick, and is written in another way, as "tick-10" is after "tick-9": ticks must ' +
    "sort in order of time. If the last tick is wrong, undo it: Operator.resetTick(), or " +
    "incumbent operate <election> reset-tick";
  return new InvalidOptionError("tick", rule, received, isNumber ? SUGGESTION : "tick-000010");
}
