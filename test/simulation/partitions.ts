import { Partitions, WorkNotStoppedError } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import { EPOCH_MS, Host } from "./host.js";
import { CALM, Network } from "./network.js";
import { Counts } from "./partitions-counts.js";
import { excessOf, LEASE_MS, type Settings, STORM, settingsOf } from "./partitions-plan.js";
import { type MemberPlayer, PartitionsReferee } from "./partitions-referee.js";
import { Random } from "./random.js";
import type { Run } from "./run.js";
import { Violation } from "./violation.js";
import { World } from "./world.js";

/** A group of members that share partitions, in a storm of joins, ends and faults, and then with one change at a time. */

const NAME = "orders";
const STORM_MS = 300_000;
/** After the storm: everything that is late has come, and every member has seen every other one. */
const SETTLE_MS = 12 * LEASE_MS;
/** For one change of the members: until everything is held and level again, and for a while after that … */
const CHANGE_MS = 6 * LEASE_MS;
/** … and for each move that must wait for another one. */
const MOVE_MS = LEASE_MS / 2;
export function simulatePartitions(seed: number, trace?: (line: string) => void): Promise<Run> {
  return new PartitionsSimulation(seed, trace).run();
}

class PartitionsSimulation {
  readonly #world = new World();
  readonly #random: Random;
  readonly #referee = new PartitionsReferee();
  readonly #network: Network;
  readonly #players: MemberPlayer[] = [];
  readonly #settings: Settings;
  readonly #counts: Counts;
  #isCalm = false;
  #violation: Violation | undefined;
  /** The most partitions that rested at the same time, of those that must not rest. */
  #resting = 0;
  #named = 0;

  constructor(
    private readonly seed: number,
    private readonly trace: ((line: string) => void) | undefined,
  ) {
    const random = new Random(seed);
    this.#random = random;
    const table = new MemoryTable({ serviceTimeMs: () => EPOCH_MS + this.#world.nowMs });
    this.#network = new Network(this.#world, table, random, {
      sent: () => {},
      landed: () => {},
      heard: (_host, answer) => answer,
      shown: () => {},
    });
    this.#counts = new Counts(this.#world, random);
    this.#settings = settingsOf(random);
  }

  async run(): Promise<Run> {
    const world = this.#world;
    for (let i = this.#random.integer(1, 5); i > 0; i--) this.#join();
    this.#network.weather = STORM;
    this.#stormOn();
    await this.#pass(STORM_MS);
    this.#isCalm = true;
    this.#network.weather = CALM;
    this.#counts.rollOut(this.#counts.agreed, this.#players, 0);
    if (this.#living.length === 0) this.#join();
    await this.#pass(SETTLE_MS);
    this.#judge(() => this.#expectLevel("after the storm"));
    for (let i = 0; i < 4 && !this.#violation; i++) {
      await this.#changeOnce();
      if (this.#random.chance(0.5)) await this.#recountOnce();
    }
    for (const { host } of this.#players) host.kill();
    return {
      seed: this.seed,
      steps: world.steps,
      simulatedMs: world.nowMs,
      elections: this.#referee.starts,
      faults: this.#network.counted,
      exclusionBroken: 0,
      violation: this.#violation,
    };
  }

  async #pass(ms: number, until?: () => boolean): Promise<void> {
    let isReached = false;
    const inspect = () => {
      this.#judge(() => this.#referee.inspect(this.#world.steps));
      isReached ||= until?.() ?? false;
    };
    const goingOn = () => this.#violation === undefined && !isReached;
    await this.#world.run(this.#world.nowMs + ms, inspect, goingOn);
  }

  #judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation ??= error;
      this.#say(`violation: ${error.message}`);
    }
  }

  #say(what: string): void {
    this.trace?.(`${(this.#world.nowMs / 1_000).toFixed(3).padStart(9)}  ${what}`);
  }

