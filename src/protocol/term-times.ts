import type { EndReason } from "../errors.js";

/**
 * The times of past terms, for people (rule 5g). Each was estimated by its writer, within bounds. Two estimates can
 * contradict the order in which things happened, which the lease row proves: a term ends before the next one begins.
 * Pure. No decision depends on these times.
 */

/** The times of one term as they were written, in service time. `…ErrorMs`: how far the true time may be from it. */
export interface RecordedTimes {
  readonly electedAt?: number | undefined;
  readonly electedErrorMs?: number | undefined;
  readonly lastRenewedAt?: number | undefined;
  readonly lastRenewedErrorMs?: number | undefined;
  /** Of a term that was not given back: the latest time at which its lease ran out. */
  readonly endedAt?: number | undefined;
  readonly endedErrorMs?: number | undefined;
}

export interface RecordedTerm extends RecordedTimes {
  readonly endReason?: EndReason | undefined;
  readonly leaseDurationMs?: number | undefined;
}

/**
 * The times of a term: milliseconds since the epoch by the table's clock. `…ErrorMs` says how far the true time may be from
 * the time before it, in milliseconds. Undefined: its writer did not say it.
 */
export interface TermTimes {
  readonly electedAt: number | undefined;
  readonly electedErrorMs: number | undefined;
  readonly lastRenewedAt: number | undefined;
  readonly lastRenewedErrorMs: number | undefined;
  /** For a leader that crashed: when its lease had run out. Undefined: it still leads, or nobody knows. */
  readonly endedAt: number | undefined;
  readonly endedErrorMs: number | undefined;
}

/** The bounds of one moment. */
interface Bounds {
  low: number;
  high: number;
  /** It is at least so much later than the moment before it. */
  readonly gapMs: number;
  readonly isExact: boolean;
}

/**
 * The times of each term in the order of the terms, the earliest first. A moment is not before the one before it, and not
 * after the one after it, so each narrows the bounds of the others. The result is the middle of what is left. It never
 * contradicts the order, also if a clock was wrong: then the error is half of the contradiction.
 */
export function consistentTimes(terms: readonly RecordedTerm[]): TermTimes[] {
  const moments = terms.map((term) => ({
    elected: boundsOf(term.electedAt, term.electedErrorMs),
    lastRenewed: boundsOf(term.lastRenewedAt, term.lastRenewedErrorMs),
    ended: endBounds(term),
  }));
  const inOrder = moments.flatMap(({ elected, lastRenewed, ended }) => [elected, lastRenewed, ended]);
  narrow(inOrder.filter((moment) => moment !== undefined));
  return moments.map(({ elected, lastRenewed, ended }) => {
    const [electedAt, electedErrorMs] = middleOf(elected);
    const [lastRenewedAt, lastRenewedErrorMs] = middleOf(lastRenewed);
    const [endedAt, endedErrorMs] = middleOf(ended);
    return { electedAt, electedErrorMs, lastRenewedAt, lastRenewedErrorMs, endedAt, endedErrorMs };
  });
}

function boundsOf(atMs: number | undefined, errorMs: number | undefined): Bounds | undefined {
  if (atMs === undefined) return undefined;
  return {
    low: atMs - (errorMs ?? 0),
    high: atMs + (errorMs ?? 0),
    gapMs: 0,
    isExact: errorMs === undefined,
  };
}

/**
 * A lease that was not given back ran out one lease after its last renewal, and at `endedAt` at the latest. A last will
 * says no time: it was executed after the last renewal, and by `endedAt`, or the lease would have run out.
 */
function endBounds(term: RecordedTerm): Bounds | undefined {
  const { endReason, endedAt, endedErrorMs, lastRenewedAt, leaseDurationMs: gapMs } = term;
  if (endReason === "crashed" && endedAt !== undefined)
    return { low: Number.NEGATIVE_INFINITY, high: endedAt, gapMs: 0, isExact: false };
  const isRunOut = endReason === "expired" && endedErrorMs === undefined;
  if (!isRunOut || endedAt === undefined || lastRenewedAt === undefined || gapMs === undefined)
    return boundsOf(endedAt, endedErrorMs);
  return { low: Number.NEGATIVE_INFINITY, high: endedAt, gapMs, isExact: false };
}

function narrow(moments: readonly Bounds[]): void {
  let low = Number.NEGATIVE_INFINITY;
  for (const moment of moments) {
    low = Math.max(low + moment.gapMs, moment.low);
    moment.low = low;
  }
  let high = Number.POSITIVE_INFINITY;
  for (const moment of [...moments].reverse()) {
    moment.high = Math.min(high, moment.high);
    high = moment.high - moment.gapMs;
  }
}

/** Undefined error: its writer did not say it, and nothing contradicts the time. */
function middleOf(moment: Bounds | undefined): [atMs: number | undefined, errorMs: number | undefined] {
  if (moment === undefined) return [undefined, undefined];
  const { low, high, isExact } = moment;
  const errorMs = Math.ceil(Math.abs(high - low) / 2);
  return [Math.round((low + high) / 2), isExact && errorMs === 0 ? undefined : errorMs];
}
