import type { Answer } from "../../src/protocol/verbs.js";
import type { Host } from "./host.js";
import type { Machine } from "./plan.js";

/** What is wrong with the headers that one machine hears. */
interface Spell {
  /** Undefined: there are none. */
  readonly byMs: number | undefined;
  readonly untilMs: number;
}

/** The last of a process's answers that was quick: it bounds the time narrowly. */
interface Heard {
  readonly atMs: number;
  /** Undefined: it was right. */
  readonly spell: Spell | undefined;
  /** How often its clocks had been disturbed by then. */
  readonly disturbances: number;
}

/** An answer as quick as this bounds the time so narrowly … */
const QUICK_MS = 100;
/** … for so long … */
const FRESH_MS = 60_000;
/** … that a lie this far off surely contradicts it. */
export const SURELY_MS = 5_000;

/**
 * The `Date` headers that each machine hears. Where the wall clock is right they may say anything, to a newcomer
 * too. Where it is wrong, only lies pass that surely contradict what was heard before: against others such a
 * machine has no witness.
 */
export class Headers {
  readonly #spells = new Map<string, Spell>();
  readonly #heard = new WeakMap<Host, Heard>();
  /** When the request left whose answer was the latest one that told the truth. */
  readonly #truthMs = new WeakMap<Host, number>();

  constructor(
    private readonly broken: boolean,
    private readonly count: (what: string) => void,
  ) {}

  begin(label: string, spell: Spell): void {
    this.#spells.set(label, spell);
  }

  /** The answer as a process on this machine reads it. */
  on<T extends Answer>(
    { label, wall }: Pick<Machine, "label" | "wall">,
    host: Host,
    answer: T,
    took: Took,
    /** Whether its process still waits for it. */
    isAwaited: boolean,
  ): T {
    const { dateMs } = answer;
    if (dateMs === undefined) return answer;
    const { sentMs, nowMs } = took;
    const spell = this.#spells.get(label);
    const isQuick = nowMs - sentMs < QUICK_MS;
    const lying = spell && nowMs < spell.untilMs ? spell : undefined;
    if (lying && lying.byMs === undefined && !this.isBlind(host)) return { ...answer, dateMs: undefined };
    const passes = wall.isRight || this.broken || (isQuick && this.#isContradicted(lying, host, nowMs));
    const told = passes ? lying : undefined;
    if (isQuick && isAwaited)
      this.#heard.set(host, { atMs: nowMs, spell: told, disturbances: host.disturbances });
    if (told === undefined) {
      if (isAwaited) this.#truthMs.set(host, Math.max(sentMs, this.#truthMs.get(host) ?? 0));
      return answer;
    }
    this.count("falseHeader");
    return { ...answer, dateMs: dateMs + (told.byMs ?? 0) };
  }

  /** The next header that is right surely contradicts what it knows, if its clocks stand still now and for long enough. */
  isSure(host: Host, nowMs: number): boolean {
    const heard = this.#heard.get(host);
    if (heard === undefined || heard.spell !== undefined || this.broken) return false;
    return nowMs - heard.atMs < FRESH_MS && heard.disturbances === host.disturbances;
  }

  /** All its clocks stood still, and no answer to what it has asked since has told it so. */
  isBlind(host: Host): boolean {
    return host.thawedMs !== undefined && !((this.#truthMs.get(host) ?? -1) >= host.thawedMs);
  }

  /** By a right one that is near and was not shaken since, or already by the first of this spell. */
  #isContradicted(lie: Spell | undefined, host: Host, nowMs: number): boolean {
    const before = this.#heard.get(host);
    if (before === undefined || lie?.byMs === undefined) return false;
    if (before.spell !== undefined) return before.spell === lie;
    const isKnown = nowMs - before.atMs < FRESH_MS && before.disturbances === host.disturbances;
    return isKnown && Math.abs(lie.byMs) > SURELY_MS;
  }
}

/** From when to when, in true time, an answer was awaited. */
export interface Took {
  readonly sentMs: number;
  readonly nowMs: number;
}
