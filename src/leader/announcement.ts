import type { Clock } from "../clock.js";
import type { EndReason } from "../errors.js";
import { MIN_LETTING_GO_IN_MS } from "../limits.js";
import { pollsEvery } from "../protocol/takeover.js";
import type { AnnouncedEnd } from "../protocol/verbs.js";

/**
 * A planned end, told to the followers with a renewal before it comes: the work goes on meanwhile, and whoever is
 * next watches closely when it is due, so that work stands still for milliseconds and not for a look.
 */
export class Announcement {
  /** When to let go, in monotonic time; counted from the write that first told it. */
  #dueMs: number | undefined;
  #isConfirmed = false;
  #cancel = () => {};

  constructor(
    readonly reason: EndReason,
    readonly to: string | undefined,
    private readonly noticeMs: number,
  ) {}

  /** False: no renewal carries it yet. */
  get isSent(): boolean {
    return this.#dueMs !== undefined;
  }

  /** What a renewal that leaves now says of it. */
  toSend(nowMs: number): AnnouncedEnd {
    this.#dueMs ??= nowMs + this.noticeMs;
    return { inMs: Math.max(Math.round(this.#dueMs - nowMs), MIN_LETTING_GO_IN_MS), to: this.to };
  }

  /** The renewal is confirmed: from now on the moment stands. Returns how long it is till then. */
  confirmed(nowMs: number): number {
    this.#isConfirmed = true;
    return Math.max(0, (this.#dueMs ?? nowMs) - nowMs);
  }

  /** Calls `end` in `ms`, once: a later call counts instead of an earlier one. */
  onDue(clock: Clock, ms: number, end: () => void): void {
    this.#cancel();
    this.#cancel = clock.setTimer(ms, end);
  }

  cancel(): void {
    this.#cancel();
  }

  /** Nobody may have heard: the notice begins anew with the next renewal. */
  notConfirmed(): void {
    if (!this.#isConfirmed) this.#dueMs = undefined;
  }
}

/** Followers look once a renewal, those further back less often: the time in which each has looked once. */
export function noticeMs(renewIntervalMs: number, place: number): number {
  return Math.ceil(renewIntervalMs * pollsEvery(place) * 1.05);
}
