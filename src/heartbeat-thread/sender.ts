import type { Clock, Instant } from "../clock.js";
import type { Written } from "../protocol/verbs.js";
import type { LeaseStore } from "../store/lease-store.js";
import type { SignedRequest } from "../store/signed-request.js";

/** A renewal that was signed ahead (rule 12). */
export interface StandIn {
  /** No other one has it, so that a report tells which one was sent. */
  readonly id: number;
  readonly slot: number;
  readonly revision: number;
  readonly planned: Instant;
  readonly request: SignedRequest;
}

/** What a sender must know of a tenure to send its stand-ins. Times are by the clock of the tenure. */
export interface StandInPlan {
  /** In order. They replace all earlier ones. */
  readonly standIns: readonly StandIn[];
  /** From when trust counts, and how long it lasts: without trust nothing is sent. */
  readonly trustedFrom: Instant;
  readonly trustMs: number;
  readonly timeoutMs: number;
}

/** The answer to a stand-in. */
export interface StandInReport {
  readonly id: number;
  /** When it left for the first time, at most. */
  readonly sent: Instant;
  /** When its answer came. */
  readonly received: Instant;
  /** Throws what it means, if it is neither a row nor a refusal. */
  readonly written: () => Written;
}

/** One tenure, as the sender sees it. */
export interface StandInTenure {
  readonly election: string;
  readonly candidateId: string;
  readonly term: number;
  readonly graceMs: number;
  readonly clock: Clock;
  /** Called whenever the event loop turns, and at least once in half a grace while it does. */
  onTurn(): void;
  /** The event loop had not turned for so long, so stand-ins may have left. Called after `onTurn`. */
  onStall(blockedMs: number): void;
  /** Nothing would be sent now if the event loop blocked. The sender repairs itself. */
  onFailure(error: unknown): void;
}

/** Where the stand-ins of one tenure are handed over, and their answers fetched. Nothing here waits. */
export interface StandInLane {
  replace(plan: StandInPlan): void;
  /** Nothing is sent after this moment of monotonic time. */
  sendUntil(byMs: number): void;
  /** The next answer, in their order. Undefined: there is none yet. */
  take(): StandInReport | undefined;
  /** Nothing is sent any more, except what has already left. */
  close(): void;
}

/** Sends stand-ins, each at its planned moment, if the event loop has not turned for the time of grace by then. */
export interface StandInSender {
  open(tenure: StandInTenure): StandInLane;
}

const given = new WeakMap<LeaseStore, StandInSender>();

/** For simulations, where a blocked event loop and a thread are objects. */
export function sendStandInsBy(store: LeaseStore, sender: StandInSender): void {
  given.set(store, sender);
}

export function givenSenderOf(store: LeaseStore): StandInSender | undefined {
  return given.get(store);
}
