import type { RequestSample } from "./recorder.js";

export interface DateFindings {
  readonly answers: number;
  readonly withoutDate: number;
  readonly unreadable: number;
  /**
   * How far the table's clock is ahead of this host's wall clock, in milliseconds: between the two, as far as all headers
   * agree. Undefined: they contradict each other, or there was none.
   */
  readonly aheadMs: { readonly least: number; readonly most: number } | undefined;
  /** By how much the headers contradict each other, at most. 0: they do not. */
  readonly contradictionMs: number;
}

/** A header names the second in which the answer was made. */
const SECOND_MS = 1_000;

/**
 * What the `Date` headers say. Each answer was made between its request and its arrival, so each header bounds the
 * difference between the two clocks.
 */
export function datesOf(samples: readonly RequestSample[]): DateFindings {
  const answered = samples.filter(({ status }) => status !== undefined);
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  let withoutDate = 0;
  let unreadable = 0;
  for (const { date, sentAt, tookMs } of answered) {
    if (date === undefined) {
      withoutDate += 1;
      continue;
    }
    const ms = Date.parse(date);
    if (Number.isNaN(ms)) {
      unreadable += 1;
      continue;
    }
    // `sentAt` is rounded down to a millisecond.
    least = Math.max(least, ms - (sentAt + 1 + tookMs));
    most = Math.min(most, ms + SECOND_MS - sentAt);
  }
  const some = answered.length > withoutDate + unreadable;
  const contradictionMs = some ? Math.max(0, Math.ceil(least - most)) : 0;
  return {
    answers: answered.length,
    withoutDate,
    unreadable,
    aheadMs: some && contradictionMs === 0 ? { least: Math.floor(least), most: Math.ceil(most) } : undefined,
    contradictionMs,
  };
}
