import type { Weather } from "./network.js";
import { Random } from "./random.js";
import type { StrayMoment } from "./strays.js";
import { TICK_FORMS, type TickForm } from "./ticks.js";

/** Everything that will happen to a simulated world from outside, drawn from one seed. Data, so that it can be shrunk. */
export interface Plan {
  readonly seed: number;
  /** Clocks beyond what the protocol allows: exclusion may fail then, fencing may not. */
  readonly broken: boolean;
  /** `lead`: long leaderships. `ticks`: the same candidates run a job once per tick. */
  readonly job: "lead" | "ticks";
  /** The longest of its candidates. */
  readonly leaseDurationMs: number;
  /** The least margin and the longest timeouts that are allowed, instead of the defaults. */
  readonly tight: boolean;
  readonly expiry: "service-clock" | "observation";
  readonly order: "random" | "arrival" | "rank" | "ring";
  /** With order "rank". */
  readonly preempt: boolean;
  /** With an order that keeps a line. */
  readonly maxTenureMs: number | undefined;
  /** With ticks: how long the lease is kept for the group that ran the last one. */
  readonly reserveForMs: number | undefined;
  /** With ticks: how users write them. */
  readonly tickForm: TickForm;
  /** With ticks: how many of the calls run every tick, from 0 to 1. */
  readonly every: number;
  /** With ticks: how many had completed before. */
  readonly earlierTicks: number;
  /** Whether each process leaves a last will (rule 11). */
  readonly wills: boolean;
  /** Whether event loops are blocked at bad moments, stand-ins land after later writes, and leaders publish values. */
  readonly harshStalls: boolean;
  /** Whether somebody follows the election without competing. */
  readonly observed: boolean;
  /** Whether candidates ask, now and then, who leads, who stands, and who led. */
  readonly curious: boolean;
  /** How far each `Date` header may be off, either way. */
  readonly dateErrorMs: number;
  readonly candidates: readonly Machine[];
  /** When the last fault begins; later the world is calm. */
  readonly stormMs: number;
  readonly faults: readonly Fault[];
}

export interface Machine {
  /** Unique. */
  readonly label: string;
  /** What it calls itself, as a hostname that several may have. */
  readonly calledAs: string;
  readonly leaseDurationMs: number;
  /** How fast its clocks run. */
  readonly rate: number;
  readonly wall: Wall;
  /** Whether each `Date` header that it hears may be off by no more than `dateErrorMs`; if not, its wall clock is right. */
  readonly headersAreRight: boolean;
  readonly rank: number;
  readonly eligible: boolean;
  readonly group: string;
  /** Its wall clock is never stepped: both together are not promised. */
  readonly mayBeSuspended: boolean;
  /** With all its clocks. Its headers are right then: its wall clock is not, once it has stood still. */
  readonly mayStandStill: boolean;
  /** Its process reads who leads while an acquire is under way, which may land later. */
  readonly isAsked: boolean;
  /** How often it looks while it is the first in line. Only with an order that keeps one. */
  readonly standbyPollMs: number | undefined;
  /** Whether its row may be deleted once the name is long unused. Only with the order "random". */
  readonly forgets: boolean;
  /** For how long a thread renews while its event loop is blocked. Undefined: no thread. */
  readonly maxStallMs: number | undefined;
}

/** What time of day it believes. */
export interface Wall {
  readonly offsetMs: number;
  /** Synchronised: never further off than half of `maxServiceClockErrorMs`. If not, its headers are right, or contradict what it knows. */
  readonly isRight: boolean;
}

