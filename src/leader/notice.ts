import type { TermLease } from "../protocol/lease.js";
import { placeOf } from "../protocol/turns.js";
import { noticeMs } from "./announcement.js";

/**
 * How long before an end it must be announced (rule 7e). A candidate polls as its place in the line says that it saw last
 * (rule 7d). So a line that stood on the row counts for the longest poll interval.
 */
export class Notice {
  /** Only rows with a line. `untilMs`: by then each candidate that saw this row has polled again. */
  #stood: ReadonlyArray<{ readonly key: string; readonly row: TermLease; readonly untilMs: number }> = [];

  constructor(private readonly renewIntervalMs: number) {}

  /** This row stood there until now. */
  stood(row: TermLease, nowMs: number): void {
    // Without a line each candidate polls as the first one does.
    if (row.line === undefined && this.#stood.length === 0) return;
    const untilMs = nowMs + noticeMs(this.renewIntervalMs, Number.POSITIVE_INFINITY);
    const key = [row.kind === "held" ? row.holder : "", ...(row.line ?? [])].join();
    const others = this.#stood.filter((one) => one.untilMs > nowMs && one.key !== key);
    this.#stood = [...others, { key, row, untilMs }];
  }

  /** For this candidate. */
  msFor(candidateId: string, nowMs: number): number {
    const rows = this.#stood.filter(({ untilMs }) => untilMs > nowMs);
    return noticeMs(this.renewIntervalMs, Math.max(0, ...rows.map(({ row }) => placeOf(row, candidateId))));
  }
}
