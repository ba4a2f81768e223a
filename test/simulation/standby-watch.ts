import { holderOf, type Lease } from "../../src/protocol/lease.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { Host } from "./host.js";
import type { Verb } from "./network.js";
import { Violation } from "./violation.js";

/** A timer has whole milliseconds, and a clock may be slow. */
const SLACK_MS = 20;

/** Whom a candidate's last answer shows as the first in line has to look again in time (rule 7d). */
export class StandbyWatch {
  readonly #due = new Map<Host, number>();

  /** An answer reached a candidate that polls each `pollMs` while it is the first in line. */
  shown(host: Host, id: string, pollMs: number, answer: Answer, nowMs: number): void {
    const { lease } = answer as { lease?: Lease };
    this.#due.delete(host);
    if (lease?.kind === "held" && lease.pausedBy === undefined && firstOf(lease) === id) {
      this.#due.set(host, nowMs + pollMs + SLACK_MS);
    }
  }

  sent(host: Host, verb: Verb): void {
    if (verb === "read" || verb === "acquire") this.#due.delete(host);
  }

  inspect(nowMs: number): void {
    for (const [host, dueMs] of this.#due) {
      if (!host.running) this.#due.delete(host);
      else if (nowMs > dueMs) throw new Violation("standby", "the first in line does not look in time");
    }
  }
}

function firstOf(lease: Lease): string | undefined {
  if (lease.kind === "placeholder") return undefined;
  return lease.line?.find((candidateId) => candidateId !== holderOf(lease));
}