export type Fault = { readonly atMs: number } & (
  | { readonly kind: "weather"; readonly forMs: number; readonly weather: Weather }
  | { readonly kind: "outage"; readonly forMs: number }
  /** The table takes no history, and everything else. */
  | { readonly kind: "historyOutage"; readonly forMs: number }
  /** Nothing is sent for it any more. */
  | { readonly kind: "crash"; readonly label: string; readonly forMs: number }
  /**
   * A process ends, and its machine goes on: while it leads, or in the moment in which its next acquire or resignation is
   * under way.
   */
  | {
      readonly kind: "killed" | "exits";
      readonly when: "leading" | "acquire" | "resign";
      readonly label: string;
      readonly forMs: number;
    }
  /** What was to execute the wills of a process. */
  | { readonly kind: "companionDies"; readonly label: string }
  | { readonly kind: "suspend" | "block"; readonly label: string; readonly forMs: number }
  | StandStill
  | Stall
  /** Credentials come slowly or not at all, so nothing is signed ahead. */
  | { readonly kind: "signing"; readonly forMs: number }
  /** Stand-ins that have left land after a later write, also twice. */
  | { readonly kind: "strays"; readonly forMs: number; readonly after: StrayMoment }
  /** The heartbeat thread alone. */
  | { readonly kind: "threadDies"; readonly label: string }
  /** Nothing gets out of a machine, or nothing in, or neither; the others reach the table. */
  | {
      readonly kind: "cut";
      readonly label: string;
      readonly forMs: number;
      readonly way: "requests" | "answers" | "both";
    }
  | { readonly kind: "stepWall"; readonly label: string; readonly byMs: number }
  /** Who called a candidate's `lead`, `campaign` or `runOnce` aborts: now, or while its next acquire is under way. */
  | { readonly kind: "callerAborts"; readonly label: string; readonly when: "now" | "acquiring" }
  /** Rows of candidates that died and are never started again, `agoMs` before; below 0: their rows are still good. */
  | { readonly kind: "deadCandidates"; readonly rows: number; readonly agoMs: number }
  /** Headers that this machine hears are off: for a while, or for longer than a lease; or there are none. */
  | {
      readonly kind: "lieHeader" | "stepHeader";
      readonly label: string;
      readonly forMs: number;
      readonly byMs: number;
    }
  | { readonly kind: "missingHeaders"; readonly label: string; readonly forMs: number }
  /** `to`: who should come next. */
  | { readonly kind: "stepDown"; readonly to: string | undefined }
  | { readonly kind: "pause"; readonly forMs: number }
  /** An older lease row is put back; with the older history, if that is so. */
  | { readonly kind: "restore"; readonly history: boolean }
  | { readonly kind: "evict" | "removeExpired" }
  /**
   * `to`: from the tick that is due, how many back or ahead. `twin`: so does another operator of this name at the same
   * moment, to an earlier tick.
   */
  | { readonly kind: "resetTick"; readonly to: number | undefined; readonly twin: boolean }
  /** `copies`: what had made the row and last paused or resumed it comes again soon, so that a row may look as before. */
  | { readonly kind: "deleteLease"; readonly copies: boolean }
  /**
   * The table's TTL deletes what the next release allows it to, so long after it: by no clock that candidates know. `copies`: what
   * had made, founded and released the row comes again soon.
   */
  | { readonly kind: "forget"; readonly afterMs: number; readonly copies: boolean }
  /** As DynamoDB does with a transaction's token after ten minutes, whoever still waits for its answer. */
  | { readonly kind: "forgetTokens" }
);

/**
 * The event loop of the leader is blocked, or that of one with a thread: in the moment in which its next renewal or
 * resignation is under way, or after it was told that its tenure ends. `asks`: its work asks now and then whether it may
 * go on. `napMs`: its machine, if it ever is suspended, is suspended before. `cut`: its machine is cut off meanwhile, or
 * just after, so that what it trusts is not renewed. `lateMs`: so much later does the renewal land that is under way, so that a
 * stand-in can land before it.
 */
export interface Stall {
  readonly kind: "stall";
  readonly atMs: number;
  readonly when: "leading" | "renew" | "resign" | "ending";
  readonly forMs: number;
  readonly asks: boolean;
  readonly napMs: number;
  readonly lateMs: number;
  readonly cut:
    | { readonly afterMs: number; readonly forMs: number; readonly way: "requests" | "answers" | "both" }
    | undefined;
}

/**
 * A machine stops, and neither of its clocks counts the time, as a virtual machine's whose host does not tell it. While it trusts
 * nothing: what it trusts, it would trust for longer. `resigned`: once it has given a lease back. `reading`: while it is on its way
 * that the lease is free. `isOutage`: nobody reaches the table meanwhile, so that the row is as it saw it.
 */
export interface StandStill {
  readonly kind: "standStill";
  readonly atMs: number;
  readonly label: string;
  readonly forMs: number;
  readonly when: "now" | "resigned" | "reading";
  readonly isOutage: boolean;
}

