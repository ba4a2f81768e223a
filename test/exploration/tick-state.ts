import type { Lease } from "../../src/protocol/lease.js";
import type { TermTicks, TickMode, TickWindow } from "../../src/protocol/ticks.js";
import type { AcquireRequest, ResignRequest, TickResetRequest } from "../../src/protocol/verbs.js";

/** What the search for ticks goes through: no time, no renewals. Whoever sees a row may acquire it, held or not. */
export interface TickBounds {
  readonly ticks: readonly string[];
  readonly modes: readonly TickMode[];
  /** How often `runOnce` is called. */
  readonly calls: number;
  readonly resets: readonly (string | undefined)[];
  readonly deletions: number;
  /** Answers that are lost, so that the request is sent once more; and copies that come late. */
  readonly faults: number;
  /** Processes that die and leave their last will, which is executed at any time, or never. */
  readonly deaths: number;
}

/** A call of `runOnce`, from its read to its result. */
export interface Call {
  readonly id: string;
  readonly tick: string;
  readonly mode: TickMode;
  readonly term: number;
  /** Known once it leads. */
  readonly window: TickWindow | undefined;
  readonly phase: "acquiring" | "leading" | "resigning" | "over" | "dead";
  /** Sent once its work had ended. */
  readonly resignation: ResignRequest | undefined;
}

export type Message =
  | { readonly kind: "acquire"; readonly call: string; readonly request: AcquireRequest }
  | { readonly kind: "resign"; readonly call: string; readonly request: ResignRequest }
  | { readonly kind: "reset"; readonly request: TickResetRequest }
  /** History: nobody waits for it, and it may come at any time. */
  | { readonly kind: "record"; readonly record: TermTicks };

export interface InFlight {
  readonly message: Message;
  /** It may land, and its sender waits for the answer. A copy has no sender. */
  readonly isCopy: boolean;
}

export interface TickState {
  readonly lease: Exclude<Lease, { kind: "placeholder" }>;
  readonly history: readonly TermTicks[];
  readonly calls: readonly Call[];
  readonly inFlight: readonly InFlight[];
  /** What is left of the bounds. */
  readonly resets: number;
  readonly deletions: number;
  readonly faults: number;
  readonly deaths: number;
  /** The truth: what has completed since the last reset, by which call. */
  readonly completed: Readonly<Record<string, string>>;
  readonly epoch: number;
  readonly landedResets: readonly string[];
}
