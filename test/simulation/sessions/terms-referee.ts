import type { Lease } from "../../../src/protocol/lease.js";
import type { Versioned } from "../../../src/protocol/schema-version.js";
import { sessionRowName } from "../../../src/protocol/sessions.js";
import type { AcquireRequest, TermRecord } from "../../../src/protocol/verbs.js";
import type { Verb } from "../network.js";
import { Violation } from "../violation.js";
import type { Known, KnownLease, Working } from "./known.js";
import type { SessionRowsReferee } from "./session-rows-referee.js";

/** How often leaders of a name have written under their fence, and in which term last. */
export interface Written {
  readonly id: string;
  readonly term: number;
  readonly count: number;
}

/** The verbs by which others would see that something was changed. */
const LOGGED = new Set<Verb>(["resign"]);

/** P2 and rules 14b and 14i: terms increase, fenced writes stop with them, and each term stands in history before its work. */
export class TermsReferee {
  /** Terms whose beginning stands in history, by name. */
  readonly #recorded = new Map<string, Set<number>>();
  /** How often leaders have written under their fence, by name. */
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly known: Known,
    private readonly sessionRows: SessionRowsReferee,
    /** What leaders have written under their fence, by name. */
    private readonly registered: (name: string) => Written | undefined,
  ) {}

  began({ bidder: { name }, leadership, session }: Working): void {
    const { term } = leadership;
    if (!(leadership.remainingMs() > 0))
      throw new Violation("handed out", `${name}: term ${term} had run out before work began`);
    if (session !== undefined && !this.#recordedOf(name).has(term))
      throw new Violation("history", `${name}: work of term ${term} begins before history has it`);
    for (const other of this.known.working(name))
      if (other.leadership.term >= term && other.leadership !== leadership)
        throw new Violation("terms", `${name} begins term ${term} after ${other.leadership.term}`);
  }

  recorded(name: string, { term, holder }: TermRecord): void {
    if (holder !== undefined) this.#recordedOf(name).add(term);
  }

  landed(verb: Verb, name: string, request: unknown, lease: Lease, nowMs: number): void {
    const known = this.known.lease(name);
    const before = known.row;
    if (verb === "acquire") this.#acquired(name, known, request as AcquireRequest, lease, nowMs);
    const session = before?.kind === "held" ? before.session : undefined;
    if (LOGGED.has(verb) && session !== undefined && lease.kind === "vacant")
      known.unlogged = { session, sinceMs: nowMs };
    // If the session has ended, nobody is told: who waits for a row lease sees the eviction after that, and waits again.
    if (verb === "evict") known.slowSinceMs = nowMs + (this.#isLive(session) ? 0 : this.known.rowLeaseMs);
    if (lease.kind !== "held" && "session" in lease && lease.session !== undefined)
      throw new Violation("row", `${name}: a row without a holder names a session`);
    known.row = lease;
    known.highestTerm = Math.max(known.highestTerm, lease.term);
  }

  #acquired(name: string, known: KnownLease, request: AcquireRequest, lease: Lease, nowMs: number): void {
    const { row } = known;
    if (lease.term <= known.lastLed)
      throw new Violation("terms", `${name}: term ${lease.term} follows term ${known.lastLed}`);
    if (row?.pausedBy !== undefined)
      throw new Violation("paused", `${name}: term ${lease.term} begins while the election is paused`);
    known.lastLed = lease.term;
    known.sessions.set(lease.term, request.session);
    if (request.basis.founding) this.#recordedOf(name).add(lease.term);
    const { schemaVersion = 1 } = lease as Versioned;
    if (request.session !== undefined && schemaVersion < 2)
      throw new Violation(
        "version",
        `${name}: clients of before would take term ${lease.term} from a living session`,
      );
    if (row?.kind === "held") this.sessionRows.claimed(name, row, request, nowMs);
  }

  /** An answer to a token seen before is no write; what stands in the register is. */
  wrote(name: string): void {
    const row = this.registered(name);
    if (row === undefined || row.count === (this.#counts.get(name) ?? 0)) return;
    this.#counts.set(name, row.count);
    const { highestTerm } = this.known.lease(name);
    if (row.term < highestTerm)
      throw new Violation("fencing", `${name}: a write of term ${row.term} passes after term ${highestTerm}`);
  }

  deleted(name: string, nowMs: number): void {
    const known = this.known.lease(name);
    known.row = undefined;
    known.unlogged = undefined;
    known.slowSinceMs = nowMs;
  }

  /** An older row is in the place of a later one. */
  restored(name: string, older: Lease, row: Lease, nowMs: number): void {
    const known = this.known.lease(name);
    known.row = older;
    known.slowSinceMs = nowMs;
    known.lostTerm = Math.max(known.lostTerm, row.term);
    known.unlogged = undefined;
  }

  #isLive(session: string | undefined): boolean {
    return session === undefined || this.known.session(sessionRowName(session)).row?.kind === "held";
  }

  #recordedOf(name: string): Set<number> {
    let recorded = this.#recorded.get(name);
    if (recorded === undefined) {
      recorded = new Set();
      this.#recorded.set(name, recorded);
    }
    return recorded;
  }
}
