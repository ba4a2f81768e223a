import { Random } from "../simulation/random.js";

/** Whom a fault hits: whoever leads at that moment, or the worker of this number. */
export type Target = "leader" | number;

/** What the clocks of a process show: an offset as libfaketime takes it, and a rate. */
export interface ClockSkew {
  readonly offset: string;
  readonly rate: number;
}

export type Fault =
  | { readonly kind: "kill"; readonly target: Target; readonly backAfterMs: number }
  | { readonly kind: "killAll"; readonly backAfterMs: number }
  | { readonly kind: "freeze"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "resign"; readonly target: Target; readonly backAfterMs: number }
  /** The event loop alone. */
  | { readonly kind: "block"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "killCompanion"; readonly target: Target }
  | {
      readonly kind: "partition";
      readonly target: Target;
      readonly lost: "requests" | "answers" | "both";
      /** Connections stay open, and nobody is told; else they break. */
      readonly silent: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "halfOpen"; readonly target: Target; readonly forMs: number }
  /** All answers are late by `lateMs`, near what a client waits for at most, and after `fadingMs` nothing passes. */
  | {
      readonly kind: "fading";
      readonly target: Target;
      readonly lateMs: number;
      /** Fenced writes come when another leads. */
      readonly lateWrites: boolean;
      readonly fadingMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "errors"; readonly target: Target; readonly part: number; readonly forMs: number }
  | { readonly kind: "slow"; readonly target: Target; readonly part: number; readonly forMs: number }
  /** `Date` headers are off: for less than a lease, or for longer. Hits nobody whose wall clock is wrong. */
  | {
      readonly kind: "lyingHeaders" | "steppedHeaders";
      readonly target: Target;
      readonly byMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "missingHeaders"; readonly target: Target; readonly forMs: number }
  /** An operator takes a lease from its holder: of the elections, the one of this number, counted round. */
  | { readonly kind: "evict"; readonly which: number }
  | { readonly kind: "restartTable" }
  /** The worker is killed, and comes back with other clocks; undefined: with the machine's. */
  | { readonly kind: "skew"; readonly target: number; readonly clock: ClockSkew | undefined };

export type Planned = Fault & { readonly atMs: number };

export interface Schedule {
  readonly leaseMs: number;
  readonly maxServiceClockErrorMs: number;
  /** The clocks that the workers start with; undefined: the machine's. */
  readonly firstClocks: readonly (ClockSkew | undefined)[];
  readonly faults: readonly Planned[];
  readonly endMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly workers: number;
  /** Whether processes can be given other clocks. */
  readonly skews: boolean;
  /** @default 2 to 3 seconds: the seed decides */
  readonly leaseMs?: number | undefined;
}

/** How often each kind comes, in one round of the deck. */
const DECK: readonly (readonly [Fault["kind"], number])[] = [
  ["kill", 3],
  ["killAll", 1],
  ["freeze", 6],
  ["resign", 2],
  ["block", 3],
  ["killCompanion", 3],
  ["partition", 5],
  ["fading", 3],
  ["halfOpen", 2],
  ["errors", 3],
  ["slow", 3],
  ["lyingHeaders", 4],
  ["steppedHeaders", 3],
  ["missingHeaders", 2],
  ["evict", 2],
  ["restartTable", 1],
  ["skew", 3],
];

/** Before this part of the run all clocks have honest rates, so exclusion is promised among all workers. */
const HONEST_PART = 0.6;
const QUIET_AFTER_FADING = 2.5;
/** Only these get clocks of a wrong rate. */
const RATE_SKEWED = [0, 1];

const OFFSETS = ["+5h", "-3h", "+40d", "-300d"];
const RATES = [2, 0.5];

