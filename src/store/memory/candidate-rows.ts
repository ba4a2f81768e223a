import { isKnown, type Versioned } from "../../protocol/schema-version.js";
import type { CandidateRow } from "../../protocol/verbs.js";
import { removeExpired } from "./time-to-live.js";

/** The rows of candidates, and the counters of those who have joined (rule 7), by election. */
export class CandidateRows {
  readonly #rows = new Map<string, Map<string, CandidateRow & Versioned>>();
  readonly #arrivals = new Map<string, number>();

  drawArrival(election: string): number {
    const arrival = (this.#arrivals.get(election) ?? 0) + 1;
    this.#arrivals.set(election, arrival);
    return arrival;
  }

  write(election: string, row: CandidateRow): void {
    const rows = this.#rows.get(election) ?? new Map<string, CandidateRow>();
    this.#rows.set(election, rows.set(row.candidateId, row));
  }

  /** Not if it was refreshed since. */
  delete(
    election: string,
    { candidateId, heartbeat }: Pick<CandidateRow, "candidateId" | "heartbeat">,
  ): void {
    const rows = this.#rows.get(election);
    const row = rows?.get(candidateId);
    if (row !== undefined && row.heartbeat <= heartbeat) rows?.delete(candidateId);
  }

  /** Without those of a newer version (rule 1h). */
  of(election: string): CandidateRow[] {
    return [...(this.#rows.get(election)?.values() ?? [])].filter(isKnown);
  }

  removeExpired(atMs: number): void {
    for (const rows of this.#rows.values()) removeExpired(rows, atMs);
  }
}
