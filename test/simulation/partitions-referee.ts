import type { Leadership, Partitions } from "../../src/index.js";
import type { Host } from "./host.js";
import { Violation } from "./violation.js";

/** One start of one member process. */
export interface MemberPlayer {
  readonly host: Host;
  readonly partitions: Partitions;
  readonly stop: AbortController;
  /** It was told to leave. */
  hasLeft: boolean;
}

/** Of a history, with all its requests and timers. */
const MAX_STEPS = 3_000_000;

interface Working {
  readonly player: MemberPlayer;
  readonly leadership: Leadership;
}

/** Sees all work that begins and ends, and holds the promises of partitions against it. */
export class PartitionsReferee {
  /** By partition. More than one: an older leadership whose work has not stopped yet. */
  readonly #working = new Map<number, Set<Working>>();
  /** How often work has begun. */
  starts = 0;
  readonly #terms = new Map<number, number>();

  began(player: MemberPlayer, partition: number, leadership: Leadership): () => void {
    this.starts += 1;
    const last = this.#terms.get(partition) ?? 0;
    if (leadership.term <= last)
      throw new Violation("terms", `${partition} begins term ${leadership.term} after ${last}`);
    this.#terms.set(partition, leadership.term);
    const working = { player, leadership };
    const all = this.#working.get(partition) ?? new Set();
    this.#working.set(partition, all.add(working));
    return () => all.delete(working);
  }

  /** At any instant at most one member trusts its lease of a partition. */
  inspect(steps: number): void {
    if (steps > MAX_STEPS) throw new Violation("rest", "a member never rests");
    for (const [partition, all] of this.#working) {
      if (all.size < 2) continue;
      const trusted = [...all].filter(
        ({ player, leadership }) => player.host.alive && leadership.remainingMs() > 0,
      );
      if (trusted.length > 1) {
        const who = trusted.map(({ leadership }) => `${leadership.candidateId} (term ${leadership.term})`);
        throw new Violation("exclusion", `${partition} is held by ${who.join(" and ")}`);
      }
    }
  }

  /** When everything has moved: nobody works on what it does not count. */
  expectCounted(when: string): void {
    for (const [partition, { partitions }] of this.atWork()) {
      const { count, candidateId } = partitions;
      if (partition >= count)
        throw new Violation("counts", `${when}: ${candidateId} counts ${count} and holds ${partition}`);
    }
  }

  /** The partitions at work: whose work goes on, and was not told to stop. */
  atWork(): Map<number, MemberPlayer> {
    const found = new Map<number, MemberPlayer>();
    for (const [partition, all] of this.#working) {
      for (const { player, leadership } of all)
        if (player.host.alive && !leadership.signal.aborted && leadership.remainingMs() > 0)
          found.set(partition, player);
    }
    return found;
  }
}
