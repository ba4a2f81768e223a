import type { Leadership } from "../../../src/index.js";
import { isHeldIn, type Lease, type Vacant } from "../../../src/protocol/lease.js";
import { isSessionRow, sessionRowName } from "../../../src/protocol/sessions.js";
import type { Host } from "../host.js";
import { ROW_LEASES, type SessionsPlan } from "./plan.js";

/** One candidate: one election object of one process. */
export interface Bidder {
  readonly host: Host;
  readonly name: string;
  readonly candidateId: string;
  /** A lease under a session that is written only when something changes (rule 14k). */
  readonly isQuiet: boolean;
  readonly isPlain: boolean;
  /** Undefined: no thread renews while its event loop is blocked. */
  readonly maxStallMs: number | undefined;
}

/** A leadership whose work runs, or that is trusted. */
export interface Working {
  readonly bidder: Bidder;
  readonly leadership: Leadership;
  readonly session: string | undefined;
  /** The work has not returned. */
  runs: boolean;
  /** When its time to stop was over, in true time and by the clock of its process, which stands still while it is suspended. */
  overrun: { readonly trueMs: number; readonly monotonicMs: number } | undefined;
  /** Since when it is not trusted, and its work was not told. */
  untoldSinceMs: number | undefined;
}

/** What is known of one election. */
export interface KnownLease {
  row: Lease | undefined;
  /** The highest term that was acquired, and under which session each was. */
  lastLed: number;
  highestTerm: number;
  readonly sessions: Map<number, string | undefined>;
  ledMs: number;
  /** Since a deletion, an eviction or a tombstone: by the rules each candidate waits for a row lease. */
  slowSinceMs: number | undefined;
  /** An older row was put back: until a term above this one, perhaps nobody knows whom it names (rule 14f). */
  lostTerm: number;
  /** A session's process has to log its last own write (rule 14g). */
  unlogged: { readonly session: string; readonly sinceMs: number } | undefined;
}

/** What is known of one session's row. */
export interface KnownSession {
  row: Lease | undefined;
  /** When the pair changed last, and when it was first a tombstone. */
  changedMs: number;
  tombstoneMs: number | undefined;
  /** It has ended for ever. */
  ended: boolean;
  /** While it lived it was deleted, or an older row came in its place: its holder goes by this until its next heartbeat. */
  lost: { readonly row: Lease | undefined; readonly changedMs: number } | undefined;
}

/** The rows as they stand and the work that is done: what all rules are judged by. */
export class Known {
  readonly #leases = new Map<string, KnownLease>();
  readonly #sessions = new Map<string, KnownSession>();
  readonly #working = new Map<string, Set<Working>>();

  constructor(readonly plan: SessionsPlan) {
    for (const { name } of plan.names) {
      this.#leases.set(name, unknown());
      this.#working.set(name, new Set());
    }
  }

  /** The longest that any process waits for a lease row. */
  get rowLeaseMs(): number {
    const stalls = this.plan.processes.map(({ maxStallMs = 0 }) => maxStallMs);
    return ROW_LEASES * this.plan.leaseDurationMs + Math.max(...stalls);
  }

  lease(name: string): KnownLease {
    return this.#leases.get(name) ?? unknown();
  }

  get leases(): Iterable<KnownLease> {
    return this.#leases.values();
  }

  /** By the name of its row. */
  session(row: string): KnownSession {
    let known = this.#sessions.get(row);
    if (known === undefined) {
      known = { row: undefined, changedMs: 0, tombstoneMs: undefined, ended: false, lost: undefined };
      this.#sessions.set(row, known);
    }
    return known;
  }

  working(name: string): Set<Working> {
    return this.#working.get(name) ?? new Set();
  }

  get allWorking(): Iterable<[name: string, all: Set<Working>]> {
    return this.#working;
  }

  workOf(host: Host, name: string, term: number): Working | undefined {
    return [...this.working(name)].find(
      ({ bidder, leadership }) => bidder.host === host && leadership.term === term,
    );
  }

  rowOf(name: string): Lease | undefined {
    return this.#leases.get(name)?.row;
  }

  /** The row of an election or of a session, as it stands. */
  standing(name: string): Lease | undefined {
    return isSessionRow(name) ? this.#sessions.get(name)?.row : this.rowOf(name);
  }

  get sessionRows(): string[] {
    return [...this.#sessions.keys()];
  }

  get livingSessions(): string[] {
    return [...this.#sessions].flatMap(([row, { ended, row: lease }]) =>
      lease?.kind === "held" && !ended ? [row] : [],
    );
  }

  /** The rows of sessions that have ended for ever. */
  get endedSessions(): string[] {
    return [...this.#sessions].flatMap(([row, { ended, row: lease }]) => (ended && lease ? [row] : []));
  }

  /** Who waits for a lease under it waits for a row lease from now on. */
  excuseAllUnder(sessionRow: string, nowMs: number): void {
    for (const known of this.leases) {
      const { row } = known;
      if (row?.kind === "held" && sessionRowName(row.session ?? "") === sessionRow) known.slowSinceMs = nowMs;
    }
  }

  /** Who leads this name and trusts it. */
  leaderOf(name: string): Working | undefined {
    return [...this.working(name)].find(
      ({ bidder, leadership }) => bidder.host.alive && leadership.remainingMs() > 0,
    );
  }

  /** Names that nobody leads. */
  get leaderless(): string[] {
    return this.plan.names.flatMap(({ name }) => {
      const leader = this.leaderOf(name);
      return leader && !leader.leadership.signal.aborted ? [] : [name];
    });
  }

  /** Each name is led by whom its row names: what happened to the rows before has been seen. */
  get isSettled(): boolean {
    return this.plan.names.every(({ name }) => {
      const { leadership } = this.leaderOf(name) ?? {};
      return leadership && !leadership.signal.aborted && isHeldIn(this.rowOf(name), leadership);
    });
  }
}

/** As rule 14 says it, and not as the code does. */
export function isTombstone({ endReason, revision }: Vacant): boolean {
  if (endReason === "expired") return revision <= 2;
  return endReason === undefined || endReason === "deleted" || endReason === "evicted";
}

export function tenureOf(name: string, { candidateId, term }: { candidateId: string; term: number }): string {
  return `${name}/${candidateId}/${term}`;
}

function unknown(): KnownLease {
  return {
    row: undefined,
    lastLed: 0,
    highestTerm: 0,
    sessions: new Map(),
    ledMs: 0,
    slowSinceMs: undefined,
    lostTerm: 0,
    unlogged: undefined,
  };
}