/** One seed decides what is done to whom and when; how the processes take it, nobody does. */
export function scheduleOf({ seed, minutes, workers, skews, ...options }: ScheduleOptions): Schedule {
  const random = new Random(seed);
  const drawn = 100 * random.integer(20, 30);
  const { leaseMs = drawn } = options;
  const endMs = minutes * 60_000;
  const draw = new Draw(random, leaseMs, workers);
  const faults: Planned[] = [];
  let deck: Fault["kind"][] = [];
  for (let atMs = 0.3 * leaseMs; atMs < endMs; atMs += random.between(0.1, 0.7) * leaseMs) {
    if (deck.length === 0) deck = draw.shuffled(DECK.flatMap(([kind, times]) => Array(times).fill(kind)));
    const kind = deck.pop() as Fault["kind"];
    if (kind === "skew" && !skews) continue;
    faults.push({ ...draw.fault(kind, atMs >= HONEST_PART * endMs), atMs: Math.round(atMs) });
    // Another fault within it would end the leadership too soon, and there would be nothing to see.
    if (kind === "fading") atMs += QUIET_AFTER_FADING * leaseMs;
  }
  const firstClocks = Array.from({ length: workers }, (_, i) =>
    skews && i % 2 === 1 ? draw.offset() : undefined,
  );
  return { leaseMs, maxServiceClockErrorMs: random.pick([50, 1_000]), firstClocks, faults, endMs };
}

class Draw {
  constructor(
    private readonly random: Random,
    private readonly leaseMs: number,
    private readonly workers: number,
  ) {}

  fault(kind: Fault["kind"], ratesMayBeWrong: boolean): Fault {
    const { random } = this;
    switch (kind) {
      case "kill":
        return { kind, target: this.#target(), backAfterMs: this.#leases(0.1, 2) };
      case "killAll":
        return { kind, backAfterMs: this.#leases(0, 1) };
      case "freeze":
        return { kind, target: this.#target(), forMs: this.#leases(0.5, 3) };
      case "block":
        return { kind, target: this.#target(), forMs: this.#leases(0.3, random.chance(0.3) ? 10 : 2) };
      case "killCompanion":
        return { kind, target: this.#target() };
      case "resign":
        return { kind, target: this.#target(), backAfterMs: this.#leases(0.1, 1) };
      case "partition":
        return {
          kind,
          target: this.#target(),
          lost: random.pick(["requests", "answers", "both"]),
          silent: random.chance(0.5),
          forMs: this.#leases(0.3, 2.5),
        };
      case "fading":
        return {
          kind,
          target: "leader",
          lateWrites: random.chance(0.6),
          lateMs: this.#leases(0.15, 0.23),
          fadingMs: this.#leases(0.7, 1.2),
          forMs: this.#leases(1, 2),
        };
      case "halfOpen":
        return { kind, target: this.#target(), forMs: this.#leases(0.3, 2.5) };
      case "errors":
        return { kind, target: this.#target(), part: random.between(0.2, 0.8), forMs: this.#leases(0.5, 4) };
      case "slow":
        return { kind, target: this.#target(), part: random.between(0.2, 0.8), forMs: this.#leases(0.5, 4) };
      case "lyingHeaders":
        return { kind, target: this.#target(), byMs: this.#lieMs(), forMs: this.#leases(0.1, 0.9) };
      case "steppedHeaders":
        return { kind, target: this.#target(), byMs: this.#lieMs(), forMs: this.#leases(1, 8) };
      case "missingHeaders":
        return { kind, target: this.#target(), forMs: this.#leases(0.5, 4) };
      case "evict":
        return { kind, which: random.integer(0, 1_000) };
      case "restartTable":
        return { kind };
      case "skew":
        if (ratesMayBeWrong && random.chance(0.7))
          return { kind, target: random.pick(RATE_SKEWED) % this.workers, clock: this.#wrongRate() };
        return {
          kind,
          target: random.integer(0, this.workers - 1),
          clock: random.chance(0.5) ? this.offset() : undefined,
        };
    }
  }

  offset(): ClockSkew {
    return { offset: this.random.pick(OFFSETS), rate: 1 };
  }

  shuffled<T>(cards: readonly T[]): T[] {
    return cards
      .map((card) => ({ card, at: this.random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ card }) => card);
  }

  #wrongRate(): ClockSkew {
    return { offset: this.random.pick(["+0", "+5h"]), rate: this.random.pick(RATES) };
  }

  #lieMs(): number {
    return Math.round(this.random.pick([-1, 1]) * this.random.between(2_000, 60_000));
  }

  #target(): Target {
    return this.random.chance(0.65) ? "leader" : this.random.integer(0, this.workers - 1);
  }

  #leases(least: number, most: number): number {
    return Math.round(this.leaseMs * this.random.between(least, most));
  }
}
