import { InvalidOptionError } from "../errors.js";

/** Finds the scheduled time of an event. For each scheduled time at most one run completes. */

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
const SUGGESTION = "2026-01-31T03:00:00Z";

/**
 * A completed tick supersedes the ticks before it. A typing error in an event that somebody sends by hand could name a far tick, and
 * no job would run until then.
 */
const MAX_AHEAD_MS = 86_400_000;

/**
 * Reads `scheduledTime` of an EventBridge Scheduler input, or `time` of an EventBridge event. Returns it in one format,
 * so that ticks sort by time. With `periodMs` it rounds the time down to a period, counted from 1970. The schedules of a
 * rate begin when they are created, so each Region has other scheduled times in the same period.
 */
export function tickOf(event: unknown, nowMs: number, periodMs = 1): string {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new InvalidOptionError(
      "event",
      'must be an object with the scheduled time, for once: "tick"',
      event,
      {
        scheduledTime: SUGGESTION,
      },
    );
  }
  const { scheduledTime, time } = event as { scheduledTime?: unknown; time?: unknown };
  const [attribute, given] = scheduledTime === undefined ? ["time", time] : ["scheduledTime", scheduledTime];
  if (given === undefined) {
    throw new InvalidOptionError(
      "event.scheduledTime",
      'must be the scheduled time, for once: "tick" (the input of an EventBridge Scheduler target sets it to ' +
        "<aws.scheduler.scheduled-time>; EventBridge events have `time`)",
      event,
      SUGGESTION,
    );
  }
  const atMs = typeof given === "string" && INSTANT.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw new InvalidOptionError(
      `event.${attribute}`,
      "must be an ISO 8601 time with its zone",
      given,
      SUGGESTION,
    );
  }
  if (atMs > nowMs + MAX_AHEAD_MS) {
    throw new InvalidOptionError(
      `event.${attribute}`,
      "must not be more than a day ahead: once it is done, every tick before it is superseded",
      given,
      new Date(nowMs).toISOString(),
    );
  }
  return new Date(Math.floor(atMs / periodMs) * periodMs).toISOString();
}
