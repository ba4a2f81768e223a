import { holderOf, type Lease } from "../../src/protocol/lease.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { Host } from "./host.js";
import type { Verb } from "./network.js";
import { Violation } from "./violation.js";

/** A timer has whole milliseconds. */
const SLACK_MS = 50;

/** Whom a candidate's last answer shows as the successor of a leader that announced its end has to look in time, by its own clock (rule 7j). */
export class ReleaseWatch {
  readonly #due = new Map<Host, number>();

  /** An answer reached a candidate. */
  shown(host: Host, id: string, answer: Answer): void {
    const { lease } = answer as { lease?: Lease };
    this.#due.delete(host);
    if (lease?.kind !== "held" || lease.pausedBy !== undefined || lease.holder === id) return;
    const { inMs, to } = lease.announcement ?? {};
    // Later, the work drains. Or the leader has died, and there is nothing to look for.
    if (inMs === undefined || inMs <= 0 || (to ?? firstOf(lease)) !== id) return;
    this.#due.set(host, host.monotonicMs() + inMs + lease.renewIntervalMs / 10 + SLACK_MS);
  }

  sent(host: Host, verb: Verb): void {
    if (verb === "read" || verb === "acquire") this.#due.delete(host);
  }

  inspect(): void {
    for (const [host, dueMs] of this.#due) {
      if (!host.running) this.#due.delete(host);
      else if (host.monotonicMs() > dueMs)
        throw new Violation("release", "the successor does not look when the lease is given back");
    }
  }
}

function firstOf(lease: Lease): string | undefined {
  if (lease.kind === "placeholder") return undefined;
  return lease.line?.find((candidateId) => candidateId !== holderOf(lease));
}
