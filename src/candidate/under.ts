import type { SessionWatch } from "./session-watch.js";

/**
 * What waits for its turn: to finish what has begun, to claim a lease, to look at a row, or to write history for which no work
 * waits.
 */
export type Turn = "finish" | "claim" | "look" | "record";

/** What a candidate needs of the session under which it takes leases (rule 14). */
export interface Under {
  /** The id of the open session. Opens one if there is none. Rejects as verbs do. */
  open(): Promise<string>;
  /** How long this session may still be trusted, by the clocks at this call. */
  trustLeftMs(id: string): number;
  /** An acquire may still land though nobody waits for its answer (rule 14f). */
  unsettled(claim: { readonly election: string; readonly candidateId: string }): void;
  /**
   * At most so many requests at a time, so that thousands of claims do not time out in a queue. The wait is before the
   * request's time begins.
   */
  paced<T>(request: () => Promise<T>, turn: Turn): Promise<T>;
  readonly watch: SessionWatch;
}

/** Sends a request of one of thousands of elections: in its turn under a session, and at once without one. */
export function inTurn<T>(
  turn: Turn,
  under: Pick<Under, "paced"> | undefined,
  request: () => Promise<T>,
): Promise<T> {
  return under ? under.paced(request, turn) : request();
}
