import type { Instant } from "../clock.js";
import type { EndReason, InternalError } from "../errors.js";
import type { ResignOutcome } from "../events.js";
import type { Announcement } from "./announcement.js";

/**
 *            end()                release()
 *  leading ─────────▶ draining ─────────────▶ releasing ────▶ over
 *                        │ letRunOut()            ▲            ▲
 *                        └──────▶ abandoned ──────┘            │
 *  from each: trust runs out, or the row is another's ─────────┘
 */
export type State =
  /** `announcement`: once an end is planned. */
  | { readonly kind: "leading"; readonly announcement: Announcement | undefined }
  /** The work must stop. The lease is renewed until it has stopped. */
  | {
      readonly kind: "draining";
      readonly reason: EndReason;
      readonly announcement: Announcement | undefined;
    }
  /** The work did not stop in time: no more renewals, the lease runs out. */
  | {
      readonly kind: "abandoned";
      readonly reason: EndReason;
      readonly announcement: Announcement | undefined;
    }
  | { readonly kind: "releasing"; readonly reason: EndReason; readonly release: Release }
  /** `signalled`: the reason with which the work's signal aborted. It can be an earlier one than `reason`. */
  | {
      readonly kind: "over";
      readonly reason: EndReason;
      readonly signalled: EndReason;
      readonly since: Instant;
      readonly release: Release | undefined;
      /** For `internal-error`. */
      readonly fault: InternalError | undefined;
    };

/** The lease is given back once. From `since` on another candidate may hold it. */
export interface Release {
  readonly since: Instant;
  readonly outcome: Promise<ResignOutcome>;
}

export type Renewing = Extract<State, { kind: "leading" | "draining" }>;

/** The reason with which the work's signal aborted. Undefined: it has not aborted. */
export function signalledReason(state: State): EndReason | undefined {
  if (state.kind === "leading") return undefined;
  return state.kind === "over" ? state.signalled : state.reason;
}

export function releaseOf(state: State): Release | undefined {
  return state.kind === "releasing" || state.kind === "over" ? state.release : undefined;
}

export function announcementOf(state: State): Announcement | undefined {
  return state.kind === "releasing" || state.kind === "over" ? undefined : state.announcement;
}