const STORM_MS = 480_000;
/** `Date` headers may differ by `maxServiceClockErrorMs` (1 s) in all: half of it each way. */
const DATE_ERROR_MS = 500;
const LYING_MS = 20_000;
/** Rates may differ from true time by 1/500. */
const MAX_DRIFT = 0.999 / 500;
/** A wall clock that is right has the same half: so far off at first, and the rest while it is kept synchronised. */
const WALL_OFFSET_MS = 250;

export function planOf(seed: number, { broken = false } = {}): Plan {
  const random = new Random(seed);
  // A stream of its own: the histories without a line stay as they were.
  const standby = new Random(seed ^ 0x2545f491);
  const leaseDurationMs = random.pick([15_000, 30_000, 60_000, 60_000]);
  const sameName = random.chance(0.2);
  const mixed = random.chance(0.3);
  // Each as slow or as fast as is allowed: what the margin is for shows only then.
  const opposed = random.chance(0.3);
  const candidates = Array.from({ length: random.integer(3, 7) }, (_, i) => ({
    label: `c${i + 1}`,
    calledAs: sameName ? "same" : `c${i + 1}`,
    // As while a fleet is being told a shorter lease, one by one.
    leaseDurationMs: mixed ? random.pick([leaseDurationMs, leaseDurationMs / 2]) : leaseDurationMs,
    rate: broken
      ? random.pick([0.5, 1, 2])
      : opposed
        ? 1 + (i % 2 === 0 ? -1 : 1) * MAX_DRIFT
        : allowedRate(random),
    ...witnesses(random, leaseDurationMs, i),
    rank: random.integer(0, 3),
    // Some only watch; the first two never do.
    eligible: i < 2 || !random.chance(0.1),
    group: i % 2 === 0 ? "east" : "west",
    mayBeSuspended: i % 2 === 1,
    mayStandStill: false,
    isAsked: false,
  }));
  const job = random.chance(0.3) ? "ticks" : "lead";
  // What the history must hold is seen only where rows are deleted often, and a job is to be done once.
  const meddled = job === "ticks" && random.chance(0.6);
  // The plain order is the default, and the cheapest to simulate.
  const order = random.pick(["random", "random", "random", "arrival", "rank", "ring"] as const);
  // From a stream of their own: all other histories stay as they were.
  const deaths = new Random(seed ^ 0x3c6ef372);
  const wills = deaths.chance(0.3);
  const heartbeats = new Random(seed ^ 0x1b873593);
  const threads = heartbeats.chance(0.25);
  const idle = new Random(seed ^ 0x6a09e667);
  const forgets = order === "random" && idle.chance(0.4);
  const harsh = new Random(seed ^ 0x8aa1dbb9);
  const harshness = threads && harsh.chance(0.6) ? harsh : undefined;
  const still = new Random(seed ^ 0x2c1b3c6d);
  const standsStill = still.chance(0.4);
  const curiosity = new Random(seed ^ 0x61c88647);
  const machines = candidates.map((machine) => ({
    ...(standsStill && still.chance(0.7) ? standingStill(still, machine) : machine),
    // As in a fleet that is being given this option.
    forgets: forgets && idle.chance(0.8),
    standbyPollMs: standbyPoll(standby, order),
    maxStallMs: threads ? maxStall(heartbeats, machine.leaseDurationMs) : undefined,
  }));
  const rotates = order !== "random" && random.chance(0.3);
  return {
    seed,
    broken,
    job,
    order,
    preempt: order === "rank" && random.chance(0.6),
    maxTenureMs: rotates ? Math.round(random.between(2, 6) * leaseDurationMs) : undefined,
    reserveForMs: random.chance(0.4) ? 40_000 : undefined,
    wills,
    harshStalls: harshness !== undefined,
    observed: random.chance(0.2),
    curious: curiosity.chance(0.3),
    leaseDurationMs,
    tight: random.chance(0.5),
    expiry: random.chance(0.7) ? "service-clock" : "observation",
    dateErrorMs: broken && random.chance(0.5) ? LYING_MS : DATE_ERROR_MS,
    candidates: machines,
    stormMs: STORM_MS,
    tickForm: job === "ticks" ? random.pick([...TICK_FORMS]) : "text",
    every: job === "ticks" ? random.pick([0, 0.5, 1]) : 0,
    earlierTicks: job === "ticks" ? random.pick([0, 0, 2, 60, 65]) : 0,
    faults: [
      ...weathers(random),
      ...strikes(random, machines, leaseDurationMs, { meddled, broken }),
      // Nobody reads them without a line.
      ...(order === "random" ? [] : burials(random)),
      // A tick that the older row knows nothing of is run again: that is not promised.
      ...(job === "lead" ? restores(random) : resets(random)),
      ...(wills ? deathsOf(deaths, machines) : []),
      ...(threads ? stalls(heartbeats, harshness, machines, leaseDurationMs) : []),
      ...(harshness ? [...strays(harshness), ...badSigning(harshness)] : []),
      ...(forgets ? forgettings(idle) : []),
      ...(standsStill ? standStills(still, machines, leaseDurationMs) : []),
    ].sort((a, b) => a.atMs - b.atMs),
  };
}

