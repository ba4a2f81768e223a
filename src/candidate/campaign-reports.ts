import type { Lease } from "../protocol/lease.js";
import { roleOf } from "../protocol/role.js";
import type { Candidacy } from "./candidacy.js";

/** The events of a candidate that waits. Each state is reported once, however often it is read. */
export class CampaignReports {
  #failedSinceMs: number | undefined;
  #reported: string | undefined;

  constructor(private readonly candidacy: Pick<Candidacy, "client" | "options" | "emit">) {}

  /** A campaign begins. What failed in an earlier one says nothing of the time between. */
  begin(): void {
    this.#failedSinceMs = undefined;
    this.#reported = undefined;
  }

  /** A request got no answer. */
  failed(error: unknown): void {
    const nowMs = this.candidacy.client.time.now().monotonicMs;
    this.#failedSinceMs ??= nowMs;
    this.candidacy.emit({ type: "unavailable", error, failingForMs: nowMs - this.#failedSinceMs });
  }

  /** A step of the campaign was taken. `lease`: the row as it was last read. */
  answered(lease: Lease | undefined): void {
    if (this.#failedSinceMs !== undefined) {
      const afterMs = this.candidacy.client.time.now().monotonicMs - this.#failedSinceMs;
      this.#failedSinceMs = undefined;
      this.candidacy.emit({ type: "recovered", afterMs });
    }
    const { candidateId, eligible } = this.candidacy.options;
    if (lease?.kind !== "held" || lease.holder === candidateId) return;
    const type = roleOf(lease, candidateId, eligible) === "standby" ? "standby" : "waiting";
    const report = `${type} ${lease.term}`;
    if (report === this.#reported) return;
    this.#reported = report;
    this.candidacy.emit({ type, term: lease.term, leader: lease.holder });
  }
}
