import type { Wall } from "../plan.js";
import { Random } from "../random.js";

/** What a history of sessions begins with. What happens in it is drawn from the same seed while it runs. */
export interface SessionsPlan {
  readonly seed: number;
  readonly leaseDurationMs: number;
  /** The least margin and the longest timeouts that are allowed, instead of the defaults. */
  readonly tight: boolean;
  readonly expiry: "service-clock" | "observation";
  /** Whether each process leaves a last will. */
  readonly wills: boolean;
  /** Whether rows are deleted and sessions swept: then a name may wait for a row lease. */
  readonly meddled: boolean;
  /** Whether rows of older moments come back: of leases, of sessions, and of history. */
  readonly restores: boolean;
  /** Whether work writes nothing under its fence: then only looks show its holder what has become of its row. */
  readonly silent: boolean;
  /** Whether callers often give up and come again at once, leaderships end as they begin, and looks take long. */
  readonly hasty: boolean;
  /** Whether candidates ask, now and then, who leads, who stands, and who led. */
  readonly curious: boolean;
  /** How much time there is between faults, in leases: in calmer storms what lasts for long comes to an end. */
  readonly pace: number;
  /** Whether a leader is evicted just when it cannot read for long, and little else happens. */
  readonly blinds: boolean;
  readonly names: readonly Name[];
  readonly processes: readonly Machine[];
  readonly stormMs: number;
}

export interface Name {
  readonly name: string;
  readonly order: "random" | "arrival" | "ring";
}

export interface Machine {
  readonly label: string;
  readonly rate: number;
  readonly wall: Wall;
  readonly headersAreRight: boolean;
  /** Its wall clock is right: both clocks wrong at once is not promised. */
  readonly mayBeSuspended: boolean;
  /** For how long a thread renews while its event loop is blocked. Undefined: no thread. */
  readonly maxStallMs: number | undefined;
  /** The names that it campaigns for: under its session, or as a plain candidate beside it. */
  readonly bids: ReadonlyArray<{ readonly name: Name; readonly isPlain: boolean }>;
}

/** Of the row lease, in leases of the session (rule 14b). */
export const ROW_LEASES = 16;
/** Rates may differ from true time by 1/500. */
export const MAX_DRIFT = 0.999 / 500;
export const DATE_ERROR_MS = 500;
const WALL_OFFSET_MS = 250;
/** Longer than two row leases, so that looks matter. */
const STORM_LEASES = 40;

export function sessionsPlanOf(seed: number): SessionsPlan {
  const random = new Random(seed ^ 0x41c64e6d);
  const leaseDurationMs = random.pick([6_000, 10_000, 15_000]);
  const names = Array.from({ length: random.integer(1, 5) }, (_, i) => ({
    name: `n${i + 1}`,
    order: random.pick(["random", "random", "random", "arrival", "ring"] as const),
  }));
  const threads = random.chance(0.4);
  const blinds = random.chance(0.2);
  const restores = random.chance(0.25);
  const hasty = random.chance(0.25);
  const opposed = random.chance(0.3);
  const plainShare = random.pick([0, 0, 0.2, 0.5]);
  const processes = Array.from({ length: random.integer(2, 5) }, (_, i) => ({
    label: `p${i + 1}`,
    rate: 1 + (opposed ? (i % 2 === 0 ? -1 : 1) : random.between(-1, 1)) * MAX_DRIFT,
    ...witnesses(random, leaseDurationMs, i),
    mayBeSuspended: i % 2 === 1,
    maxStallMs: threads && random.chance(0.8) ? random.pick([1, 2]) * leaseDurationMs : undefined,
    // The first two campaign for everything, so that nobody is ever without a rival.
    bids: names.flatMap((name) =>
      i < 2 || random.chance(0.6) ? [{ name, isPlain: random.chance(plainShare) }] : [],
    ),
  }));
  return {
    seed,
    leaseDurationMs,
    tight: random.chance(0.4),
    expiry: random.chance(0.7) ? "service-clock" : "observation",
    wills: random.chance(0.4),
    meddled: random.chance(0.5),
    blinds,
    restores,
    hasty,
    // From a stream of its own: all other histories stay as they were.
    curious: new Random(seed ^ 0x61c88647).chance(0.3),
    silent: blinds && random.chance(0.5),
    pace: blinds ? 20 : random.pick([0.75, 0.75, 3, 8]),
    names,
    processes,
    stormMs: (restores ? 2 : 1) * STORM_LEASES * leaseDurationMs,
  };
}

/** One of a machine's two witnesses of the time is right, its wall clock or its headers. */
function witnesses(random: Random, leaseMs: number, i: number): Pick<Machine, "wall" | "headersAreRight"> {
  const right = random.pick(["wall", i % 2 === 0 ? "wall" : "both", "both", "both"]);
  // Who can be suspended keeps a right wall clock: one that is stepped back meanwhile is not promised.
  const isRight = right !== "headers" || i % 2 === 1;
  const offsetMs = isRight ? random.between(-1, 1) * WALL_OFFSET_MS : random.between(-1.5, 1.5) * leaseMs;
  return { wall: { isRight, offsetMs }, headersAreRight: right !== "wall" };
}
