import { HEALTHY } from "../arguments.js";
import { withTimeout } from "../async.js";
import { InvalidOptionError } from "../errors.js";
import type { Emit } from "../events.js";
import type { ResolvedOptions } from "../resolve-options.js";

/**
 * Asks `healthy`. An error, no answer within `tuning.requestTimeoutMs`, or an answer that is no boolean counts as
 * false: such a candidate must not lead. Each false emits an event that says why.
 */
export async function isHealthy(options: ResolvedOptions, emit: Emit): Promise<boolean> {
  const { healthy, clock, requestTimeoutMs } = options;
  if (!healthy) return true;
  let error: unknown;
  try {
    const answer: unknown = await withTimeout(clock, requestTimeoutMs, async () => healthy());
    if (answer === true) return true;
    if (answer !== false) {
      error = new InvalidOptionError("healthy", "must return true or false", answer, HEALTHY);
    }
  } catch (thrown) {
    error = thrown;
  }
  emit({ type: "unhealthy", error });
  return false;
}
