import type { ElectionEvent, LeaderChange } from "../../src/index.js";
import { endedTerm, isHeldIn, type Lease, type Vacant } from "../../src/protocol/lease.js";
import type { AcquireRequest, Answer, TermRecord } from "../../src/protocol/verbs.js";
import type { MemoryTable } from "../../src/testing/index.js";
import type { Host } from "./host.js";
import type { Verb } from "./network.js";
import { ObserverReferee } from "./observer-referee.js";
import { CALLS, type Player, REGISTER } from "./players.js";
import { StandInReferee } from "./stand-in-referee.js";
import { TickReferee } from "./tick-referee.js";
import { Violation } from "./violation.js";
import { WillReferee } from "./will-referee.js";

/** Holds a run to the promises of the protocol, step by step. Sees everything, changes nothing. */
export class Referee {
  readonly players: Player[] = [];
  elections = 0;
  /** By an operator: nobody may be elected. */
  #paused = false;
  /** What an operator asked for and was told to be done; undefined while it asks. */
  #askedForPause: boolean | undefined;
  exclusionBroken = 0;
  /** Fenced off is whatever is lower: an eviction's number counts, though nobody led under it. */
  #highestTerm = 0;
  #lastLed = 0;
  /** When somebody led last whose work may go on. */
  #ledMs = 0;
  #leaderRank = 0;
  /** Of an older row: its holder is told that it lost the row, since what it wrote there is gone. */
  #putBackTerm = 0;
  /** The lease row as it stands. */
  #row: Lease | undefined;
  /** Placeholders, by revision: made once, or made again by a copy of the same request. */
  readonly #places = new Map<number, "once" | "again">();
  #count = 0;
  readonly #writes = new Set<string>();
  /** Found where nobody listens to what is thrown. */
  readonly #late: Violation[] = [];
  /** How often the end of each tenure was told, of processes that live. */
  readonly #endings = new Map<string, number>();
  readonly ticks = new TickReferee();
  readonly wills = new WillReferee();
  readonly #observer = new ObserverReferee();
  readonly standIns = new StandInReferee();
  /** Terms whose beginning stands in history. */
  readonly #recorded = new Set<number>();
  /** When a process last tried to write history, or began to lead, without the time for which it was blocked. */
  readonly #rememberedMs = new Map<Host, number>();
  readonly #outcomes = new Map<string, "written" | "refused" | "unknown">();
  unknownOutcomes = 0;

  constructor(
    private readonly table: MemoryTable,
    /** Not when clocks break the assumptions. */
    private readonly exclusionPromised: boolean,
    /** The longest of the candidates'. */
    private readonly leaseDurationMs: number,
  ) {}