/** Its wall clock was right until it stood still, or never was. */
function standingStill<M extends Pick<Machine, "wall">>(random: Random, machine: M) {
  const isRight = random.chance(0.6);
  const offsetMs = isRight ? random.between(-1, 1) * WALL_OFFSET_MS : machine.wall.offsetMs;
  const isAsked = random.chance(0.7);
  return {
    ...machine,
    wall: { isRight: false, offsetMs },
    headersAreRight: true,
    mayStandStill: true,
    isAsked,
  };
}

/** Longer than what headers leave open, and requests of the same process beside what it does when it goes on. */
function standStills(random: Random, candidates: readonly Machine[], leaseDurationMs: number): Fault[] {
  const labels = candidates.filter(({ mayStandStill }) => mayStandStill).map(({ label }) => label);
  if (labels.length === 0) return [];
  return Array.from({ length: random.integer(6, 24) }, () => {
    const label = random.pick(labels);
    const atMs = random.between(0, STORM_MS);
    return {
      kind: "standStill",
      atMs,
      label,
      forMs: random.pick([random.between(5_000, 15_000), random.between(0.6, 2) * leaseDurationMs]),
      when: random.pick(["now", "resigned", "reading", "reading", "reading"]),
      isOutage: random.chance(0.7),
    };
  });
}

/** Each process has a companion, and some of the companions die alone. */
function deathsOf(random: Random, candidates: readonly Machine[]): Fault[] {
  return Array.from({ length: random.integer(2, 12) }, () => {
    const { label } = random.pick(candidates);
    const atMs = random.between(0, STORM_MS);
    if (random.chance(0.2)) return { kind: "companionDies", atMs, label };
    const kind = random.pick(["killed", "exits"] as const);
    const when = random.pick(["leading", "acquire", "resign"] as const);
    return { kind, when, atMs, label, forMs: random.between(100, 60_000) };
  });
}

/** One lease at least, and as DynamoDB takes signatures. Some of the fleet have no thread. */
function maxStall(random: Random, leaseDurationMs: number): number | undefined {
  const leases = random.pick([0, 1, 2, 2, 4]);
  return leases === 0 ? undefined : Math.min(240_000, leases * leaseDurationMs);
}

/** Event loops that block for up to four leases, and threads that die alone. All is over when the storm is. */
function stalls(
  random: Random,
  harshness: Random | undefined,
  candidates: readonly Machine[],
  leaseDurationMs: number,
): Fault[] {
  return Array.from({ length: random.integer(4, 16) }, () => {
    const { label } = random.pick(candidates);
    const forMs = leaseDurationMs * random.between(0.1, 4);
    const atMs = random.between(0, Math.max(0, STORM_MS - forMs));
    if (random.chance(0.15)) return { kind: "threadDies", atMs, label };
    const plain = {
      kind: "stall",
      when: "leading",
      atMs,
      forMs,
      asks: false,
      napMs: 0,
      lateMs: 0,
      cut: undefined,
    } as const;
    return harshness ? { ...plain, ...harsher(harshness, forMs, leaseDurationMs) } : plain;
  });
}

/** At once, within the next bid, or late. Leaders step down often, so that there is something to forget. */
function forgettings(random: Random): Fault[] {
  return Array.from({ length: random.integer(4, 20) }, () => {
    const atMs = random.between(0, STORM_MS);
    if (random.chance(0.3)) return { kind: "stepDown", atMs, to: undefined };
    const afterMs = random.pick([
      0,
      random.between(0, 50),
      random.between(0, 5_000),
      random.between(0, 60_000),
    ]);
    return { kind: "forget", atMs, afterMs, copies: random.chance(0.5) };
  });
}