  get #living(): MemberPlayer[] {
    return this.#players.filter(({ host, hasLeft }) => host.alive && !hasLeft);
  }

  #join(): MemberPlayer {
    const random = this.#random;
    const world = this.#world;
    const wall = { offsetMs: random.between(-400, 400), isRight: true };
    const host = new Host(world, 1 + random.between(-1, 1) / 1_000, wall);
    this.#named += 1;
    const partitions = new Partitions({
      store: this.#network.from(host),
      name: NAME,
      label: `m${this.#named}`,
      leaseDurationMs: LEASE_MS,
      stopTimeoutMs: 10_000,
      count: this.#counts.agreed,
      ...this.#settings,
      runtime: { clock: host, random: random.next },
      onEvent: (event) => {
        if (event.type === "elected" || event.type === "ended" || event.type === "internal-error")
          this.#say(`${event.candidateId}: ${event.type} ${event.election}`);
      },
    });
    const player = { host, partitions, stop: new AbortController(), hasLeft: false };
    this.#players.push(player);
    this.#say(`${partitions.candidateId} joins`);
    const running = partitions.run((partition, leadership) => this.#work(player, partition, leadership), {
      signal: player.stop.signal,
    });
    running.then(
      () => this.#say(`${partitions.candidateId} is gone`),
      (error: unknown) =>
        this.#judge(() => {
          // Its event loop was blocked for longer than a stop may take. As the error suggests, the process ends.
          if (error instanceof WorkNotStoppedError && this.#world.nowMs < STORM_MS + SETTLE_MS / 3) {
            this.#kill(player);
            this.#join();
            return;
          }
          throw new Violation("run", `${partitions.candidateId} gave up: ${error}`);
        }),
    );
    return player;
  }

  /** Works until it is told to stop, and then a little longer. */
  async #work(
    player: MemberPlayer,
    partition: number,
    leadership: Parameters<PartitionsReferee["began"]>[2],
  ) {
    let end = () => {};
    this.#judge(() => {
      end = this.#referee.began(player, partition, leadership);
    });
    await new Promise<void>((told) => {
      leadership.signal.addEventListener("abort", () => told(), { once: true });
      if (leadership.signal.aborted) told();
    });
    const drainMs = this.#random.pick([0, 50, 500, 2_000, 4_000]);
    await new Promise<void>((stopped) => player.host.setTimer(drainMs, stopped));
    end();
  }

  #leave(player: MemberPlayer): void {
    this.#say(`${player.partitions.candidateId} leaves`);
    player.hasLeft = true;
    player.stop.abort(new Error("leaves"));
  }

  #kill(player: MemberPlayer): void {
    this.#say(`${player.partitions.candidateId} is killed`);
    player.host.kill();
  }

  #resize(count: number, withinMs: number): void {
    this.#say(`there are ${count} partitions from now on; the members hear of it within ${withinMs} ms`);
    this.#counts.rollOut(count, this.#players, withinMs);
  }

  #differ(count: number, players: readonly MemberPlayer[]): void {
    const who = players.map(({ partitions }) => partitions.candidateId);
    this.#say(`${who.join(" and ")} count ${count} partitions from now on`);
    this.#counts.differ(count, players);
  }

  /** Members flap, freeze, are cut off and hear of another count, one after another. */
  #stormOn(): void {
    const random = this.#random;
    this.#world.after(random.between(200, 20_000), () => {
      if (this.#isCalm) return;
      const living = this.#living;
      const kind = random.pick([
        "join",
        "join",
        "leave",
        "kill",
        "suspend",
        "block",
        "cut",
        "resize",
        "differ",
      ]);
      if (kind === "join" || living.length === 0) {
        if (living.length < 7) this.#join();
      } else {
        const player = random.pick(living);
        const forMs = random.between(100, 2 * LEASE_MS);
        if (kind === "leave") this.#leave(player);
        else if (kind === "kill") this.#kill(player);
        else if (kind === "resize") this.#resize(this.#counts.another(), forMs);
        else if (kind === "differ") this.#differ(this.#counts.another(), [player]);
        else if (kind === "cut")
          this.#network.cut(player.host, random.pick(["requests", "answers", "both"]), forMs);
        else player.host.pause(kind as "suspend" | "block", forMs);
      }
      this.#stormOn();
    });
  }

  /** In calm weather: one change, and nothing moves that need not. */
  async #changeOnce(): Promise<void> {
    const random = this.#random;
    const before = this.#loads();
    const living = this.#living;
    const startsBefore = this.#referee.starts;
    const fromMs = this.#world.nowMs;
    const alone = ["join", "join", "kill all", "restart", "flap"] as const;
    const kind = random.pick(living.length === 1 ? alone : [...alone, "leave", "leave", "kill half"]);
    this.#network.count(`calm ${kind}`);
    this.#say(`change: ${kind}`);
    let withinMs: number | undefined;
    let moving = this.#target;
    if (kind === "join") {
      this.#join();
      moving = excessOf(this.#counts.agreed, [...before.values(), 0]);
    } else if (kind === "leave") {
      const player = random.pick(living);
      moving = before.get(player) ?? 0;
      this.#leave(player);
    } else if (kind === "kill half") {
      const dead = living.slice(0, Math.ceil(living.length / 2));
      moving = dead.reduce((sum, player) => sum + (before.get(player) ?? 0), 0);
      for (const player of dead) this.#kill(player);
      withinMs = 1.5 * LEASE_MS;
    } else if (kind === "flap") {
      moving = 0;
      const guest = this.#join();
      const { settleMs = LEASE_MS / 3 } = this.#settings;
      this.#world.after(random.between(0, settleMs / 2), () => this.#leave(guest));
    } else {
      for (const player of living) this.#kill(player);
      // A fleet that starts anew, on leases that have long run out: it shares them before the first one is taken.
      if (kind === "restart") await this.#pass(3 * LEASE_MS);
      for (const _ of living) this.#world.after(random.between(0, 300), () => this.#join());
      await this.#pass(300);
      withinMs = 2 * LEASE_MS;
      if (kind === "restart") withinMs += this.#settings.settleMs ?? 0;
    }
    // Where members are capped, those that are left may take fewer, or take up what nobody took.
    const isCapped = this.#settings.maxPerMember !== undefined;
    this.#resting = 0;
    const isHeld = () => this.#referee.atWork().size >= this.#target;
    if (withinMs !== undefined) {
      await this.#pass(withinMs, isHeld);
      this.#judge(() => {
        if (!isHeld()) {
          const held = `${this.#referee.atWork().size} of ${this.#target}`;
          throw new Violation("liveness", `${kind}: ${held} are held after ${withinMs} ms`);
        }
      });
    }
    const limit = this.#movesAtOnce(this.#counts.agreed);
    const target = this.#target;
    const changeMs = this.#changeMs(moving, this.#counts.agreed);
    await this.#pass(changeMs + fromMs - this.#world.nowMs, () => {
      if (kind === "join" && !isCapped)
        this.#resting = Math.max(this.#resting, target - this.#referee.atWork().size);
      return false;
    });
    if (this.#violation) return;
    this.#judge(() => {
      if (this.#resting > limit)
        throw new Violation("pace", `${this.#resting} rested at the same time, at most ${limit} may`);
      this.#expectLevel(`after: ${kind}`);
      const moved = this.#referee.starts - startsBefore;
      if (!isCapped && moved !== moving)
        throw new Violation("moves", `${kind}: ${moved} partitions moved, ${moving} had to`);
    });
  }

  /** In calm weather: the members hear of another count, at once, one after the other, or at first only some of them. */
  async #recountOnce(): Promise<void> {
    if (this.#violation) return;
    const random = this.#random;
    const before = this.#counts.agreed;
    const lower = this.#counts.lower();
    const kind = random.pick(["roll out", "differ", ...(lower === undefined ? [] : ["lower"])]);
    this.#network.count(`calm ${kind}`);
    this.#say(`change: ${kind}`);
    const count = (kind === "lower" ? lower : undefined) ?? this.#counts.another();
    const most = Math.max(before, count);
    const fewest = Math.min(before, count);
    const startsBefore = this.#referee.starts;
    const kept = new Map(this.#living.map((player) => [player, 0]));
    for (const [partition, player] of this.#referee.atWork())
      if (partition < count) kept.set(player, (kept.get(player) ?? 0) + 1);
    if (kind === "differ") {
      const living = this.#living;
      const some = living.slice(0, random.integer(1, living.length));
      this.#differ(count, some);
      await this.#pass(this.#changeMs(most, fewest));
      this.#judge(() => this.#expectCountedHeld(some.length === living.length ? count : most));
    }
    const after = kind === "differ" && random.chance(0.5) ? before : count;
    const withinMs = kind === "lower" ? 0 : random.between(0, 2 * LEASE_MS);
    this.#resize(after, withinMs);
    await this.#pass(withinMs + this.#changeMs(most, fewest));
    if (this.#violation) return;
    this.#judge(() => {
      this.#referee.expectCounted(`after: ${kind}`);
      this.#expectLevel(`after: ${kind}`);
      const moving = excessOf(count, [...kept.values()]);
      const moved = this.#referee.starts - startsBefore;
      if (kind === "lower" && this.#settings.maxPerMember === undefined && moved !== moving)
        throw new Violation("moves", `${kind}: ${moved} partitions moved, ${moving} had to`);
    });
  }

  /** While the members differ, in calm weather. Where they are capped, those who count a partition may be full. */
  #expectCountedHeld(most: number): void {
    this.#referee.expectCounted("while the members differ");
    const held = this.#referee.atWork().size;
    if (this.#settings.maxPerMember === undefined && held !== most)
      throw new Violation("liveness", `while the members differ: ${held} of ${most} partitions are held`);
  }

  /** For so many moves, by members of whom the slowest knows this count. */
  #changeMs(moving: number, count: number): number {
    const { settleMs = LEASE_MS / 3 } = this.#settings;
    return CHANGE_MS + settleMs + (moving / this.#movesAtOnce(count)) * MOVE_MS;
  }

  #movesAtOnce(count: number): number {
    return this.#settings.maxMovesAtOnce ?? Math.ceil(count / 8);
  }

  #loads(): Map<MemberPlayer, number> {
    const loads = new Map(this.#living.map((player) => [player, 0]));
    for (const player of this.#referee.atWork().values()) loads.set(player, (loads.get(player) ?? 0) + 1);
    return loads;
  }

  /** How many partitions the living members should hold together. */
  get #target(): number {
    const count = this.#counts.agreed;
    const { maxPerMember = count } = this.#settings;
    return Math.min(count, this.#living.length * maxPerMember);
  }

  #expectLevel(when: string): void {
    const loads = [...this.#loads().values()];
    const held = loads.reduce((a, b) => a + b, 0);
    if (held !== this.#target)
      throw new Violation("liveness", `${when}: ${held} of ${this.#target} partitions are held`);
    if (Math.max(...loads) - Math.min(...loads) > 1)
      throw new Violation("balance", `${when}: ${loads.join(", ")}`);
  }
}
