import type { ElectionEvent } from "../../src/index.js";
import type { Answer } from "../../src/store/lease-store.js";
import type { MemoryTable } from "../../src/testing.js";
import type { Host } from "./host.js";
import type { Verb } from "./network.js";
import { type Player, REGISTER } from "./players.js";

export class Violation extends Error {
  constructor(
    readonly promise: string,
    message: string,
  ) {
    super(`${promise}: ${message}`);
  }
}

/** Holds a run to the promises of the protocol, step by step. Sees everything, changes nothing. */
export class Referee {
  readonly players: Player[] = [];
  elections = 0;
  exclusionBroken = 0;
  #highestTerm = 0;
  #highestWritten = 0;
  #lastWrite: string | undefined;
  /** How often the end of each tenure was told, of processes that live. */
  readonly #endings = new Map<string, number>();
  readonly #ticks = new Map<string, string>();

  constructor(
    private readonly table: MemoryTable,
    /** Not when clocks break the assumptions. */
    private readonly exclusionPromised: boolean,
  ) {}

  /** After every step: at most one trusted leadership at any true instant. */
  inspect(): void {
    let trusting: Player | undefined;
    for (const player of this.players) {
      if (!player.host.running || !player.leadership || !(player.leadership.remainingMs() > 0)) continue;
      if (player.leadership.signal.aborted && !player.working) continue;
      if (trusting) {
        this.exclusionBroken += 1;
        if (this.exclusionPromised) {
          throw new Violation(
            "exclusion",
            `terms ${trusting.leadership?.term} and ${player.leadership.term} are trusted at once`,
          );
        }
      }
      trusting = player;
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
      if (times > 1) throw new Violation("told once", `the end of ${tenure} was told ${times} times`);
    }
  }

  /** The dead tell nothing. */
  buried(player: Player): void {
    this.players.splice(this.players.indexOf(player), 1);
    for (const tenure of this.#endings.keys()) {
      if (tenure.startsWith(`${player.election.candidateId}/`)) this.#endings.delete(tenure);
    }
  }

  completed(tick: string, candidateId: string): void {
    const before = this.#ticks.get(tick);
    if (before)
      throw new Violation("once per tick", `${tick} was completed by ${before} and by ${candidateId}`);
    this.#ticks.set(tick, candidateId);
  }

  get ticksCompleted(): number {
    return this.#ticks.size;
  }

  sent(host: Host, verb: Verb): void {
    if (verb !== "resign") return;
    const player = this.players.find((candidate) => candidate.host === host);
    if (player?.working) throw new Violation("work", "a lease is given back while its work still runs");
  }

  landed(verb: Verb, request: unknown, answer: Answer): void {
    const { done, lease } = answer as { done?: boolean; lease?: { term: number } };
    if (!done) return;
    if (verb === "acquire" && lease) {
      if (lease.term <= this.#highestTerm) {
        throw new Violation("terms increase", `term ${lease.term} follows term ${this.#highestTerm}`);
      }
      this.#highestTerm = lease.term;
    } else if (verb === "evict" && lease) {
      this.#highestTerm = Math.max(this.#highestTerm, lease.term);
    } else if (verb === "transact") {
      this.#wrote((request as { term: number }).term);
    }
  }

  /** An answer to a token seen before is no write; what stands in the register is. */
  #wrote(term: number): void {
    const [row] = this.table.items(REGISTER) as Array<{ term: number; write: string }>;
    if (!row || row.write === this.#lastWrite) return;
    this.#lastWrite = row.write;
    if (row.term < this.#highestWritten || row.term < this.#highestTerm) {
      throw new Violation(
        "fencing",
        `a write of term ${term} was accepted after term ${this.#highestTerm} began`,
      );
    }
    this.#highestWritten = row.term;
  }

  /** When faults have ended and one lease and its line have passed, somebody leads. */
  expectLeader(): void {
    const leading = this.players.filter(
      ({ host, leadership }) => host.running && leadership && !leadership.signal.aborted,
    );
    if (leading.length === 1) return;
    throw new Violation("liveness", `${leading.length} lead when the faults are long over`);
  }

  /** When faults have ended, ticks are run again. */
  expectTicksSince(before: number): void {
    if (this.ticksCompleted > before) return;
    throw new Violation("liveness", "no tick is completed when the faults are long over");
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
        throw new Violation("told once", `the end of ${tenure} was never told`);
      }
    }
  }
}