function harsher(
  random: Random,
  forMs: number,
  leaseDurationMs: number,
): Omit<Stall, "kind" | "atMs" | "forMs"> {
  const cut = {
    afterMs: forMs * random.between(0, 1.1),
    forMs: leaseDurationMs * random.between(0.5, 1.5),
    way: random.pick(["requests", "answers", "both"] as const),
  };
  const when = random.pick(["leading", "leading", "renew", "renew", "renew", "resign", "ending"] as const);
  return {
    when,
    lateMs: when === "renew" && random.chance(0.6) ? leaseDurationMs * random.between(0.05, 0.3) : 0,
    asks: random.chance(0.5),
    napMs: random.chance(0.3) ? leaseDurationMs * random.between(0.05, 0.5) : 0,
    cut: random.chance(0.4) ? cut : undefined,
  };
}

function badSigning(random: Random): Fault[] {
  return Array.from({ length: random.integer(0, 2) }, () => ({
    kind: "signing",
    atMs: random.between(0, STORM_MS),
    forMs: random.between(5_000, 60_000),
  }));
}

function strays(random: Random): Fault[] {
  return Array.from({ length: random.integer(0, 6) }, () => ({
    kind: "strays",
    atMs: random.between(0, STORM_MS),
    forMs: random.between(30_000, 150_000),
    after: random.pick(["renewal", "change", "resignation", "acquire"] as const),
  }));
}

/** As in a fleet that is being given this option: some have it. None is longer than the time between renewals. */
function standbyPoll(random: Random, order: Plan["order"]): number | undefined {
  return order !== "random" && random.chance(0.5) ? random.pick([500, 1_000, 2_500]) : undefined;
}

function resets(random: Random): Fault[] {
  if (!random.chance(0.5)) return [];
  return Array.from({ length: random.integer(1, 5) }, () => ({
    kind: "resetTick",
    atMs: random.between(0, STORM_MS),
    to: random.pick([undefined, undefined, 0, -1, -3, -30, 1]),
    twin: random.chance(0.3),
  }));
}

/** Only some of them fall into a moment for which something is promised. */
function restores(random: Random): Fault[] {
  if (!random.chance(0.3)) return [];
  return Array.from({ length: random.integer(1, 6) }, () => ({
    kind: "restore",
    atMs: random.between(STORM_MS / 3, STORM_MS),
    history: random.chance(0.4),
  }));
}

/** Restarts that died, by the hundred: no more than 25 of them are deleted at a renewal. */
function burials(random: Random): Fault[] {
  return Array.from({ length: random.integer(0, 2) }, () => ({
    kind: "deadCandidates",
    atMs: random.between(0, STORM_MS),
    rows: random.integer(1, 150),
    agoMs: random.pick([-60_000, 60_000, 3_600_000, 86_400_000]),
  }));
}

/** Often nearly as slow or as fast as is allowed. */
function allowedRate(random: Random): number {
  return 1 + (random.chance(0.5) ? random.pick([-1, 1]) * MAX_DRIFT : random.between(-1, 1) * MAX_DRIFT);
}

/**
 * Of a machine's two witnesses of the time, its wall clock and its headers, one at least is right. A wrong wall clock is off
 * by hours, or by about a lease: then the bounds of its machine are wrong wherever the rules for headers are. The machines
 * that can be suspended have one more often, since only a wall clock that is behind shows what they write when they wake.
 */
function witnesses(random: Random, leaseMs: number, i: number): Pick<Machine, "wall" | "headersAreRight"> {
  const right = random.pick(["wall", i % 2 === 0 ? "wall" : "headers", "headers", "headers", "both"]);
  const isRight = right !== "headers";
  const offsetMs = random.pick([
    random.between(-1, 1) * 3_600_000,
    random.between(-1.5, 1.5) * leaseMs,
    random.between(-1.5, -0.5) * leaseMs,
  ]);
  return {
    wall: { isRight, offsetMs: isRight ? random.between(-1, 1) * WALL_OFFSET_MS : offsetMs },
    headersAreRight: right !== "wall",
  };
}

