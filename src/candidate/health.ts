import { withTimeout } from "../async.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Asks `healthy`; an error or silence is a no. */
export async function isHealthy(options: ResolvedOptions): Promise<boolean> {
  const { healthy } = options;
  if (!healthy) return true;
  try {
    return (await withTimeout(options.clock, options.requestTimeoutMs, async () => healthy())) === true;
  } catch {
    return false;
  }
}
