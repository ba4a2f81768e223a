import { TimedOut, withTimeout } from "./async.js";
import type { Instant } from "./clock.js";
import { TableUnavailableError } from "./errors.js";
import { checkTimes } from "./protocol/invariants.js";
import type { Answer } from "./protocol/verbs.js";
import type { TableTime } from "./table-time.js";

/**
 * An answer, when its request left and when it came. Trust counts from `sent` (rule 4a), observation from
 * `received` (rule 4b).
 */
export interface Timed<T> {
  readonly answer: T;
  readonly sent: Instant;
  readonly received: Instant;
  /**
   * A `Date` header that came since, with this answer or another one, contradicts what was known when the request left, so what the
   * request said of time may be wrong.
   */
  readonly contradicts: boolean;
}

/**
 * Sends a request, bounded in time, and learns the table's time from its answer. Rejects with `TableUnavailableError`
 * when no answer came in time: whether the request took effect is then unknown.
 */
export async function timedRequest<T extends Answer>(
  doing: string,
  request: (sent: Instant, signal: AbortSignal) => Promise<T>,
  { time, timeoutMs, signal }: { time: TableTime; timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Timed<T>> {
  // Read before the request leaves (pitfall: trust counted from the response).
  const sent = time.now();
  const known = time.contradictions;
  const asked = withTimeout(time.clock, timeoutMs, (abort) => request(sent, abort), signal);
  const answer = await asked.catch((error: unknown) => {
    throw error instanceof TimedOut ? new TableUnavailableError(doing, { cause: error }) : error;
  });
  const received = time.now();
  checkTimes(sent, received);
  if (answer.dateMs !== undefined) time.learn({ dateMs: answer.dateMs, sent, received });
  // Also if the answer to another request has told it first, which left this one nothing to contradict.
  return { answer, sent, received, contradicts: time.contradictions !== known };
}