  /** After every step: at most one trusted leadership at any true instant. */
  inspect(nowMs: number): void {
    const late = this.#late.shift();
    if (late) throw late;
    let trusting: Player | undefined;
    for (const player of this.players) {
      const { host, leadership } = player;
      if (!leadership || !host.answers) continue;
      const trustMs = leadership.remainingMs();
      if (!(trustMs > 0)) continue;
      if (player.hasThread && host.running) this.standIns.trusts(player, leadership.term, trustMs);
      if (!leadership.signal.aborted) {
        this.#ledMs = nowMs;
        this.#leaderRank = player.rank;
      }
      if (trusting) {
        this.exclusionBroken += 1;
        if (this.exclusionPromised) {
          throw new Violation(
            "exclusion",
            `terms ${trusting.leadership?.term} and ${leadership.term} are trusted at once`,
          );
        }
      }
      trusting = player;
      if (host.running) this.#expectHistory(player, nowMs);
      if (this.exclusionPromised && leadership.term !== this.#putBackTerm)
        this.standIns.inspect(player, leadership.term, this.#row, nowMs);
    }
  }

  /** Who leads goes on trying until history has its term. */
  #expectHistory({ host, leadership }: Player, nowMs: number): void {
    if (!leadership || this.#recorded.has(leadership.term)) return;
    // A thread can keep the lease while the event loop is blocked, and writes no history.
    const ranMs = nowMs - host.blockedMs;
    const sinceMs = this.#rememberedMs.get(host) ?? ranMs;
    this.#rememberedMs.set(host, sinceMs);
    // Clocks beyond the assumptions may run at half speed.
    const leases = this.exclusionPromised ? 2 : 4;
    if (ranMs - sinceMs > leases * this.leaseDurationMs) {
      throw new Violation("history", `term ${leadership.term} leads, and no longer tries to record its term`);
    }
  }

  heard(event: ElectionEvent): void {
    if (event.type === "elected") {
      this.elections += 1;
      this.#endings.set(`${event.candidateId}/${event.term}`, 0);
    } else if (event.type === "ended") {
      const tenure = `${event.candidateId}/${event.term}`;
      const times = (this.#endings.get(tenure) ?? 0) + 1;
      this.#endings.set(tenure, times);
      const sender = this.players.find(({ election }) => election.candidateId === event.candidateId);
      this.standIns.ended(event, sender?.host);
      if (times > 1) throw new Violation("told once", `the end of ${tenure} was reported ${times} times`);
      const isMine = isHeldIn(this.#row, event);
      if (isMine && LOSSES.has(event.reason) && event.term !== this.#putBackTerm) {
        throw new Violation("true loss", `${tenure} gets "${event.reason}", but the row is still its own`);
      }
    } else if (event.type === "resigned" && event.outcome === "lost") {
      // The number that an eviction uses up is nobody's term.
      const isOfTerm = this.#row?.kind === "vacant" && endedTerm(this.#row) === this.#row.term;
      if (isOfTerm && this.#row?.term === event.term) {
        throw new Violation("true loss", `term ${event.term} was given back, but is reported as lost`);
      }
    } else if (event.type === "internal-error") {
      throw new Violation("no internal error", event.error.found);
    }
  }

  /** The dead tell nothing. */
  buried(player: Player, willed: ReadonlySet<number> | undefined, nowMs: number): void {
    if (willed) this.wills.died(player.election.candidateId, willed, this.#row, nowMs);
    this.players.splice(this.players.indexOf(player), 1);
    for (const tenure of this.#endings.keys()) {
      if (tenure.startsWith(`${player.election.candidateId}/`)) this.#endings.delete(tenure);
    }
  }

  /** Where nobody listens to what is thrown. */
  late(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#late.push(error);
    }
  }

  /** Who leads and trusts it. */
  get leader(): Player | undefined {
    return this.players.find(({ leadership }) => leadership && leadership.remainingMs() > 0);
  }

  /** It has no lease that it would still go by, whatever its clocks say. */
  trustsNothing({ election, leadership, working }: Player): boolean {
    if (working || (leadership && leadership.remainingMs() > 0)) return false;
    for (const [tenure, times] of this.#endings) {
      if (times === 0 && tenure.startsWith(`${election.candidateId}/`)) return false;
    }
    return true;
  }

  sent(host: Host, verb: Verb, request: unknown, nowMs: number): void {
    this.standIns.sent(host, verb, request);
    if (verb === "recordTerm" || verb === "acquire") this.#rememberedMs.set(host, nowMs - host.blockedMs);
    if (verb !== "resign") return;
    const player = this.players.find((candidate) => candidate.host === host);
    if (player?.working) throw new Violation("work", "a lease is given back while its work runs");
  }

  landed(verb: Verb, args: readonly unknown[], answer: Answer, nowMs: number): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    if (verb === "recordTerm") this.#wroteHistory(args[1] as TermRecord);
    if (!done) return;
    if (verb === "transact") this.#wrote((args[0] as { term: number }).term);
    if (!lease) return;
    const before = this.#row;
    this.#row = lease;
    this.#observer.landed(before, lease);
    this.ticks.landed(verb, args[0], before, lease, nowMs);
    this.wills.landed(verb, before, lease, (id) =>
      this.players.some((one) => one.election.candidateId === id),
    );
    this.standIns.landed(verb, args[0], before, lease);
    if (verb === "createPlaceholder") {
      this.#places.set(lease.revision, this.#places.has(lease.revision) ? "again" : "once");
    }
    if (verb === "pause") this.#setPaused(lease);
    if (verb === "acquire" && lease.term <= this.#lastLed) {
      throw new Violation("terms increase", `term ${lease.term} follows term ${this.#lastLed}`);
    }
    if (verb === "acquire") this.#lastLed = lease.term;
    if (verb === "acquire" && this.#paused) {
      throw new Violation("paused", `term ${lease.term} begins while the election is paused`);
    }
    this.#highestTerm = Math.max(this.#highestTerm, lease.term);
    if (verb === "acquire" && (args[0] as AcquireRequest).basis.founding) this.#recorded.add(lease.term);
  }

  /** What stood in the table before anything began. */
  begin(row: Vacant): void {
    this.#row = row;
    this.#lastLed = row.term;
    this.#highestTerm = row.term;
    this.#observer.begin(row);
    if (row.ticks) this.ticks.begin(row.ticks);
  }

  asksForPause(paused: boolean | undefined): void {
    this.#askedForPause = paused;
  }

  /** Whether it is a placeholder that was gone, and was made again by a copy of its request. */
  wasMadeAgain({ term, revision }: Lease): boolean {
    return term === 0 && this.#places.get(revision) === "again";
  }

  #setPaused(row: Lease): void {
    const paused = row.pausedBy !== undefined;
    if (this.#askedForPause === !paused && !this.wasMadeAgain(row)) {
      const [late, newer] = paused ? ["pause", "resume"] : ["resume", "pause"];
      throw new Violation("asked last", `a ${late} that arrives late undoes a newer ${newer}`);
    }
    this.#paused = paused;
  }

  /** An older row was put back. From then on observers may be told of an older term after a newer one. */
  restored(row: Lease, nowMs: number): void {
    this.#row = row;
    this.wills.meddled(nowMs);
    this.#observer.restored();
    this.standIns.meddled();
    this.#putBackTerm = row.term;
  }

  /** The row as it stands in the table. */
  get row(): Lease | undefined {
    return this.#row;
  }

  /** By the table's TTL. Nothing that matters may go with the row. */
  forgotten(nowMs: number): void {
    if (this.#row?.kind !== "vacant" || this.#row.ttl === undefined) return;
    const { pausedBy, ticks, tickReset } = this.#row;
    if (pausedBy !== undefined) throw new Violation("paused", "the row of a paused election is forgotten");
    if (ticks || tickReset) throw new Violation("ticks", "the row of a job is forgotten");
    this.#row = undefined;
    this.wills.meddled(nowMs);
  }

  deleted(nowMs: number): void {
    this.#row = undefined;
    this.wills.meddled(nowMs);
    this.standIns.meddled();
    this.ticks.deleted();
    this.#askedForPause = undefined;
    this.#paused = false;
  }

  #wroteHistory({ term, holder }: TermRecord): void {
    if (holder !== undefined) this.#recorded.add(term);
  }

  /** A call whose caller has aborted leaves no leadership behind. */
  settledAborted({ election, leadership }: Player): void {
    const tenures = [...this.#endings].filter(([tenure]) => tenure.startsWith(`${election.candidateId}/`));
    if (tenures.every(([, times]) => times > 0) && !(leadership && leadership.remainingMs() > 0)) return;
    this.#late.push(
      new Violation("caller", `${election.candidateId} still leads, though its caller has aborted`),
    );
  }

  /** What is handed out is a lease, and not the remains of one; and to a caller who still wants it. */
  handedOut({ leadership }: Player, caller: AbortSignal): void {
    if (caller.aborted) {
      this.#late.push(
        new Violation("caller", `work of term ${leadership?.term} begins after its caller aborted`),
      );
    }
    if (leadership && !(leadership.remainingMs() > 0)) {
      this.#late.push(new Violation("handed out", `term ${leadership.term} had run out before work began`));
    }
  }

  /** `lead` is for life: it ends when its work does, and not because a leadership did. */
  gaveUp({ election }: Player): void {
    this.#late.push(new Violation("goes on", `${election.candidateId} does not campaign any more`));
  }

  /** An answer to a token seen before is no write; what stands in the register is. */
  #wrote(term: number): void {
    const [row] = this.table.items(REGISTER) as Array<{ term: number; write: string; count: number }>;
    if (!row || row.count === this.#count) return;
    this.#count = row.count;
    if (this.#writes.has(row.write)) throw new Violation("once", `write ${row.write} was applied twice`);
    this.#writes.add(row.write);
    if (row.term < this.#highestTerm) {
      throw new Violation(
        "fencing",
        `a write of term ${term} was accepted after term ${this.#highestTerm} began`,
      );
    }
  }

  /** When faults have ended and one lease and its line have passed, somebody leads. */
  expectLeader(sinceMs: number): void {
    if (this.#ledMs >= sinceMs) return;
    throw new Violation("liveness", "nobody leads long after the faults have ended");
  }

  /** Under preemption, when faults have ended, nobody of lower rank leads for long. */
  expectRank(highest: number): void {
    if (this.#leaderRank === highest) return;
    throw new Violation("preemption", `rank ${this.#leaderRank} leads, though rank ${highest} could`);
  }

  /** What an observer is told. */
  observed(change: LeaderChange): void {
    const trusting = this.players.filter(({ leadership }) => leadership && leadership.remainingMs() > 0);
    const trusted = trusting.flatMap(({ leadership }) => leadership?.term ?? []);
    this.late(() => this.#observer.told(change, this.exclusionPromised ? trusted : []));
  }

  /** When faults have ended, ticks are run again. */
  expectTicksSince(before: number): void {
    if (this.ticks.completedRuns > before) return;
    throw new Violation("liveness", "no tick is completed long after the faults have ended");
  }

  /** What `transact` said of each call. */
  outcome(id: string, said: "written" | "refused" | "unknown"): void {
    this.#outcomes.set(id, said);
    if (said === "unknown") this.unknownOutcomes += 1;
  }

  /** Written means once, refused means never; and whatever is said, never twice. */
  expectTrueOutcomes(): void {
    const rows = this.table.items(CALLS) as Array<{ id: string; count: number }>;
    const counts = new Map(rows.map(({ id, count }) => [id, count]));
    for (const { id, count } of rows) {
      if (count > 1) throw new Violation("once", `call ${id} was applied ${count} times`);
    }
    for (const [id, said] of this.#outcomes) {
      const isThere = counts.has(id);
      if (said !== "unknown" && isThere !== (said === "written")) {
        throw new Violation("outcome", `call ${id} was ${said}, but is ${isThere ? "there" : "not there"}`);
      }
    }
  }

  /** Each end is told: of the tenures of those who live, all but the present one. */
  expectAllToldOnce(): void {
    const present = new Set(
      this.players.flatMap(({ leadership, election }) =>
        leadership && leadership.remainingMs() > 0 ? `${election.candidateId}/${leadership.term}` : [],
      ),
    );
    for (const [tenure, times] of this.#endings) {
      if (times === 0 && !present.has(tenure)) {
        throw new Violation("told once", `the end of ${tenure} was never reported`);
      }
    }
  }
}

/** Ends that say that the row is another's. */
const LOSSES = new Set(["superseded", "evicted", "deleted"]);
