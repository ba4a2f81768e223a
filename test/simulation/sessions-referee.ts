import type { ElectionEvent, Leadership } from "../../src/index.js";
import { isHeldIn, type Lease, type Vacant } from "../../src/protocol/lease.js";
import type { Versioned } from "../../src/protocol/schema-version.js";
import { isSessionRow, readChanges, sessionRowName } from "../../src/protocol/sessions.js";
import type {
  AcknowledgeRequest,
  AcquireRequest,
  Answer,
  ResignRequest,
  TermRecord,
} from "../../src/protocol/verbs.js";
import { EPOCH_MS, type Host } from "./host.js";
import type { Verb } from "./network.js";
import { MAX_DRIFT, ROW_LEASES, type SessionsPlan } from "./sessions-plan.js";
import { Violation } from "./violation.js";

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

/** How often leaders of a name have written under their fence, and in which term last. */
export interface Written {
  readonly id: string;
  readonly term: number;
  readonly count: number;
}

interface Working {
  readonly bidder: Bidder;
  readonly leadership: Leadership;
  readonly session: string | undefined;
  /** The work has not returned. */
  runs: boolean;
  /** When its time to stop was over, by the clock of its process. */
  overrunMs: number | undefined;
  /** Since when it is not trusted, and its work was not told. */
  untoldSinceMs: number | undefined;
}

/** What the referee knows of one election. */
interface Known {
  row: Lease | undefined;
  /** The highest term that was acquired, by whom, and under which session. */
  lastLed: number;
  highestTerm: number;
  /** How often its leaders have written under their fence. */
  count: number;
  readonly sessions: Map<number, string | undefined>;
  /** Terms whose beginning stands in history. */
  readonly recorded: Set<number>;
  ledMs: number;
  /** Since a deletion, an eviction or a tombstone: by the rules each candidate waits for a row lease. */
  slowSinceMs: number | undefined;
  /** Since when it is held under a living session, and nobody works on it. */
  orphanSinceMs: number | undefined;
  /** An older row was put back: until a term above this one, perhaps nobody knows whom it names (rule 14f). */
  lostTerm: number;
  /** A session's process has to log its last own write (rule 14g). */
  unlogged: { readonly session: string; readonly sinceMs: number } | undefined;
}

/** What it knows of one session's row. */
interface KnownSession {
  row: Lease | undefined;
  /** When the pair changed last, and when it was first a tombstone. */
  changedMs: number;
  tombstoneMs: number | undefined;
  /** It has ended for ever. */
  ended: boolean;
  /** While it lived it was deleted, or an older row came in its place: its holder goes by this until its next heartbeat. */
  lost: { readonly row: Lease | undefined; readonly changedMs: number } | undefined;
}

/** Of a history, with all its requests and timers. */
const MAX_STEPS = 2_000_000;
const LOSSES = new Set(["superseded", "evicted", "deleted"]);
/** The verbs by which others would see that something was changed. */
const LOGGED = new Set<Verb>(["resign"]);

/** Sees all that lands and all work that begins and ends, and holds the promises and the rules of sessions against it. */
export class SessionsReferee {
  readonly #names = new Map<string, Known>();
  readonly #sessions = new Map<string, KnownSession>();
  readonly #working = new Map<string, Set<Working>>();
  /** By candidate and term: when the request left whose answer last showed that the row is its own. */
  readonly #shownMs = new Map<string, number>();
  /** The sessions whose end an answer has shown, by process. */
  readonly #endsSeen = new Map<Host | undefined, Set<string>>();
  readonly #endings = new Map<string, number>();
  /** Tenures that were not given back in time: others may have ended them, or the session later. */
  readonly #ranOut = new Set<string>();
  /** Of these, those whose row was not seen for too long. */
  readonly #expired = new Set<string>();
  /** Whose orphans, silences and vacancies count: the storm is over. */
  isCalmSinceMs: number | undefined;
  elections = 0;
  #turn = 0;
  #lastBirthMs = 0;

  constructor(
    private readonly plan: SessionsPlan,
    private readonly stopTimeoutMs: number,
    /** What leaders have written under their fence, by name. */
    private readonly registered: (name: string) => Written | undefined,
    private readonly hostOf: (candidateId: string) => Host | undefined,
  ) {
    for (const { name } of plan.names) this.#names.set(name, unknown());
  }