function weathers(random: Random): Fault[] {
  const faults: Fault[] = [];
  const some = () => (random.chance(0.5) ? random.between(0, 0.3) : 0);
  for (let atMs = 0; atMs < STORM_MS; ) {
    const forMs = random.between(5_000, 60_000);
    const weather = {
      loseRequest: some(),
      loseAnswer: some(),
      duplicate: some(),
      retry: some(),
      late: some(),
      fail: some(),
      deny: some(),
      conflict: some(),
    };
    if (random.chance(0.6)) faults.push({ kind: "weather", atMs, forMs, weather });
    atMs += forMs;
  }
  return faults;
}

function strikes(
  random: Random,
  candidates: readonly Machine[],
  leaseDurationMs: number,
  { meddled, broken }: { readonly meddled: boolean; readonly broken: boolean },
): Fault[] {
  const faults: Fault[] = [];
  const labels = candidates.map(({ label }) => label);
  // Stepped back *and* suspended within one lease, a host is blind on both clocks: that is not promised.
  const suspended = candidates.filter(({ mayBeSuspended }) => mayBeSuspended).map(({ label }) => label);
  const stepped = candidates.filter(
    ({ wall, mayBeSuspended }) => !mayBeSuspended && (broken || !wall.isRight),
  );
  for (let atMs = random.between(0, 20_000); atMs < STORM_MS; atMs += random.between(500, 30_000)) {
    const pauseMs =
      random.pick([500, 5_000, leaseDurationMs, 2 * leaseDurationMs]) * random.between(0.5, 1.2);
    const byMs = random.pick([-1, 1]) * random.pick([2_000, 60_000, 7_200_000]);
    if (meddled && random.chance(0.6)) {
      faults.push({ kind: "deleteLease", atMs, copies: random.chance(0.3) });
    }
    const kinds: Fault[] = [
      { kind: "crash", atMs, label: random.pick(labels), forMs: random.between(100, 60_000) },
      { kind: "suspend", atMs, label: random.pick(suspended), forMs: pauseMs },
      { kind: "suspend", atMs, label: random.pick(suspended), forMs: pauseMs },
      { kind: "block", atMs, label: random.pick(labels), forMs: pauseMs },
      {
        kind: "cut",
        atMs,
        label: random.pick(labels),
        forMs: 1.5 * pauseMs,
        way: random.pick(["requests", "answers", "both"]),
      },
      { kind: "outage", atMs, forMs: random.between(500, 40_000) },
      { kind: "historyOutage", atMs, forMs: random.between(2_000, 60_000) },
      { kind: "callerAborts", atMs, label: random.pick(labels), when: random.pick(["now", "acquiring"]) },
      { kind: "stepDown", atMs, to: random.chance(0.5) ? random.pick(labels) : undefined },
      { kind: "pause", atMs, forMs: random.between(1_000, 40_000) },
      { kind: "forgetTokens", atMs },
      // Deletions are rarer, or nothing else would be seen.
      random.pick<Fault>([
        { kind: "evict", atMs },
        { kind: "evict", atMs },
        { kind: "removeExpired", atMs },
        { kind: "deleteLease", atMs, copies: random.chance(0.5) },
      ]),
      headerFault(random, random.pick(candidates), atMs, broken),
    ];
    if (stepped.length > 0) kinds.push({ kind: "stepWall", atMs, label: random.pick(stepped).label, byMs });
    faults.push(random.pick(kinds));
  }
  return faults;
}

/** A lie that lasts for longer than a lease is promised against only where the wall clock is right. */
function headerFault(random: Random, machine: Machine, atMs: number, broken: boolean): Fault {
  const { label, wall, headersAreRight, leaseDurationMs } = machine;
  const byMs = random.pick([-1, 1]) * random.between(2_000, 60_000);
  const forMs = random.between(0.05, 0.95) * leaseDurationMs;
  const kinds: Fault[] = [{ kind: "missingHeaders", atMs, label, forMs: 3 * forMs }];
  if (!headersAreRight || !wall.isRight) kinds.push({ kind: "lieHeader", atMs, label, forMs, byMs });
  if (!headersAreRight || broken) {
    kinds.push({ kind: "stepHeader", atMs, label, forMs: random.between(1, 8) * leaseDurationMs, byMs });
  }
  return random.pick(kinds);
}
