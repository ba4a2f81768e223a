import type { CandidateOptions } from "./options.js";
import type { Leader } from "./protocol/leader.js";
import type { StoreOptions } from "./store/open-store.js";

/** What the calls of an election take and give. */

export interface ElectionOptions extends CandidateOptions, StoreOptions {}

export interface Signalled {
  /** Stops it: nothing more is begun, and a leadership that is held is given back. */
  signal?: AbortSignal | undefined;
}

export interface LeadOptions extends Signalled {
  /** Whether an end asked for by `signal` is announced to the followers before the work is told to stop. @default true */
  announce?: boolean | undefined;
}

export interface RunOnceOptions extends Signalled {
  /** Stand by while another candidate leads. @default false */
  wait?: boolean | undefined;
  /** Keep the lease for the own group for so long after a completed run, in milliseconds. @default not kept */
  holdForMs?: number | undefined;
}

/** What became of a tick. */
export type RunOnceResult<T> =
  | { readonly ran: true; readonly term: number; readonly value: T }
  /** `done`: some run already completed this tick, or a later one. `held`: another candidate leads now. */
  | { readonly ran: false; readonly because: "done" | "held"; readonly leader: Leader | undefined };
