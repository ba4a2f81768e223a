import { floorOver, type Recorded } from "../../protocol/forgotten.js";
import type { History } from "../../protocol/observation.js";
import { checkSchemaVersion, isKnown, type Versioned } from "../../protocol/schema-version.js";
import { ticksInHistory } from "../../protocol/ticks.js";
import type { TermRange, TermRecord } from "../../protocol/verbs.js";
import { floorPartition, termSortKey } from "../schema.js";
import { removeExpired } from "./time-to-live.js";

/** The recorded terms by election (rule 5), and the floors of forgotten names (rule 13). */
export class HistoryRows {
  readonly #terms = new Map<string, Map<number, TermRecord & Versioned>>();
  readonly #floors = new Map<string, number>();

  /** Oldest first. */
  terms(election: string): Array<TermRecord & Versioned> {
    return [...(this.#terms.get(election)?.values() ?? [])].sort((a, b) => a.term - b.term);
  }

  restore(election: string, terms: ReadonlyArray<TermRecord & Versioned>): void {
    this.#terms.set(election, new Map(terms.map((record) => [record.term, record])));
  }

  /** What a founding needs of it. */
  of(election: string): History {
    const terms = this.terms(election);
    for (const record of terms) checkSchemaVersion(election, termSortKey(record.term), record);
    return {
      highestTerm: terms.at(-1)?.term ?? 0,
      longestLeaseMs: Math.max(0, ...terms.map((term) => term.leaseDurationMs ?? 0)),
      ...ticksInHistory(terms),
      highestTermTick: terms.at(-1)?.lastTick,
      isGivenBack: terms.at(-1)?.ttl !== undefined || undefined,
      floor: this.#floors.get(floorPartition(election)),
    };
  }

  /** Latest first. Of a newer version only the term is read (rule 1h). */
  page(election: string, { before = Number.POSITIVE_INFINITY, after = -1, limit }: TermRange): TermRecord[] {
    const terms = this.terms(election).filter(({ term }) => term > after && term < before);
    const known = terms.map((record) => (isKnown(record) ? record : { term: record.term }));
    return known.reverse().slice(0, limit);
  }

  record(election: string, record: TermRecord): void {
    const terms = this.#terms.get(election) ?? new Map<number, TermRecord>();
    this.#terms.set(election, terms);
    const before = terms.get(record.term);
    const { tickReset } = record;
    if (tickReset && before?.tickReset && before.tickReset.revision > tickReset.revision) return;
    const known = Object.entries(record).filter(([, fact]) => fact !== undefined);
    terms.set(record.term, {
      ...before,
      ...(Object.fromEntries(known) as unknown as TermRecord),
    });
  }

  raiseFloor(election: string, term: number): void {
    const shard = floorPartition(election);
    const floor = floorOver(term) ?? 0;
    if ((this.#floors.get(shard) ?? 0) < floor) this.#floors.set(shard, floor);
  }

  /** What the condition of a founding asks (rules 2c and 13c). */
  recorded(election: string): Recorded {
    const terms = this.#terms.get(election);
    return {
      floor: this.#floors.get(floorPartition(election)) ?? 0,
      has: (term) => terms?.has(term) === true,
      tickOf: (term) => terms?.get(term)?.lastTick,
    };
  }

  removeExpired(atMs: number): void {
    for (const rows of this.#terms.values()) removeExpired(rows, atMs);
  }
}
