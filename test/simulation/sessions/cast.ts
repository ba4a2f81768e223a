import type { Session } from "../../../src/index.js";
import type { LeaseStore } from "../../../src/store/lease-store.js";
import type { Asker } from "../curiosity.js";
import type { Estate } from "../estate.js";
import type { Host } from "../host.js";
import type { LivingThread } from "../living-thread.js";
import type { Bidder } from "./known.js";
import type { Machine } from "./plan.js";

/** One election object, and the calls of it that are under way. */
export interface Player extends Bidder, Asker {
  readonly callers: Set<AbortController>;
  /** Others bid for all names. */
  readonly mayLeave: boolean;
  /** Until then it does not bid, whatever it has left behind. */
  awayUntilMs: number;
}

/** A session of a process, from its first election to its close. */
export interface Era {
  readonly sinceMs: number;
  readonly session: Session | undefined;
  readonly players: Player[];
  isOver: boolean;
}

export interface Process {
  readonly machine: Machine;
  readonly host: Host;
  readonly store: LeaseStore;
  readonly estate: Estate | undefined;
  readonly thread: LivingThread | undefined;
  /** Its candidates without a session. */
  readonly plain: Era;
  under: Era;
}

export function playersOf({ under, plain }: Process): Player[] {
  return [...under.players, ...plain.players];
}
