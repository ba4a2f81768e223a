import type { EndReason, LeaderChange } from "../../src/index.js";
import { endedTerm, endReasonIn, type Lease, type Vacant } from "../../src/protocol/lease.js";
import { Violation } from "./violation.js";

/** Ends that nobody wrote on the lease row. */
const UNWRITTEN = new Set<EndReason>(["expired", "deleted", "unknown"]);
/** Ends that the leader may not know yet. */
const UNKNOWN_TO_THE_LEADER = new Set<EndReason>(["evicted", "deleted", "unknown"]);

/** Holds what an observer is told to its promises (rule 7i): in the order of the terms, each end once, and true. */
export class ObserverReferee {
  #latestTerm = 0;
  #leader: LeaderChange["leader"];
  #isFirst = true;
  #lastEnded = 0;
  /** How each term ended that was given back or evicted, by the lease row. */
  readonly #written = new Map<number, EndReason>();
  #isRestored = false;

  /** The row that was there before anything began. */
  begin(row: Vacant): void {
    this.#written.set(endedTerm(row), endReasonIn(row));
  }

  landed(before: Lease | undefined, lease: Lease): void {
    if (before?.kind === "held" && lease.kind === "vacant") this.begin(lease);
  }

  /** From now on an older term may be told after a newer one. */
  restored(): void {
    this.#isRestored = true;
  }

  /** `trusted`: the terms that a leader trusts at this moment, if clocks are within the assumptions. */
  told({ leader, ended }: LeaderChange, trusted: readonly number[]): void {
    const before = this.#leader;
    const isFirst = this.#isFirst;
    this.#leader = leader;
    this.#isFirst = false;
    if (this.#isRestored) return;
    if (leader && leader.term < this.#latestTerm) {
      throw new Violation(
        "observed in order",
        `term ${leader.term} is observed after term ${this.#latestTerm}`,
      );
    }
    this.#latestTerm = leader?.term ?? this.#latestTerm;
    if (before && before.term !== leader?.term && ended?.term !== before.term) {
      throw new Violation("ends are observed", `the end of term ${before.term} is not told`);
    }
    if (leader && leader.term <= this.#lastEnded) {
      throw new Violation("ends are observed", `term ${leader.term} leads again, though its end was told`);
    }
    if (ended === undefined) return;
    const { term, reason } = ended;
    if ((before?.term !== term && !isFirst) || term <= this.#lastEnded) {
      throw new Violation("ends are observed", `the end of term ${term} is told, which did not lead`);
    }
    this.#lastEnded = term;
    if (!UNWRITTEN.has(reason) && this.#written.get(term) !== reason) {
      throw new Violation("true end", `term ${term} is told to be ${reason}, not ${this.#written.get(term)}`);
    }
    if (trusted.includes(term) && !UNKNOWN_TO_THE_LEADER.has(reason)) {
      throw new Violation("true end", `term ${term} is told to be ${reason}, but its leader trusts it`);
    }
  }
}