  get rowLeaseMs(): number {
    const stalls = this.plan.processes.map(({ maxStallMs = 0 }) => maxStallMs);
    return ROW_LEASES * this.plan.leaseDurationMs + Math.max(...stalls);
  }

  rowOf(name: string): Lease | undefined {
    return this.#names.get(name)?.row;
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

  began(bidder: Bidder, leadership: Leadership, nowMs: number): Working {
    this.elections += 1;
    const { name } = bidder;
    const known = this.#of(name);
    const { term } = leadership;
    if (!(leadership.remainingMs() > 0))
      throw new Violation("handed out", `${name}: term ${term} had run out before work began`);
    const session = known.sessions.get(term);
    if (session !== undefined && !known.recorded.has(term))
      throw new Violation("history", `${name}: work of term ${term} begins before history has it`);
    const working = {
      bidder,
      leadership,
      session,
      runs: true,
      overrunMs: undefined,
      untoldSinceMs: undefined,
    };
    const all = this.#working.get(name) ?? new Set();
    for (const other of all)
      if (other.leadership.term >= term && other.leadership !== leadership)
        throw new Violation("terms", `${name} begins term ${term} after ${other.leadership.term}`);
    this.#working.set(name, all.add(working));
    known.ledMs = nowMs;
    return working;
  }

  /** A process starts, or opens another session. */
  born(nowMs: number): void {
    this.#lastBirthMs = nowMs;
  }

  /** After every step. */
  inspect(nowMs: number, steps: number): void {
    if (steps > MAX_STEPS) throw new Violation("rest", "a process never rests");
    for (const [name, all] of this.#working) if (all.size > 1) this.#expectOne(name, all);
    // What lasts is seen by looking at one after the other.
    const { names } = this.plan;
    const { name } = names[this.#turn++ % names.length] as { name: string };
    this.#look(name, nowMs);
  }

  #expectOne(name: string, all: ReadonlySet<Working>): void {
    const trusted = [...all].filter(
      ({ bidder, leadership }) => bidder.host.answers && leadership.remainingMs() > 0,
    );
    if (trusted.length < 2) return;
    const who = trusted.map(({ leadership }) => `${leadership.candidateId} (term ${leadership.term})`);
    throw new Violation("exclusion", `${name} is trusted by ${who.join(" and ")}`);
  }

  #look(name: string, nowMs: number): void {
    const known = this.#of(name);
    const all = this.#working.get(name);
    for (const working of all ?? []) {
      const { bidder, leadership, runs } = working;
      if (!bidder.host.alive) all?.delete(working);
      if (!bidder.host.answers) {
        // Its event loop is blocked: whether it trusts is not known, and nobody waits for it.
        if (bidder.host.alive) known.ledMs = nowMs;
        continue;
      }
      const isTrusted = leadership.remainingMs() > 0;
      if (isTrusted && !leadership.signal.aborted) known.ledMs = nowMs;
      if (!isTrusted && !runs) all?.delete(working);
      if (isTrusted) this.#expectPromised(working, nowMs);
      const isTold = isTrusted || !runs || leadership.signal.aborted || !bidder.host.running;
      working.untoldSinceMs = isTold ? undefined : (working.untoldSinceMs ?? nowMs);
      if (nowMs - (working.untoldSinceMs ?? nowMs) > this.plan.leaseDurationMs)
        throw new Violation("told", `${name}: the work of term ${leadership.term} does not hear of its end`);
    }
    this.#lookForOrphan(name, known, nowMs);
    this.#expectLogged(name, known, nowMs);
    const { isCalmSinceMs, plan } = this;
    if (isCalmSinceMs === undefined || known.row?.pausedBy !== undefined) return;
    const sinceMs = Math.max(isCalmSinceMs, known.ledMs, known.slowSinceMs ?? 0);
    const waitsMs = known.slowSinceMs === undefined ? 0 : this.rowLeaseMs;
    // Who comes later begins to wait later.
    const untilMs = Math.max(sinceMs, waitsMs && this.#lastBirthMs) + waitsMs + 5 * plan.leaseDurationMs;
    if (nowMs > untilMs) throw new Violation("liveness", `nobody leads ${name} for too long`);
  }

  /** What a holder under a session trusts, it has promised to the others by two rows (rule 14c). */
  #expectPromised({ bidder, leadership, session, overrunMs }: Working, nowMs: number): void {
    if (session === undefined) return;
    const { leaseDurationMs } = this.plan;
    const tenure = `${bidder.name}: ${leadership.candidateId} (term ${leadership.term})`;
    const { row, changedMs } = this.#promiseOf(sessionRowName(session));
    if (row?.kind !== "held")
      throw new Violation("as promised", `${tenure} is trusted, but its session has ended`);
    if (row.expiresAt !== undefined && EPOCH_MS + nowMs > row.expiresAt)
      throw new Violation("as promised", `${tenure} is trusted for longer than its session's row says`);
    if (nowMs - changedMs > leaseDurationMs * (1 + MAX_DRIFT))
      throw new Violation("as promised", `${tenure} is trusted a lease after the last heartbeat`);
    const shownMs = this.#shownMs.get(tenureOf(bidder.name, leadership)) ?? nowMs;
    if (overrunMs !== undefined && bidder.host.monotonicMs() - overrunMs > leaseDurationMs)
      throw new Violation("overrun", `${tenure} is trusted a lease after its time to stop`);
    const rowLeaseMs = ROW_LEASES * leaseDurationMs + (bidder.maxStallMs ?? 0);
    if (nowMs - shownMs > rowLeaseMs * (1 + MAX_DRIFT))
      throw new Violation("row lease", `${tenure} is trusted a row lease after its holder last saw its row`);
  }

  /** What the holder of a session has promised to the others by its row. */
  #promiseOf(sessionRow: string): Pick<KnownSession, "row" | "changedMs"> {
    const { row, changedMs, lost } = this.#sessionOf(sessionRow);
    const isEnded = row?.kind === "vacant" && !isTombstone(row);
    return lost && !isEnded ? lost : { row, changedMs };
  }

