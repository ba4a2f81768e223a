import type { Clock } from "./clock.js";
import { describe } from "./describe.js";
import { TableUnavailableError } from "./errors.js";
import type { ElectionEvent } from "./events.js";

/** How long a campaign may go without an answer before there is a warning, in milliseconds. */
const MAX_SILENCE_MS = 10_000;

/**
 * The listener of an election without `onEvent`. A campaign waits while the table does not answer, for ever if the
 * endpoint is misspelt. Without a listener nobody would learn why. So there is one warning per outage.
 */
export function warnOfSilence(clock: Clock): (event: ElectionEvent) => void {
  let sinceMs: number | undefined;
  let hasWarned = false;
  return (event) => {
    if (event.type === "recovered") {
      sinceMs = undefined;
      hasWarned = false;
    }
    if (event.type !== "unavailable") return;
    sinceMs ??= clock.monotonicMs();
    const silentMs = clock.monotonicMs() - sinceMs;
    if (hasWarned || silentMs < MAX_SILENCE_MS) return;
    hasWarned = true;
    const { election, error } = event;
    const last = error instanceof TableUnavailableError ? error.message : describe(error);
    process.emitWarning(
      `election "${election}": its table has not answered for ${Math.round(silentMs / 1_000)} s. ${last} ` +
        "The campaign goes on. Check the client's Region, endpoint and network, or pass onEvent to see each failure.",
      "IncumbentWarning",
    );
  };
}
