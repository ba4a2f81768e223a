import { MAX_TICKS } from "../../src/limits.js";

/** How long an event may be tried again before its tick is superseded. Pure; durations are in seconds. */

/** Which ticks run: see `runOnce`. */
export type Ticks = "latest" | "every";

export interface Occurrence {
  /** From one run to the next. Undefined: unknown, as with `cron`. */
  readonly rateS: number | undefined;
  /** Undefined: without ticks, every delivery runs. */
  readonly ticks: Ticks | undefined;
}

export interface Retries {
  readonly attempts: number;
  readonly maxAgeS: number;
}

/** Lambda tries again after 1 minute, and then after 2 more: no sooner than this after the event came. */
const RETRY_AFTER_S = [60, 180];
/** What Lambda allows. */
export const MIN_AGE_S = 60;
export const MAX_AGE_S = 21_600;
const USUAL_AGE_S = 3_600;
/** EventBridge Scheduler may deliver an event so late, and the next event in time. */
const DELIVERY_S = 60;

/** The oldest age at which a try may begin. Tries that begin later find their tick superseded. Undefined: no limit is known. */
export function maxAgeS({ rateS, ticks }: Occurrence): number | undefined {
  if (rateS === undefined || ticks === undefined) return undefined;
  // With `every` a tick runs as long as it is not older than the completed ticks that the table keeps.
  const windowS = ticks === "latest" ? rateS : MAX_TICKS * rateS;
  return Math.min(MAX_AGE_S, Math.max(MIN_AGE_S, windowS - DELIVERY_S));
}

/** How many of Lambda's retries can begin in this time. */
export function maxAttempts(ageS: number): number {
  return RETRY_AFTER_S.filter((afterS) => afterS < ageS).length;
}

export function defaultRetries(occurrence: Occurrence): Retries {
  const limitS = maxAgeS(occurrence) ?? MAX_AGE_S;
  return { attempts: maxAttempts(limitS), maxAgeS: Math.min(USUAL_AGE_S, limitS) };
}
