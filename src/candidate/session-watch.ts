import type { SessionFate } from "../protocol/sessions.js";

/** Follows sessions by their rows (rules 14d to 14g). */
export interface SessionWatch {
  /** Begins to follow it. Undefined: nothing is known of it yet. */
  fateOf(id: string): SessionFate | undefined;
  /** Resolves when something has changed for this election (rule 14g), when the session has ended, or at `untilMs`. */
  next(id: string, election: string, signal: AbortSignal, untilMs: number): Promise<void>;
}
