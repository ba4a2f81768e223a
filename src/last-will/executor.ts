import type { LeaseStore } from "../store/lease-store.js";
import type { SignedRequest } from "../store/signed-request.js";

/** What is to be sent when this process has died. */
export interface SignedWill {
  readonly request: SignedRequest;
  /**
   * The pair that an acquire of this process is conditional on, while that acquire may be under way. As long as the row
   * still shows this pair, a refusal of the will is not final: the acquire may land later (rule 11b). Undefined: a refusal
   * is final.
   */
  readonly basis: { readonly term: number; readonly revision: number } | undefined;
  /** How long after the death another try is of use, in milliseconds. After that the lease has run out by itself. */
  readonly worthMs: number;
}

/** Executes the wills of all elections of this process. It outlives the process by a moment, or stands beside it. */
export interface WillExecutor {
  /**
   * Starts what notices a death without an exit, once, after the request that the caller has just made has left: it takes some
   * 10 ms. Resolves when it has all wills, or when it is known that a part does not work.
   */
  start(): Promise<void>;
  /**
   * Replaces the will of this key. Calls take effect in their order. Before `start` only an exit executes it. Afterwards this
   * resolves when the will is executed however this process dies, or when it is known that a part does not work.
   */
  set(key: string, will: SignedWill): Promise<void>;
  /** The lease is given back or lost: nothing is to be sent for it. */
  clear(key: string): void;
  /** The listener is called when this process exits, before any will is sent. Returns a function that removes it. */
  onExit(listener: () => void): () => void;
  /** The listener is called for each part that does not work, now or later. Returns a function that removes it. */
  onUnavailable(listener: (unavailable: UnavailablePart) => void): () => void;
}

/**
 * A part that does not work in this process. Without `companion` the lease of a process that is killed runs out; without
 * `exit-hook` so does the lease of one that exits.
 */
export interface UnavailablePart {
  readonly part: "companion" | "exit-hook";
  readonly error: unknown;
}

/** An executor that can also wait for work outside this process. */
export interface PatientWillExecutor extends WillExecutor {
  /**
   * No will is sent while a process of this group runs: it works for the leader. `starting`: it is about to run. Undefined:
   * it has ended.
   */
  waitFor(group: number | "starting" | undefined): void;
}

const given = new WeakMap<LeaseStore, WillExecutor>();

/** For tests and simulations, where a process is an object and its death is an event. */
export function executeWillsOf(store: LeaseStore, executor: WillExecutor): void {
  given.set(store, executor);
}

export function executorOf(store: LeaseStore): WillExecutor | undefined {
  return given.get(store);
}
