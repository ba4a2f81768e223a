import type { TermLease } from "../protocol/lease.js";
import { placeOf } from "../protocol/takeover.js";
import { noticeMs } from "./announcement.js";

/**
 * How long before an end it must be announced (rule 7e). A candidate polls as its place in the line says that it saw last
 * (rule 7d). So a line that stood on the row counts for the longest poll interval.
 */
export class Notice {
  /** `untilMs`: by then each candidate that saw this row has polled again. */
  readonly #stood = new Map<string, { readonly row: TermLease; readonly untilMs: number }>();

  constructor(private readonly renewIntervalMs: number) {}

  /** This row stood there until now. */
  stood(row: TermLease, nowMs: number): void {
    for (const [key, { untilMs }] of this.#stood) if (untilMs <= nowMs) this.#stood.delete(key);
    const untilMs = nowMs + noticeMs(this.renewIntervalMs, Number.POSITIVE_INFINITY);
    const holder = row.kind === "held" ? row.holder : "";
    this.#stood.set([holder, ...(row.line ?? [])].join(), { row, untilMs });
  }

  /** For this candidate. */
  msFor(candidateId: string, nowMs: number): number {
    const rows = [...this.#stood.values()].filter(({ untilMs }) => untilMs > nowMs);
    return noticeMs(this.renewIntervalMs, Math.max(0, ...rows.map(({ row }) => placeOf(row, candidateId))));
  }
}