  /** Held under a living session, and no work on it: such a lease would be kept for ever (rule 14f). */
  #lookForOrphan(name: string, known: Known, nowMs: number): void {
    const { row } = known;
    const session = row?.kind === "held" ? row.session : undefined;
    const isHeld = session !== undefined && this.#sessionOf(sessionRowName(session)).row?.kind === "held";
    const isWorkedOn = [...(this.#working.get(name) ?? [])].some(
      ({ bidder, leadership, runs }) =>
        isHeldIn(row, { candidateId: bidder.candidateId, term: leadership.term }) &&
        bidder.host.alive &&
        (runs || leadership.remainingMs() > 0),
    );
    const isPutBack = row !== undefined && row.term <= known.lostTerm;
    if (!isHeld || isWorkedOn || isPutBack || this.isCalmSinceMs === undefined) {
      known.orphanSinceMs = undefined;
      return;
    }
    known.orphanSinceMs ??= nowMs;
    const boundMs = 5 * this.plan.leaseDurationMs + this.stopTimeoutMs;
    if (nowMs - known.orphanSinceMs > boundMs)
      throw new Violation(
        "orphan",
        `${name} is held by ${row?.kind === "held" && row.holder}, who does not work on it`,
      );
  }

  #expectLogged(name: string, known: Known, nowMs: number): void {
    const { unlogged, row } = known;
    if (unlogged === undefined) return;
    const { row: session } = this.#sessionOf(sessionRowName(unlogged.session));
    if (session?.kind !== "held" || row?.kind === "held") known.unlogged = undefined;
    else if (
      this.isCalmSinceMs !== undefined &&
      nowMs - Math.max(unlogged.sinceMs, this.isCalmSinceMs) > 2 * this.plan.leaseDurationMs
    )
      throw new Violation("log", `the change of ${name} is not in the log of its session`);
  }

  sent(host: Host, verb: Verb, request: unknown): void {
    if (verb === "resign") this.#expectStopped(host, request as ResignRequest);
    if (verb === "acknowledgeEviction") {
      const { election, term } = request as AcknowledgeRequest;
      const working = this.#workOf(host, election, term);
      if (working?.runs || (working && working.leadership.remainingMs() > 0))
        throw new Violation(
          "work",
          `the eviction of term ${term} of ${election} is acknowledged while its work runs`,
        );
    }
  }

  /** P4. Work that does not stop has run out before its row is given back (rule 14f). */
  #expectStopped(host: Host, { election, term, candidateId }: ResignRequest): void {
    if (isSessionRow(election)) {
      for (const [name, all] of this.#working)
        for (const working of all) {
          const { bidder, runs, leadership } = working;
          const { row, lostTerm } = this.#of(name);
          // Of a row that was put back it may believe that another has it, so it does not count on it any more.
          if (leadership.term <= lostTerm) continue;
          const isHeld = isHeldIn(row, leadership) && sessionRowName(row.session ?? "") === election;
          if (bidder.host === host && runs && isHeld && !this.#hasRunOut(working))
            throw new Violation("work", `a session is closed while work on ${name} runs`);
        }
      return;
    }
    const working = this.#workOf(host, election, term);
    if (!working?.runs || working.bidder.candidateId !== candidateId) return;
    if (working.session !== undefined && this.#hasRunOut(working)) return;
    throw new Violation("work", `term ${term} of ${election} is given back while its work runs`);
  }

  #hasRunOut({ bidder, leadership, overrunMs }: Working): boolean {
    if (leadership.remainingMs() > 0) return false;
    const sinceMs = bidder.host.monotonicMs() - (overrunMs ?? Number.POSITIVE_INFINITY);
    const isExpired = this.#expired.has(tenureOf(bidder.name, leadership));
    return isExpired || sinceMs > 0.85 * this.plan.leaseDurationMs;
  }

  #workOf(host: Host, name: string, term: number): Working | undefined {
    return [...(this.#working.get(name) ?? [])].find(
      ({ bidder, leadership }) => bidder.host === host && leadership.term === term,
    );
  }

  /** An answer reached a process: what it shows of its own rows. */
  heard(
    host: Host,
    candidates: ReadonlySet<string>,
    verb: Verb,
    args: readonly unknown[],
    answer: Answer,
    sentMs: number,
  ): void {
    const { lease, leases } = answer as { lease?: Lease; leases?: ReadonlyMap<string, Lease> };
    const of = typeof args[0] === "string" ? args[0] : (args[0] as { election?: string }).election;
    if (of !== undefined && isSessionRow(of) && lease?.kind === "vacant" && !isTombstone(lease))
      this.#endsSeen.set(host, (this.#endsSeen.get(host) ?? new Set()).add(of.slice("session#".length)));
    const how = args[1] as { consistent?: boolean } | undefined;
    if ((verb === "read" || verb === "readMany") && !how?.consistent) return;
    const name =
      verb === "read" ? (args[0] as string) : (args[0] as { election?: string } | undefined)?.election;
    const rows = leases ?? (name !== undefined && lease ? new Map([[name, lease]]) : undefined);
    for (const [election, row] of rows ?? [])
      if (row.kind === "held" && candidates.has(row.holder))
        this.#shown(election, row.holder, row.term, sentMs);
    const { done } = answer as { done?: boolean };
    const { term, candidateId } = (args[0] ?? {}) as { term?: number; candidateId?: string };
    if (done && verb === "transact" && name !== undefined && term !== undefined && candidateId !== undefined)
      this.#shown(name, candidateId, term, sentMs);
  }

  #shown(name: string, candidateId: string, term: number, sentMs: number): void {
    const tenure = tenureOf(name, { candidateId, term });
    this.#shownMs.set(tenure, Math.max(sentMs, this.#shownMs.get(tenure) ?? sentMs));
  }

  landed(verb: Verb, args: readonly unknown[], answer: Answer, nowMs: number): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    if (verb === "recordTerm") {
      const { term, holder } = args[1] as TermRecord;
      if (holder !== undefined) this.#of(args[0] as string).recorded.add(term);
    }
    const { election } = (args[0] ?? {}) as { election?: string };
    if (!done || election === undefined) return;
    if (verb === "transact") this.#wrote(election);
    if (lease === undefined || verb === "recordTerm") return;
    if (isSessionRow(election)) this.#sessionLanded(verb, election, lease, nowMs);
    else this.#leaseLanded(verb, election, args[0], lease, nowMs);
  }

  #sessionLanded(verb: Verb, election: string, lease: Lease, nowMs: number): void {
    const known = this.#sessionOf(election);
    const before = known.row;
    if (verb === "nudgeSession") {
      known.row = lease;
      return;
    }
    if (verb === "sealSession") this.#expectDead(election, known, nowMs);
    if (before?.kind === "vacant" && lease.kind === "held")
      throw new Violation("sealed for ever", `${election} lives again after its end`);
    if (before?.kind === "held" && lease.revision <= before.revision && lease.kind === "held")
      throw new Violation("revisions increase", `${election}: ${lease.revision} follows ${before.revision}`);
    known.row = lease;
    known.changedMs = nowMs;
    if (lease.kind === "held") known.lost = undefined;
    if (lease.kind !== "vacant") return;
    if (isTombstone(lease)) {
      known.tombstoneMs ??= nowMs;
      this.#excuseAllUnder(election, nowMs);
    } else known.ended = true;
  }

  #excuseAllUnder(sessionRow: string, nowMs: number): void {
    for (const known of this.#names.values()) {
      const { row } = known;
      if (row?.kind === "held" && sessionRowName(row.session ?? "") === sessionRow) known.slowSinceMs = nowMs;
    }
  }

  /** Rule 14d. Nobody seals a session that may live: its pair is a lease old, or its `expiresAt` has passed. */
  #expectDead(election: string, { row, changedMs, lost }: KnownSession, nowMs: number): void {
    if (row?.kind !== "held") return;
    // A row that was put back says nothing of the time (rule 6b).
    const isPast = lost === undefined && row.expiresAt !== undefined && EPOCH_MS + nowMs > row.expiresAt;
    if (isPast || nowMs - changedMs >= row.leaseDurationMs * (1 - MAX_DRIFT)) return;
    throw new Violation(
      "seal",
      `${election} is sealed ${Math.round(nowMs - changedMs)} ms after its last heartbeat`,
    );
  }

  #leaseLanded(verb: Verb, name: string, request: unknown, lease: Lease, nowMs: number): void {
    const known = this.#of(name);
    const before = known.row;
    if (verb === "acquire") this.#acquired(name, known, request as AcquireRequest, lease, nowMs);
    const isSession = before?.kind === "held" ? before.session : undefined;
    if (LOGGED.has(verb) && isSession !== undefined && lease.kind === "vacant")
      known.unlogged = { session: isSession, sinceMs: nowMs };
    if (verb === "evict") known.slowSinceMs = nowMs;
    if (lease.kind !== "held" && "session" in lease && lease.session !== undefined)
      throw new Violation("row", `${name}: a row without a holder names a session`);
    known.row = lease;
    known.highestTerm = Math.max(known.highestTerm, lease.term);
  }

  #acquired(name: string, known: Known, request: AcquireRequest, lease: Lease, nowMs: number): void {
    const { row } = known;
    if (lease.term <= known.lastLed)
      throw new Violation("terms", `${name}: term ${lease.term} follows term ${known.lastLed}`);
    if (row?.pausedBy !== undefined)
      throw new Violation("paused", `${name}: term ${lease.term} begins while the election is paused`);
    known.lastLed = lease.term;
    known.sessions.set(lease.term, request.session);
    if (request.basis.founding) known.recorded.add(lease.term);
    const { schemaVersion = 1 } = lease as Versioned;
    if (request.session !== undefined && schemaVersion < 2)
      throw new Violation(
        "version",
        `${name}: clients of before would take term ${lease.term} from a living session`,
      );
    if (row?.kind !== "held" || row.session === undefined || row.holder === request.candidateId) return;
    // A claim (rules 14d and 14e).
    const session = this.#sessionOf(sessionRowName(row.session));
    if (session.ended && this.#endsSeen.get(this.hostOf(request.candidateId))?.has(row.session)) return;
    const { tombstoneMs } = session;
    const isBuried =
      tombstoneMs !== undefined && nowMs - tombstoneMs >= row.leaseDurationMs * (1 - MAX_DRIFT);
    if (isBuried) return;
    const what =
      tombstoneMs !== undefined ? "a tombstone" : session.row ? "a session that lives" : "no session's row";
    throw new Violation("claim", `${name} is taken from ${row.holder} upon ${what}`);
  }

  /** An answer to a token seen before is no write; what stands in the register is. */
  #wrote(name: string): void {
    const known = this.#of(name);
    const row = this.registered(name);
    if (row === undefined || row.count === known.count) return;
    known.count = row.count;
    if (row.term < known.highestTerm)
      throw new Violation(
        "fencing",
        `${name}: a write of term ${row.term} passes after term ${known.highestTerm}`,
      );
  }

  deleted(name: string, nowMs: number): void {
    const known = this.#of(name);
    known.row = undefined;
    known.unlogged = undefined;
    known.slowSinceMs = nowMs;
  }

  /** By the table's TTL. */
  swept(sessionRow: string, nowMs: number): void {
    const known = this.#sessionOf(sessionRow);
    known.row = undefined;
    this.#excuseAllUnder(sessionRow, nowMs);
  }

  /** The row of a session that lives is gone, or an older one is in its place. */
  lost(sessionRow: string, older: Lease | undefined, nowMs: number): void {
    const known = this.#sessionOf(sessionRow);
    const isAlive = known.row?.kind === "held" && !known.ended;
    known.lost = isAlive ? (known.lost ?? { row: known.row, changedMs: known.changedMs }) : undefined;
    known.row = older;
    known.changedMs = nowMs;
    this.#excuseAllUnder(sessionRow, nowMs);
  }

  /** An older row is in the place of a later one. */
  restored(name: string, older: Lease, row: Lease, nowMs: number): void {
    if (isSessionRow(name)) {
      this.lost(name, older, nowMs);
      return;
    }
    const known = this.#of(name);
    known.row = older;
    known.slowSinceMs = nowMs;
    known.lostTerm = Math.max(known.lostTerm, row.term);
    known.unlogged = undefined;
  }

  logged(session: string, lease: Lease): void {
    const { names } = readChanges(lease.kind === "held" ? lease.value : undefined);
    for (const name of names) {
      const known = this.#names.get(name);
      if (known?.unlogged && sessionRowName(known.unlogged.session) === session) known.unlogged = undefined;
    }
  }

  heardEvent(event: ElectionEvent): void {
    if (event.type === "elected") this.#endings.set(tenureOf(event.election, event), 0);
    else if (event.type === "resigned" && event.outcome === "lost") {
      const { row, lostTerm = 0 } = this.#names.get(event.election) ?? {};
      const ranOut = this.#ranOut.has(tenureOf(event.election, event)) || event.term <= lostTerm;
      if (row?.term === event.term && row.kind === "vacant" && !ranOut)
        throw new Violation(
          "true loss",
          `term ${event.term} of ${event.election} was given back, but is reported as lost`,
        );
    } else if (event.type === "drain-overrun") {
      this.#ranOut.add(tenureOf(event.election, event));
      for (const working of this.#working.get(event.election) ?? [])
        if (working.leadership.candidateId === event.candidateId && working.leadership.term === event.term)
          working.overrunMs = working.bidder.host.monotonicMs();
    } else if (event.type === "internal-error") throw new Violation("no internal error", event.error.found);
    else if (event.type === "ended") {
      const tenure = tenureOf(event.election, event);
      const times = (this.#endings.get(tenure) ?? 0) + 1;
      this.#endings.set(tenure, times);
      if (event.reason === "expired") this.#expired.add(tenure);
      if (event.reason === "expired" || event.reason === "session-lost") this.#ranOut.add(tenure);
      if (times > 1) throw new Violation("told once", `the end of ${tenure} was reported ${times} times`);
      const known = this.#names.get(event.election);
      // Of an older row: its holder is told that it lost the row, since what it wrote there is gone.
      const isPutBack = known !== undefined && event.term <= known.lostTerm;
      if (LOSSES.has(event.reason) && isHeldIn(known?.row, event) && !isPutBack)
        throw new Violation("true loss", `${tenure} gets "${event.reason}", but the row is still its own`);
    }
  }

  /** Who leads this name and trusts it. */
  leaderOf(name: string): Working | undefined {
    return [...(this.#working.get(name) ?? [])].find(
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

  #of(name: string): Known {
    return this.#names.get(name) as Known;
  }

  #sessionOf(row: string): KnownSession {
    let known = this.#sessions.get(row);
    if (known === undefined) {
      known = { row: undefined, changedMs: 0, tombstoneMs: undefined, ended: false, lost: undefined };
      this.#sessions.set(row, known);
    }
    return known;
  }
}

/** As rule 14 says it, and not as the code does. */
function isTombstone({ endReason, revision }: Vacant): boolean {
  if (endReason === "expired") return revision <= 2;
  return endReason === undefined || endReason === "deleted" || endReason === "evicted";
}

function unknown(): Known {
  return {
    row: undefined,
    lastLed: 0,
    highestTerm: 0,
    count: 0,
    sessions: new Map(),
    recorded: new Set(),
    ledMs: 0,
    slowSinceMs: undefined,
    orphanSinceMs: undefined,
    lostTerm: 0,
    unlogged: undefined,
  };
}

function tenureOf(name: string, { candidateId, term }: { candidateId: string; term: number }): string {
  return `${name}/${candidateId}/${term}`;
}
