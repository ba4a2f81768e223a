import type { ElectionEvent } from "../../../src/index.js";
import { isHeldIn } from "../../../src/protocol/lease.js";
import { isSessionRow, sessionRowName } from "../../../src/protocol/sessions.js";
import type { AcknowledgeRequest, ResignRequest } from "../../../src/protocol/verbs.js";
import type { Host } from "../host.js";
import type { Verb } from "../network.js";
import { Violation } from "../violation.js";
import { type Known, tenureOf, type Working } from "./known.js";

const LOSSES = new Set(["superseded", "evicted", "deleted"]);

/** P4 and rule 14j: nothing is given back while its work may run, and each end is told once, as what it was. */
export class WorkReferee {
  readonly #endings = new Map<string, number>();
  /** Tenures that were not given back in time: others may have ended them, or the session later. */
  readonly #ranOut = new Set<string>();
  /** Of these, those whose row was not seen for too long. */
  readonly #expired = new Set<string>();

  constructor(private readonly known: Known) {}

  sent(host: Host, verb: Verb, request: unknown, nowMs: number): void {
    if (verb === "resign") {
      const resign = request as ResignRequest;
      if (isSessionRow(resign.election)) this.#expectAllStopped(host, resign.election, nowMs);
      else this.#expectStopped(host, resign, nowMs);
    }
    if (verb === "acknowledgeEviction") {
      const { election, term } = request as AcknowledgeRequest;
      const working = this.known.workOf(host, election, term);
      if (working?.runs || (working && working.leadership.remainingMs() > 0))
        throw new Violation(
          "work",
          `the eviction of term ${term} of ${election} is acknowledged while its work runs`,
        );
    }
  }

  /** Work that does not stop has run out before its row is given back (rule 14f). */
  #expectStopped(host: Host, { election, term, candidateId }: ResignRequest, nowMs: number): void {
    const working = this.known.workOf(host, election, term);
    if (!working?.runs || working.bidder.candidateId !== candidateId) return;
    if (working.session !== undefined && this.#hasRunOut(working, nowMs)) return;
    throw new Violation("work", `term ${term} of ${election} is given back while its work runs`);
  }

  #expectAllStopped(host: Host, sessionRow: string, nowMs: number): void {
    for (const [name, all] of this.known.allWorking)
      for (const working of all) {
        const { bidder, runs, leadership } = working;
        const { row, lostTerm } = this.known.lease(name);
        // Of a row that was put back it may believe that another has it, so it does not count on it any more.
        if (leadership.term <= lostTerm) continue;
        const isHeld = isHeldIn(row, leadership) && sessionRowName(row.session ?? "") === sessionRow;
        if (bidder.host === host && runs && isHeld && !this.#hasRunOut(working, nowMs))
          throw new Violation("work", `a session is closed while work on ${name} runs`);
      }
  }

  #hasRunOut({ bidder, leadership, overrun }: Working, nowMs: number): boolean {
    if (leadership.remainingMs() > 0) return false;
    const sinceMs = nowMs - (overrun?.trueMs ?? Number.POSITIVE_INFINITY);
    const isExpired = this.#expired.has(tenureOf(bidder.name, leadership));
    return isExpired || sinceMs > 0.85 * this.known.plan.leaseDurationMs;
  }

  /** Of an election, or of a session. */
  heardEvent(event: ElectionEvent, nowMs: number): void {
    if (event.type === "internal-error") throw new Violation("no internal error", event.error.found);
    if (event.type === "elected") this.#endings.set(tenureOf(event.election, event), 0);
    else if (event.type === "ended") this.#ended(event);
    else if (event.type === "resigned" && event.outcome === "lost") this.#expectLost(event);
    else if (event.type === "drain-overrun") {
      this.#ranOut.add(tenureOf(event.election, event));
      for (const working of this.known.working(event.election))
        if (working.leadership.candidateId === event.candidateId && working.leadership.term === event.term)
          working.overrun = { trueMs: nowMs, monotonicMs: working.bidder.host.monotonicMs() };
    }
  }

  #ended(event: Extract<ElectionEvent, { type: "ended" }>): void {
    const { reason } = event;
    const tenure = tenureOf(event.election, event);
    const times = (this.#endings.get(tenure) ?? 0) + 1;
    this.#endings.set(tenure, times);
    if (reason === "expired") this.#expired.add(tenure);
    if (reason === "expired" || reason === "session-lost") this.#ranOut.add(tenure);
    if (times > 1) throw new Violation("told once", `the end of ${tenure} was reported ${times} times`);
    const known = this.known.lease(event.election);
    // Of an older row: its holder is told that it lost the row, since what it wrote there is gone.
    const isPutBack = event.term <= known.lostTerm;
    if (LOSSES.has(reason) && isHeldIn(known.row, event) && !isPutBack)
      throw new Violation("true loss", `${tenure} gets "${reason}", but the row is still its own`);
  }

  #expectLost(event: Extract<ElectionEvent, { type: "resigned" }>): void {
    const { row, lostTerm } = this.known.lease(event.election);
    const ranOut = this.#ranOut.has(tenureOf(event.election, event)) || event.term <= lostTerm;
    if (row?.term === event.term && row.kind === "vacant" && !ranOut)
      throw new Violation(
        "true loss",
        `term ${event.term} of ${event.election} was given back, but is reported as lost`,
      );
  }
}
