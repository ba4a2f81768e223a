import type { Clock } from "../clock.js";
import type { EndReason } from "../errors.js";
import { MIN_RELEASE_IN_MS } from "../limits.js";
import type { AnnouncedEnd, Held } from "../protocol/lease.js";
import { pollsEvery } from "../protocol/turns.js";

/**
 * A planned end that is announced to the followers with a renewal (rule 7e). The work goes on until it is due,
 * and the successor polls often around that time. So nobody leads for milliseconds only, and not for a poll
 * interval.
 */
export class Announcement {
  /**
   * When the work must stop, in monotonic time. It counts from the first write that carried the announcement.
   */
  #dueMs: number | undefined;
  #isConfirmed = false;
  #cancel = () => {};

  constructor(
    readonly reason: EndReason,
    readonly to: string | undefined,
    private readonly noticeMs: number,
    /** In monotonic time: the work must stop by then, even if no renewal gets through (rule 8c). */
    readonly latestMs: number,
  ) {}

  /** False: no renewal has carried it yet. */
  get isSent(): boolean {
    return this.#dueMs !== undefined;
  }

  /** It was sent, and its moment is still to come. Until then the line stays: another candidate would not have polled. */
  isAhead(nowMs: number): boolean {
    return this.#dueMs !== undefined && nowMs < this.#dueMs;
  }

  /** What a renewal writes that is sent now. */
  toSend(nowMs: number): AnnouncedEnd {
    this.#dueMs ??= Math.min(nowMs + this.noticeMs, this.latestMs);
    return { inMs: Math.max(Math.round(this.#dueMs - nowMs), MIN_RELEASE_IN_MS), to: this.to };
  }

  /** The renewal is confirmed: from now on the time is fixed. Returns how long it is until then. */
  confirmed(nowMs: number): number {
    this.#isConfirmed = true;
    return Math.max(0, (this.#dueMs ?? nowMs) - nowMs);
  }

  /**
   * Whether some candidate polls at the announced moment: the one that was named, or by the row that the announcement was
   * written to. At the beginning of a term the row may not show yet that anybody waits. While the election is paused
   * nobody may acquire.
   */
  isListenedTo({ isAwaited, line = [] }: Held, ownId: string): boolean {
    if (this.reason === "paused") return false;
    return this.to !== undefined || isAwaited === true || line.some((id) => id !== ownId);
  }

  /** Nobody listens: the work need not go on. */
  dueNow(nowMs: number): void {
    this.#dueMs = Math.min(this.#dueMs ?? nowMs, nowMs);
  }

  /** Calls `end` in `ms`, once. A later call replaces an earlier one. */
  onDue(clock: Clock, ms: number, end: () => void): void {
    this.#cancel();
    this.#cancel = clock.setTimer(ms, end);
  }

  cancel(): void {
    this.#cancel();
  }

  /** It may not have reached anybody: the notice starts again with the next renewal. */
  notConfirmed(): void {
    if (!this.#isConfirmed) this.#dueMs = undefined;
  }
}

/**
 * How long before the end it must be announced, so that a candidate at this place has polled once. Those
 * further back poll less often (rule 7d).
 */
export function noticeMs(renewIntervalMs: number, place: number): number {
  return Math.ceil(renewIntervalMs * pollsEvery(place) * 1.05);
}
