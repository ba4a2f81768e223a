import type { Turn } from "../candidate/under.js";
import type { EndReason, InternalError } from "../errors.js";
import type { ResignOutcome } from "../events.js";

/** What a tenure needs of the session under which its lease is held (rule 14). */
export interface HeldUnder {
  /** How long the session may still be trusted, by the clocks at this call. At or below 0 it is over. */
  trustLeftMs(): number;
  /** Asks the tenure whether it is over, in so long or earlier: what `rowTrustMs` says is prompt by that. */
  checkIn(ms: number): void;
  /** How long the row alone may be trusted after an own write of it, or a look at it that showed this tenure (rule 14c). */
  readonly rowTrustMs: number;
  /** The `renewIntervalMs` of the row: others need not look more often (rule 14b). */
  readonly rowIntervalMs: number;
  /** True: the row is written only when something changes. False: it keeps a line, and is renewed as a plain lease is (rule 14k). */
  readonly isQuiet: boolean;
  /** An own write has landed that others may wait for (rule 14g). */
  changed(): void;
  /** The tenure trusts nothing any more. Its work may still run. */
  over(reason: EndReason, fault: InternalError | undefined): void;
  /**
   * The work has stopped, and the lease has been given back, or is lost. `reason`: why it is over. Resolves when others know
   * what they must (rule 14h). Never rejects.
   */
  released(outcome: ResignOutcome, reason: EndReason | undefined): Promise<void>;
  /** At most so many requests at a time. The wait is before the request's time begins. */
  paced<T>(request: () => Promise<T>, turn: Turn): Promise<T>;
}
