import { isHeldIn, type Lease, type OwnTerm } from "../../src/protocol/lease.js";
import type { AcquireRequest, RenewRequest, ResignRequest } from "../../src/protocol/verbs.js";
import type { Estate } from "./estate.js";
import type { Verb } from "./network.js";
import type { Player } from "./players.js";
import { Violation } from "./violation.js";

/** Whatever was under way when the row was deleted or put back has landed by then. */
const LATEST_MS = 120_000;

/** Holds last wills to their promises (rule 11). */
export class WillReferee {
  /** Terms whose will was executed, or refused for good: they have ended for ever. */
  readonly #over = new Set<string>();
  /** Terms whose resignation has left, with a tick that had completed. */
  readonly #withTick = new Set<string>();
  /** By dead candidate: the terms that its wills end. */
  readonly #left = new Map<string, ReadonlySet<number>>();
  #meddledMs = Number.NEGATIVE_INFINITY;

  /** By a process that has left this. */
  sent(verb: Verb, request: unknown, estate: Estate): void {
    if (verb === "acquire" || verb === "renew") {
      const { candidateId, term } = request as AcquireRequest | RenewRequest;
      if (verb === "renew" && !estate.isStarted) {
        throw new Violation(
          "will in time",
          `${candidateId} leads, and nothing would notice that it is killed`,
        );
      }
      if (estate.ownTerms.has(term) && estate.terms?.has(term) !== false) return;
      throw new Violation(
        "will in time",
        `${candidateId} sends: ${verb} term ${term}, without a will for it`,
      );
    }
    if (verb !== "resign") return;
    const { candidateId, term, ticks } = request as ResignRequest;
    if (ticks) this.#withTick.add(`${candidateId}/${term}`);
  }

  /** A process has died, and something will send what it has left, for these terms. */
  died(candidateId: string, willed: ReadonlySet<number>, row: Lease | undefined, nowMs: number): void {
    if (nowMs < this.#meddledMs + LATEST_MS) return;
    this.#left.set(candidateId, willed);
    this.#expectWill(row);
  }

  /** A process that exits has stopped to trust before anything is sent for it. */
  exited({ election, leadership }: Player): void {
    if (!leadership || !(leadership.remainingMs() > 0)) return;
    throw new Violation("exit", `${election.candidateId} exits, and still trusts term ${leadership.term}`);
  }

  #expectWill(row: Lease | undefined): void {
    if (row?.kind !== "held" || this.#left.get(row.holder)?.has(row.term) !== false) return;
    throw new Violation(
      "vacant after a will",
      `${row.holder} is dead, and has left no will for term ${row.term}`,
    );
  }

  /** A write on the lease row. `lives`: whether the process of this candidate does. */
  landed(verb: Verb, before: Lease | undefined, lease: Lease, lives: (candidateId: string) => boolean): void {
    if (verb === "crash" && before?.kind === "held") {
      const { holder, term } = before;
      if (lives(holder)) {
        throw new Violation("no will of the living", `a will ends term ${term} of ${holder}, which lives`);
      }
      if (this.#withTick.has(`${holder}/${term}`)) {
        throw new Violation(
          "ticks",
          `the will of ${holder} comes before its resignation, and loses its tick`,
        );
      }
    }
    if (verb !== "acquire" || lease.kind !== "held") return;
    this.#expectWill(lease);
    if (this.#over.has(`${lease.holder}/${lease.term}`)) {
      throw new Violation(
        "vacant after a will",
        `${lease.holder} is dead, and takes term ${lease.term} after its will`,
      );
    }
  }

  /** A will was executed, or refused for good by this row. */
  executed(own: OwnTerm, row: Lease | undefined, nowMs: number): void {
    if (row === undefined || row.kind === "placeholder" || nowMs < this.#meddledMs + LATEST_MS) return;
    if (isHeldIn(row, own)) {
      throw new Violation("vacant after a will", `${own.candidateId} holds term ${own.term} after its will`);
    }
    this.#over.add(`${own.candidateId}/${own.term}`);
  }

  /** The row was deleted, or an older one was put back. */
  meddled(nowMs: number): void {
    this.#meddledMs = nowMs;
    this.#over.clear();
    this.#left.clear();
  }
}
