import { describe } from "./describe.js";
import { IncumbentError } from "./errors.js";
import type { ElectionEvent } from "./events.js";

/** How long requests may fail before there is a warning, in milliseconds. */
const MAX_SILENCE_MS = 10_000;

/**
 * The listener of an election without `onEvent`. A campaign waits while the table does not answer, for ever if the
 * endpoint is misspelt. Without a listener nobody would learn why. So there is one warning per outage.
 */
export function warnOfSilence(): (event: ElectionEvent) => void {
  let hasWarned = false;
  return (event) => {
    if (event.type === "recovered") hasWarned = false;
    if (event.type !== "unavailable") return;
    const { election, error, failingForMs } = event;
    const isLong = failingForMs >= MAX_SILENCE_MS;
    const isDue = isLong && !hasWarned;
    hasWarned = isLong;
    if (!isDue) return;
    const last = error instanceof IncumbentError ? error.message : describe(error);
    process.emitWarning(
      `election "${election}": requests have failed for ${Math.round(failingForMs / 1_000)} s and are tried again. ` +
        `${last} Pass onEvent to see each failure.`,
      "IncumbentWarning",
    );
  };
}
