import { withTimeout } from "../async.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Asks `healthy`. An error or no answer counts as false. */
export async function isHealthy(options: ResolvedOptions): Promise<boolean> {
  const { healthy } = options;
  if (!healthy) return true;
  try {
    return (await withTimeout(options.clock, options.requestTimeoutMs, async () => healthy())) === true;
  } catch {
    return false;
  }
}
