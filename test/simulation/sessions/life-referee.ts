import { isHeldIn, type Lease } from "../../../src/protocol/lease.js";
import { readChanges, sessionRowName } from "../../../src/protocol/sessions.js";
import { Violation } from "../violation.js";
import type { Known, KnownLease } from "./known.js";

/** P3 and rules 14f and 14g: each name has a leader in time, no lease is left that nobody works on, and changes are logged. */
export class LifeReferee {
  /** Whose orphans, silences and vacancies count: the storm is over. */
  isCalmSinceMs: number | undefined;
  /** Since when a name is held under a living session, and nobody works on it. */
  readonly #orphanSinceMs = new Map<string, number>();
  #lastBirthMs = 0;

  constructor(
    private readonly known: Known,
    private readonly stopTimeoutMs: number,
  ) {}

  /** A process starts, or opens another session. */
  born(nowMs: number): void {
    this.#lastBirthMs = nowMs;
  }

  look(name: string, nowMs: number): void {
    const lease = this.known.lease(name);
    this.#lookForOrphan(name, lease, nowMs);
    this.#expectLogged(name, lease, nowMs);
    this.#expectLed(name, lease, nowMs);
  }

  #expectLed(name: string, { row, ledMs, slowSinceMs }: KnownLease, nowMs: number): void {
    const { isCalmSinceMs } = this;
    if (isCalmSinceMs === undefined || row?.pausedBy !== undefined) return;
    const sinceMs = Math.max(isCalmSinceMs, ledMs, slowSinceMs ?? 0);
    const waitsMs = slowSinceMs === undefined ? 0 : this.known.rowLeaseMs;
    // Who comes later begins to wait later.
    const startMs = Math.max(sinceMs, waitsMs && this.#lastBirthMs);
    if (nowMs > startMs + waitsMs + 5 * this.known.plan.leaseDurationMs)
      throw new Violation("liveness", `nobody leads ${name} for too long`);
  }

  /** Such a lease would be kept for ever. */
  #lookForOrphan(name: string, { row, lostTerm }: KnownLease, nowMs: number): void {
    const session = row?.kind === "held" ? row.session : undefined;
    const isHeld = session !== undefined && this.known.session(sessionRowName(session)).row?.kind === "held";
    const isWorkedOn = [...this.known.working(name)].some(
      ({ bidder, leadership, runs }) =>
        isHeldIn(row, { candidateId: bidder.candidateId, term: leadership.term }) &&
        bidder.host.alive &&
        (runs || leadership.remainingMs() > 0),
    );
    const isPutBack = row !== undefined && row.term <= lostTerm;
    if (!isHeld || isWorkedOn || isPutBack || this.isCalmSinceMs === undefined) {
      this.#orphanSinceMs.delete(name);
      return;
    }
    const sinceMs = this.#orphanSinceMs.get(name) ?? nowMs;
    this.#orphanSinceMs.set(name, sinceMs);
    if (nowMs - sinceMs > 5 * this.known.plan.leaseDurationMs + this.stopTimeoutMs)
      throw new Violation(
        "orphan",
        `${name} is held by ${row?.kind === "held" && row.holder}, who does not work on it`,
      );
  }

  #expectLogged(name: string, lease: KnownLease, nowMs: number): void {
    const { unlogged, row } = lease;
    if (unlogged === undefined) return;
    const { row: session } = this.known.session(sessionRowName(unlogged.session));
    if (session?.kind !== "held" || row?.kind === "held") lease.unlogged = undefined;
    else if (
      this.isCalmSinceMs !== undefined &&
      nowMs - Math.max(unlogged.sinceMs, this.isCalmSinceMs) > 2 * this.known.plan.leaseDurationMs
    )
      throw new Violation("log", `the change of ${name} is not in the log of its session`);
  }

  /** The row of a session has landed. */
  logged(sessionRow: string, row: Lease): void {
    const { names } = readChanges(row.kind === "held" ? row.value : undefined);
    for (const name of names) {
      const lease = this.known.lease(name);
      if (lease.unlogged && sessionRowName(lease.unlogged.session) === sessionRow) lease.unlogged = undefined;
    }
  }
}
