import type { Poll } from "../protocol/announced-end.js";
import type { Observation } from "../protocol/observation.js";
import { type Changes, NO_CHANGES } from "../protocol/sessions.js";
import type { Follower } from "./follower.js";

/** One session, as this process knows it. */
export interface WatchedSession {
  readonly id: string;
  /** Of the session's own row, which is judged as a lease row is (rule 14d). */
  observation: Observation | undefined;
  /** The latest log that was read (rule 14g). */
  changes: Changes;
  readonly followers: Set<Follower>;
  failures: number;
  /** The look that is under way, and one that leaves after it. */
  looking: Promise<void> | undefined;
  next: Promise<void> | undefined;
  /** The look that the timer is set for. */
  due: Poll | undefined;
  cancelTimer: () => void;
}

/** Nothing is known of it yet. */
export function newlyWatched(id: string): WatchedSession {
  return {
    id,
    observation: undefined,
    changes: NO_CHANGES,
    followers: new Set(),
    failures: 0,
    looking: undefined,
    next: undefined,
    due: undefined,
    cancelTimer: () => {},
  };
}
