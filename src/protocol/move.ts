import type { EndReason } from "../errors.js";
import type { TickHistory } from "./ticks.js";

/** What a candidate can do next, and what of itself it decides that by (rule 2j). Types alone. */

export type Move =
  | { readonly kind: "read"; readonly consistent: boolean }
  /** Puts a placeholder where there is no row. */
  | { readonly kind: "createPlaceholder" }
  | { readonly kind: "readHistory" }
  /** Begins `term`. */
  | Acquire
  | { readonly kind: "wait"; readonly untilMs: number };

export interface Acquire {
  readonly kind: "acquire";
  readonly basis: Basis;
  readonly term: number;
}

/** What an acquire claims to have seen. The write is refused if the row has changed since. */
export interface Basis {
  readonly term: number;
  readonly revision: number;
  /**
   * The term that ends with the acquire. Absent on a placeholder, and on a row older than one that was seen.
   */
  readonly previousTerm?: number | undefined;
  /** How that term ended. Observers read it on the row of the next one. */
  readonly previousEndReason?: EndReason | undefined;
  /** Only on a placeholder: what the history said (rule 5b). */
  readonly founding?: Founding | undefined;
}

export interface Founding extends TickHistory {
  /** Refused if a later term has been recorded since. */
  readonly highestTerm: number;
  /** The floor that was read after the history (rule 13). Refused if that has changed. */
  readonly floor?: number | undefined;
  /** The tick that this term completed. Refused if that has changed. */
  readonly tickBefore?: string | undefined;
}

export interface Candidacy {
  readonly candidateId: string;
  /** Whether a service clock may declare a holder dead (rule 4c), or only observation (4b). */
  readonly useServiceClock: boolean;
  /**
   * Delay after a holder's death, drawn anew for each pair that is seen, so that not all candidates try at
   * once.
   */
  readonly jitterMs: number;
  /** False: this candidate only observes. It never acquires the lease. */
  readonly eligible: boolean;
  /** Reservations for this group count for this candidate too. */
  readonly group: string | undefined;
  /** How often to poll a row that nobody holds. */
  readonly renewIntervalMs: number;
  /** How much later each place in the line tries than the place before it. */
  readonly slotMs: number;
  /** How often to poll when a leader that announced its end is about to release the lease. */
  readonly handoffPollMs: number;
  /** How often to poll while this candidate is the first in line. Undefined: only at each renewal. */
  readonly standbyPollMs: number | undefined;
}
