import { TableError } from "../../src/errors.js";
import { sendStandInsBy } from "../../src/heartbeat-thread/sender.js";
import {
  Election,
  type ElectionEvent,
  type Leadership,
  Operator,
  Session,
  WorkNotStoppedError,
} from "../../src/index.js";
import { endedTerm, type Lease } from "../../src/protocol/lease.js";
import { isSessionRow } from "../../src/protocol/sessions.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { MemoryTable } from "../../src/testing/index.js";
import { plainSigner } from "../support/wills.js";
import { type Death, Estate } from "./estate.js";
import { Headers } from "./headers.js";
import { EPOCH_MS, Host } from "./host.js";
import { LivingThread } from "./living-thread.js";
import { CALM, Network, type Verb, type Weather } from "./network.js";
import { Random } from "./random.js";
import { Replicas } from "./replicas.js";
import type { Run } from "./run.js";
import { DATE_ERROR_MS, type Machine, type Name, type SessionsPlan } from "./sessions-plan.js";
import { Reads, rest } from "./sessions-reads.js";
import { type Bidder, SessionsReferee, type Written } from "./sessions-referee.js";
import { LATEST_MS, type Memories, type Offer, Restores } from "./sessions-restores.js";
import { Strays } from "./strays.js";
import { Violation } from "./violation.js";
import { World } from "./world.js";

const REGISTER = "register";
const RESTORES = ["restoreLease", "restoreLease", "restoreHistory", "restoreSession", "restoreAll"] as const;

/** One election object, and the calls of it that are under way. */
interface Player extends Bidder {
  readonly election: Election;
  readonly callers: Set<AbortController>;
  /** Others bid for all names. */
  readonly mayLeave: boolean;
  /** Until then it does not bid, whatever it has left behind. */
  awayUntilMs: number;
}

/** A session of a process, from its first election to its close. */
interface Era {
  readonly sinceMs: number;
  readonly session: Session | undefined;
  readonly players: Player[];
  isOver: boolean;
}

interface Process {
  readonly machine: Machine;
  readonly host: Host;
  readonly store: LeaseStore;
  readonly estate: Estate | undefined;
  readonly thread: LivingThread | undefined;
  readonly plain: Era;
  under: Era;
}

/** Processes with a session and many leases each, in a storm of faults, and then with one change at a time. */
export function simulateSessions(plan: SessionsPlan, trace?: (line: string) => void): Promise<Run> {
  return new SessionsSimulation(plan, trace).run();
}

class SessionsSimulation {
  readonly #world = new World();
  readonly #random: Random;
  readonly #table: MemoryTable;
  readonly #replicas: Replicas;
  readonly #network: Network;
  readonly #referee: SessionsReferee;
  readonly #headers: Headers;
  readonly #processes = new Map<string, Process>();
  readonly #machines = new Map<Host, Machine>();
  readonly #reads: Reads;
  readonly #restores: Restores;
  /** The ids of all candidates, alive or dead. */
  readonly #candidates = new Map<string, Host>();
  readonly #operators = new Map<string, Operator>();
  readonly #operatorsHost: Host;
  readonly #stopTimeoutMs: number;
  /** What operators ask for, by name, one thing after the other. */
  readonly #pausing = new Map<string, Promise<void>>();
  #isCalm = false;
  /** Whose next acquire comes late. */
  #abandons: string | undefined;
  #leaseWrites = 0;
  #violation: Violation | undefined;

  constructor(
    private readonly plan: SessionsPlan,
    private readonly trace: ((line: string) => void) | undefined,
  ) {
    const world = this.#world;
    const random = new Random(plan.seed ^ 0x2f6e2b1d);
    this.#random = random;
    const serviceTimeMs = () => EPOCH_MS + world.nowMs + random.between(-1, 1) * DATE_ERROR_MS;
    this.#table = new MemoryTable({ keys: { [REGISTER]: ["id"] }, serviceTimeMs });
    this.#replicas = new Replicas(random, () => world.nowMs);
    this.#stopTimeoutMs = Math.round(0.6 * plan.leaseDurationMs);
    this.#referee = new SessionsReferee(
      plan,
      this.#stopTimeoutMs,
      (name) => (this.#table.items(REGISTER) as unknown as Written[]).find(({ id }) => id === name),
      (candidateId) => this.#candidates.get(candidateId),
    );
    this.#network = new Network(world, this.#eventually(this.#table), random, {
      sent: (host, verb, [request]) => {
        this.#judge(() => this.#referee.sent(host, verb, request));
        if (verb === "acquire") this.#disturbAcquire(host);
      },
      landed: (verb, args, answer) => this.#landed(verb, args, answer),
      shown: () => {},
      heard: (host, whole, sentMs, verb, args) => {
        const answer = this.#reads.leftOut(verb, whole);
        this.#referee.heard(host, new Set(this.#idsOf(host)), verb, args, answer, sentMs);
        if (verb === "read")
          this.#restores.read(host, args[0] as string, (answer as { lease?: Lease }).lease, sentMs);
        const machine = this.#machines.get(host);
        return machine ? this.#headers.on(machine, host, answer, { sentMs, nowMs: world.nowMs }) : answer;
      },
    });
    this.#headers = new Headers(false, (what) => this.#network.count(what));
    this.#reads = new Reads(
      world,
      random,
      this.#requestTimeoutMs,
      plan.hasty ? 0.7 : 0.2,
      (what) => this.#network.count(what),
      () => this.#isCalm,
    );
    this.#restores = new Restores(plan.leaseDurationMs, random, () => world.nowMs);
    this.#operatorsHost = new Host(world, 1, { offsetMs: 0, isRight: true });
    const store = this.#losingNudges(this.#network.from(this.#operatorsHost));
    const runtime = { clock: this.#operatorsHost, random: random.next };
    for (const { name } of plan.names) this.#operators.set(name, new Operator({ store, name, runtime }));
  }

  async run(): Promise<Run> {
    const { plan } = this;
    const world = this.#world;
    for (const machine of plan.processes)
      world.after(this.#random.between(0, plan.leaseDurationMs), () => this.#start(machine));
    this.#weatherOn();
    this.#stormOn();
    this.#replicas.staleness = 0.2;
    if (plan.blinds)
      world.after(this.#random.between(3, 10) * plan.leaseDurationMs, () => this.#strike("blind"));
    await this.#pass(plan.stormMs);
    this.#isCalm = true;
    this.#network.weather = CALM;
    this.#replicas.staleness = 0;
    for (const { name } of plan.names) this.#setPaused(name, false);
    await this.#pass(LATEST_MS);
    await this.#untilTermsHaveGoneOn();
    this.#referee.isCalmSinceMs = world.nowMs;
    await this.#untilAllAreLed(this.#referee.rowLeaseMs + 10 * plan.leaseDurationMs, "after the storm");
    for (let i = 0; i < 3 && !this.#violation; i++) await this.#changeOnce();
    for (const host of this.#candidates.values()) host.kill();
    this.#operatorsHost.kill();
    return {
      seed: plan.seed,
      steps: world.steps,
      simulatedMs: world.nowMs,
      elections: this.#referee.elections,
      faults: this.#network.counted,
      exclusionBroken: 0,
      violation: this.#violation,
    };
  }

  async #pass(ms: number, until?: () => boolean): Promise<void> {
    let isReached = false;
    const inspect = () => {
      this.#judge(() => this.#referee.inspect(this.#world.nowMs, this.#world.steps));
      isReached ||= until?.() ?? false;
    };
    const goingOn = () => this.#violation === undefined && !isReached;
    await this.#world.run(this.#world.nowMs + ms, inspect, goingOn);
  }

  async #untilAllAreLed(withinMs: number, when: string): Promise<void> {
    const isLed = () => this.#referee.leaderless.length === 0;
    await this.#pass(withinMs, isLed);
    this.#judge(() => {
      if (!isLed())
        throw new Violation(
          "liveness",
          `${when}: nobody leads ${this.#referee.leaderless} after ${withinMs} ms`,
        );
    });
  }

  /** Where an older row was put back. If nothing tells of it, it is seen with the next poll as a last resort (rule 14g). */
  async #untilTermsHaveGoneOn(): Promise<void> {
    const withinMs = 6 * this.#referee.rowLeaseMs;
    await this.#pass(withinMs, () => !this.#restores.isPending);
    this.#judge(() => {
      if (this.#restores.isPending)
        throw new Violation("liveness", `terms do not go on ${withinMs} ms after a restore`);
    });
  }

  #judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation ??= error;
      this.#say(`VIOLATION of ${error.message}`);
    }
  }

  #say(what: string): void {
    this.trace?.(`${(this.#world.nowMs / 1_000).toFixed(3).padStart(9)} s  ${what}`);
  }

  /** Reads that need not be consistent are answered by replicas. */
  #eventually(table: MemoryTable): LeaseStore {
    const replicas = this.#replicas;
    return new Proxy(table as LeaseStore, {
      get(target, verb) {
        if (verb === "read")
          return async (election: string, how: { consistent: boolean }, signal: AbortSignal) => {
            const answer = await target.read(election, how, signal);
            return how.consistent ? answer : { ...answer, lease: replicas.show(election, answer.lease) };
          };
        if (verb === "readMany")
          return async (names: readonly string[], how: { consistent: boolean }, signal: AbortSignal) => {
            const answer = await target.readMany(names, how, signal);
            if (how.consistent) return answer;
            const shown = names.map((name) => [name, replicas.show(name, answer.leases.get(name))] as const);
            const there = shown.filter((one): one is readonly [string, Lease] => one[1] !== undefined);
            return { ...answer, leases: new Map(there) };
          };
        const value: unknown = Reflect.get(target, verb);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** An acquire can come late, when its caller has given up. */
  #abandoning(store: LeaseStore, host: Host): LeaseStore {
    return { ...store, acquire: (...args) => this.#abandoned(host, args) ?? store.acquire(...args) };
  }

  get #requestTimeoutMs(): number {
    const { leaseDurationMs, tight } = this.plan;
    return tight ? Math.floor(leaseDurationMs * 0.3) : Math.min(2_000, Math.floor(leaseDurationMs / 4));
  }

  /** An acquire that comes late, when its caller has given up. Undefined: it is on its way as every request is. */
  #abandoned(host: Host, args: Parameters<LeaseStore["acquire"]>): Promise<never> | undefined {
    const random = this.#random;
    const [{ candidateId }] = args;
    const isChosen = this.#abandons === candidateId;
    if (!isChosen && (this.#isCalm || !random.chance(this.plan.hasty ? 0.2 : 0.05))) return undefined;
    this.#abandons = undefined;
    const player = this.#playersOf(host).find((one) => one.candidateId === candidateId);
    if (player === undefined) return undefined;
    this.#network.count("abandoned");
    this.#say(`${candidateId} of ${player.name} gives up while its acquire is under way`);
    this.#network.landAgain(
      host,
      "acquire",
      args,
      this.#requestTimeoutMs + random.between(20, isChosen ? 600 : 3_000),
    );
    if (isChosen || random.chance(0.5)) this.#abort(player, isChosen || player.mayLeave);
    return new Promise<never>(() => {});
  }

  #playersOf(host: Host): Player[] {
    const process = [...this.#processes.values()].find((each) => each.host === host);
    return process ? [...process.under.players, ...process.plain.players] : [];
  }

  #abort(player: Player, leaves: boolean): void {
    if (leaves) player.awayUntilMs = this.#world.nowMs + 15 * this.plan.leaseDurationMs;
    for (const caller of player.callers) caller.abort(new Error("enough"));
  }

  #losingNudges(store: LeaseStore): LeaseStore {
    const nudgeSession: LeaseStore["nudgeSession"] = (...args) => {
      if (this.#isCalm || this.#random.chance(0.7)) return store.nudgeSession(...args);
      this.#network.count("nudgeLost");
      return new Promise<never>(() => {});
    };
    return { ...store, nudgeSession };
  }

  #landed(verb: Verb, args: readonly unknown[], answer: Answer): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    const { election } = (args[0] ?? {}) as { election?: string };
    this.#judge(() => this.#referee.landed(verb, args, answer, this.#world.nowMs));
    if (!done || !lease || election === undefined) return;
    this.#replicas.wrote(election, lease);
    this.#restores.landed(election, lease);
    if (isSessionRow(election)) {
      this.#referee.logged(election, lease);
      // By the table's TTL, before others have seen the end.
      if (lease.kind === "vacant" && this.plan.meddled && !this.#isCalm && this.#random.chance(0.3))
        this.#world.after(this.#random.between(0, 3_000), () => this.#sweep());
    } else if (verb !== "markAwaited") this.#leaseWrites += 1; // Who sees a term late says that it waits (rule 2m).
    if (verb === "evict" && this.trace) this.#say(`${election} is evicted`);
    if (this.trace && (verb === "sealSession" || verb === "burySession" || verb === "openSession"))
      this.#say(`${election}: ${verb}`);
  }

  // ---- processes

  #start(machine: Machine): void {
    const world = this.#world;
    if (this.#restores.isPending) return void world.after(1_000, () => this.#start(machine));
    const host = new Host(world, machine.rate, machine.wall);
    this.#machines.set(host, machine);
    let store = this.#reads.of(this.#abandoning(this.#network.from(host), host), host);
    let estate: Estate | undefined;
    if (this.plan.wills) {
      estate = new Estate({ world, network: this.#network, random: this.#random, executed: () => {} }, host);
      store = estate.on(store);
    }
    let thread: LivingThread | undefined;
    if (machine.maxStallMs !== undefined) {
      store = Object.assign(store, { signer: store.signer ?? plainSigner });
      const strays = new Strays(world, this.#network, this.#random);
      const watch = { leaves: () => {}, confirmed: () => {} };
      thread = new LivingThread({ world, network: this.#network, strays, ...watch }, host);
      sendStandInsBy(store, thread);
    }
    const none: Era = { sinceMs: world.nowMs, session: undefined, players: [], isOver: false };
    const process = { machine, host, store, estate, thread, plain: none, under: none };
    this.#processes.set(machine.label, process);
    this.#say(`${machine.label} starts`);
    for (const { name, isPlain } of machine.bids) if (isPlain) this.#enter(process, process.plain, name);
    this.#openEra(process);
  }

  get #timing() {
    const { leaseDurationMs, tight, expiry } = this.plan;
    return {
      leaseDurationMs,
      stopTimeoutMs: this.#stopTimeoutMs,
      lastWill: this.plan.wills,
      tuning: {
        expiry,
        ...(tight && {
          safetyMarginMs: Math.ceil(leaseDurationMs / 250),
          requestTimeoutMs: this.#requestTimeoutMs,
        }),
      },
    };
  }

  #openEra(process: Process): void {
    if (this.#restores.isPending) return void process.host.setTimer(1_000, () => this.#openEra(process));
    this.#referee.born(this.#world.nowMs);
    const { machine, host, store } = process;
    const { maxStallMs } = machine;
    const session = new Session({
      store,
      label: machine.label,
      ...this.#timing,
      ...(maxStallMs !== undefined && { heartbeat: { maxStallMs } }),
      runtime: { clock: host, random: this.#random.next },
      onEvent: (event: ElectionEvent) => {
        this.#judge(() => this.#referee.heardEvent(event));
        if (event.type !== "renewed") this.#tell(event);
      },
    });
    const era: Era = { sinceMs: this.#world.nowMs, session, players: [], isOver: false };
    process.under = era;
    for (const { name, isPlain } of machine.bids) if (!isPlain) this.#enter(process, era, name);
  }

  #enter(process: Process, era: Era, name: Name): void {
    const { machine, host, store } = process;
    const { maxStallMs } = machine;
    const common = {
      name: name.name,
      ...(name.order !== "random" && { succession: name.order }),
      onEvent: (event: ElectionEvent) => {
        this.#judge(() => this.#referee.heardEvent(event));
        this.#restores.heardEvent(event);
        this.#tell(event);
      },
    };
    const election =
      era.session === undefined
        ? new Election({
            store,
            ...common,
            label: machine.label,
            ...this.#timing,
            ...(maxStallMs !== undefined && { heartbeat: { maxStallMs } }),
            runtime: { clock: host, random: this.#random.next },
          })
        : new Election({ session: era.session, ...common });
    const { candidateId } = election;
    this.#candidates.set(candidateId, host);
    const player: Player = {
      host,
      election,
      name: name.name,
      candidateId,
      isPlain: era.session === undefined,
      isQuiet: era.session !== undefined && name.order === "random",
      maxStallMs,
      callers: new Set(),
      mayLeave: machine !== this.plan.processes[0],
      awayUntilMs: 0,
    };
    era.players.push(player);
    void this.#leadForEver(player, era);
  }

  #tell(event: ElectionEvent): void {
    if (!this.trace || event.type === "renewed" || event.type === "waiting" || event.type === "refused")
      return;
    const term = "term" in event ? ` term ${event.term}` : "";
    const why = "reason" in event ? ` ${event.reason}` : "outcome" in event ? ` ${event.outcome}` : "";
    this.#say(`${event.candidateId} of ${event.election}: ${event.type}${term}${why}`);
  }

  *#idsOf(host: Host): Iterable<string> {
    for (const [id, of] of this.#candidates) if (of === host) yield id;
  }

  async #leadForEver(player: Player, era: Era): Promise<void> {
    const random = this.#random;
    const { host, election } = player;
    while (host.alive && !era.isOver) {
      const caller = new AbortController();
      player.callers.add(caller);
      try {
        if (random.chance(0.1) && !this.#isCalm) await this.#leadByHand(player, caller.signal);
        else
          await election.lead((leadership) => this.#work(player, leadership), {
            signal: caller.signal,
            announce: random.chance(0.5),
          });
      } catch (error) {
        if (error instanceof WorkNotStoppedError) await error.stopped;
        else if (error instanceof TableError && error.problem === "access-denied")
          this.#network.count("gaveUp");
        else if (!era.isOver && !caller.signal.aborted)
          this.#judge(() => {
            throw new Violation("run", `${player.candidateId} gave up ${player.name}: ${error}`);
          });
      } finally {
        player.callers.delete(caller);
      }
      const awayMs = Math.max(0, player.awayUntilMs - this.#world.nowMs);
      await rest(host, awayMs + random.between(0, this.plan.leaseDurationMs / 4));
    }
  }

  async #leadByHand(player: Player, signal: AbortSignal): Promise<void> {
    const leadership = await player.election.campaign({ signal });
    await this.#work(player, leadership);
    await leadership.resign();
  }

  /** Writes now and then under its fence until it is told to stop, and then takes a little longer. */
  async #work(player: Player, leadership: Leadership): Promise<void> {
    const random = this.#random;
    const { host, name } = player;
    const { leaseDurationMs } = this.plan;
    let working: ReturnType<SessionsReferee["began"]> | undefined;
    this.#judge(() => {
      working = this.#referee.began(player, leadership, this.#world.nowMs);
    });
    const told = new Promise<void>((resolve) => {
      leadership.signal.addEventListener("abort", () => resolve(), { once: true });
      if (leadership.signal.aborted) resolve();
    });
    if (this.plan.hasty && !this.#isCalm && random.chance(0.4)) this.#loseAtOnce(player, leadership);
    const most = random.chance(0.2) ? random.integer(1, 6) : Number.POSITIVE_INFINITY;
    for (let i = 0; !leadership.signal.aborted && (i < most || this.#isCalm); i++) {
      const pauseMs = random.between(0.2, 4) * leaseDurationMs;
      await Promise.race([rest(host, pauseMs), told]);
      if (this.#isCalm) {
        await told;
        break;
      }
      if (random.chance(0.05)) leadership.stepDown();
      if (this.plan.silent) continue;
      if (random.chance(0.1)) void leadership.proclaim(`${leadership.term}/${i}`).catch(() => {});
      if (random.chance(0.3)) void leadership.transact([writeOf(name, leadership.term)]).catch(() => {});
    }
    const drainMs = random.pick([0, 50, 500, 0.2 * leaseDurationMs]);
    const overrunMs = this.#isCalm || !random.chance(0.08) ? 0 : random.between(0.5, 4) * leaseDurationMs;
    await rest(host, drainMs + overrunMs);
    if (working) working.runs = false;
  }

  /** It is evicted as it begins, and its next fenced write shows that. */
  #loseAtOnce({ name, host }: Player, leadership: Leadership): void {
    this.#network.count("lostAtOnce");
    void this.#operators
      .get(name)
      ?.evict()
      .catch(() => {});
    host.setTimer(this.#random.between(20, 400), () => {
      void leadership.transact([writeOf(name, leadership.term)]).catch(() => {});
    });
  }

  #die({ machine, host, estate }: Process, how: Death, forMs: number): void {
    if (!host.alive || this.#restores.isPending) return;
    const asItIs = how === "exits" && !host.running ? "killed" : how;
    this.#network.count(asItIs);
    this.#say(`${machine.label} dies: ${asItIs}`);
    estate?.dies(asItIs);
    host.kill();
    this.#world.after(forMs, () => this.#start(machine));
  }

  #close(process: Process, forMs: number): void {
    const { under, host, machine } = process;
    if (under.isOver || !under.session || this.#restores.isPending) return;
    this.#network.count("close");
    this.#say(`${machine.label} closes its session`);
    under.isOver = true;
    const closed = under.session.close().then(
      () => {},
      (error: unknown) =>
        this.#judge(() => {
          throw new Violation("close", `it rejects: ${error}`);
        }),
    );
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
      this.#say(`${machine.label} has closed its session`);
      for (const { callers } of under.players)
        for (const caller of callers) caller.abort(new Error("closed"));
      host.setTimer(forMs, () => this.#openEra(process));
    });
    // It is bounded, whatever the table does.
    const boundMs = this.#stopTimeoutMs + this.plan.leaseDurationMs;
    host.setTimer(boundMs + 10, () =>
      this.#judge(() => {
        if (!isClosed) throw new Violation("close", `it takes longer than ${boundMs} ms`);
      }),
    );
  }

  // ---- faults

  get #stormLeftMs(): number {
    return Math.max(0, this.plan.stormMs - this.#world.nowMs);
  }

  #weatherOn(): void {
    if (this.#isCalm) return;
    const random = this.#random;
    const some = () => (random.chance(0.4) ? random.between(0, 0.25) : 0);
    const weather: Weather = {
      ...CALM,
      loseRequest: some(),
      loseAnswer: some(),
      duplicate: some(),
      retry: some(),
      late: some() / 2,
      fail: some(),
    };
    this.#network.weather = random.chance(0.5) ? weather : CALM;
    this.#world.after(random.between(0.5, 8) * this.plan.leaseDurationMs, () => this.#weatherOn());
  }

  #stormOn(): void {
    const { leaseDurationMs, pace } = this.plan;
    this.#world.after(this.#random.between(0.02, 2 * pace) * leaseDurationMs, () => {
      if (this.#isCalm) return;
      this.#strike();
      this.#stormOn();
    });
  }

  #strike(what?: "blind"): void {
    const { plan } = this;
    const random = this.#random;
    const process = random.pick([...this.#processes.values()]);
    if (process === undefined) return;
    const { host, machine, thread } = process;
    const { name } = random.pick(plan.names);
    const operator = this.#operators.get(name) as Operator;
    const leaseMs = plan.leaseDurationMs;
    const forMs = Math.min(
      this.#stormLeftMs,
      leaseMs * random.pick([0.1, 0.5, 1, 2]) * random.between(0.5, 1.2),
    );
    const kinds = [
      "die",
      "suspend",
      "block",
      "stall",
      "cut",
      "cut",
      "outage",
      "close",
      "callerAborts",
      "blind",
      "evict",
      "evict",
      "stepDown",
      "pause",
      "header",
      "copy",
      "threadDies",
      ...(plan.meddled ? (["deleteLease", "sweep", "sweep", "deleteSession"] as const) : []),
      ...(plan.restores ? RESTORES : []),
    ] as const;
    const kind = what ?? random.pick([...kinds]);
    this.#network.count(kind);
    if (kind !== "header" && kind !== "copy")
      this.#say(`fault: ${kind} (${machine.label}, ${name}, ${Math.round(forMs)} ms)`);
    switch (kind) {
      case "die":
        this.#die(process, random.pick(["lost", "killed", "exits"] as const), forMs);
        return;
      case "suspend":
        if (machine.mayBeSuspended) host.pause("suspend", forMs);
        return;
      case "block":
        host.pause("block", forMs, random.chance(0.5));
        return;
      case "stall":
        host.pause(
          "block",
          Math.min(this.#stormLeftMs, (machine.maxStallMs ?? leaseMs) * random.between(0.5, 1.3)),
          random.chance(0.5),
        );
        return;
      case "cut":
        for (const each of this.#hostsOf(process))
          this.#network.cut(each, random.pick(["requests", "answers", "both"]), 1.5 * forMs);
        return;
      case "outage":
        this.#network.awayUntilMs = this.#world.nowMs + forMs;
        return;
      case "close":
        host.whenRunning(() => this.#close(process, random.between(0, leaseMs)));
        return;
      case "callerAborts":
        for (const player of this.#playersOf(host))
          if (random.chance(0.5)) this.#abort(player, player.mayLeave && random.chance(0.5));
        return;
      case "blind":
        this.#reads.blind(
          this.#referee.leaderOf(name)?.bidder.host ?? host,
          Math.min(this.#stormLeftMs, leaseMs * random.pick([random.between(2, 24), 24])),
          random.chance(0.7) ? "throttled" : "denied",
        );
        void operator.evict().catch(() => {});
        return;
      case "evict":
        void operator.evict().catch(() => {});
        return;
      case "stepDown":
        void operator.requestStepDown().catch(() => {});
        return;
      case "pause":
        this.#setPaused(name, true);
        this.#world.after(forMs, () => this.#setPaused(name, false));
        return;
      case "header":
        this.#lie(machine, leaseMs);
        return;
      case "copy":
        this.#network.copy(
          random.pick([
            "openSession",
            "acquire",
            "sealSession",
            "resign",
            "renew",
            "burySession",
            "nudgeSession",
            "acknowledgeEviction",
            "evict",
          ] as const),
          random.between(0, 20_000),
        );
        return;
      case "threadDies":
        thread?.dies();
        return;
      case "deleteLease":
        void this.#deleteLease(name);
        return;
      case "sweep":
        this.#sweep();
        return;
      case "deleteSession":
        this.#deleteSession();
        return;
      default:
        void this.#restore(kind, name);
    }
  }

  #hostsOf({ host, estate, thread }: Process): Host[] {
    return [host, estate?.host, thread?.host].filter((each) => each !== undefined);
  }

  #lie({ label, wall, headersAreRight }: Machine, leaseMs: number): void {
    const random = this.#random;
    const byMs = random.pick([-1, 1]) * random.between(2_000, 60_000);
    const leases = headersAreRight ? random.between(0.05, 0.95) : random.between(1, 8);
    const isAllowed = !headersAreRight || !wall.isRight;
    const untilMs = Math.min(this.#world.nowMs + leases * leaseMs, this.plan.stormMs);
    this.#headers.begin(label, { byMs: isAllowed ? byMs : undefined, untilMs });
  }

  /** Between the request and what comes of it its caller aborts, or its machine is cut off. */
  #disturbAcquire(host: Host): void {
    const random = this.#random;
    if (this.#isCalm || !random.chance(0.1)) return;
    const process = [...this.#processes.values()].find((each) => each.host === host);
    if (!process) return;
    this.#world.after(random.between(0, 30), () => {
      this.#network.count("disturbedAcquire");
      if (random.chance(0.5))
        this.#network.cut(host, "answers", Math.min(this.#stormLeftMs, random.between(500, 8_000)));
      else for (const player of this.#playersOf(host)) if (random.chance(0.5)) this.#abort(player, false);
    });
  }

  async #deleteLease(name: string): Promise<void> {
    const row = this.#referee.rowOf(name);
    if (row === undefined || row.kind === "placeholder") return;
    const { history } = await this.#table.readHistory(name);
    // A deletion is harmless once history has the term.
    if (history.highestTerm !== endedTerm(row) || this.#referee.rowOf(name) !== row) return;
    this.#network.count("deleted");
    this.#table.deleteLease(name);
    this.#replicas.wrote(name, undefined);
    this.#referee.deleted(name, this.#world.nowMs);
    this.#say(`${name} is deleted`);
  }

  /** The table's TTL, at any moment after the end. */
  #sweep(): void {
    for (const row of this.#referee.endedSessions) {
      if (this.#random.chance(0.5)) continue;
      this.#network.count("swept");
      this.#table.deleteLease(row);
      this.#replicas.wrote(row, undefined);
      this.#referee.swept(row, this.#world.nowMs);
      this.#say(`${row} is swept`);
    }
  }

  /** By hand, while it lives (rule 14e). */
  #deleteSession(): void {
    const living = this.#referee.livingSessions.filter((row) => this.#restores.mayBeDeleted(row));
    if (living.length > 0) this.#loseSession(this.#random.pick(living));
  }

  #loseSession(row: string): void {
    this.#network.count("sessionLost");
    this.#network.forgetCopies();
    this.#table.deleteLease(row);
    this.#replicas.wrote(row, undefined);
    this.#referee.lost(row, undefined, this.#world.nowMs);
    this.#say(`${row} is deleted`);
  }

  /** Rows of an older moment come back: a lease row, the history of an election, the row of a session, or all of them. */
  async #restore(kind: (typeof RESTORES)[number], name: string): Promise<void> {
    const asOfMs = kind === "restoreAll" ? this.#restores.aMoment() : undefined;
    const sessions = this.#referee.sessionRows;
    const leases = kind === "restoreAll" ? this.plan.names.map((each) => each.name) : [name];
    const names = {
      restoreLease: leases,
      restoreHistory: [],
      restoreSession: sessions,
      restoreAll: [...leases, ...sessions],
    };
    const offers = this.#restores.offers(
      names[kind],
      (each) => this.#referee.standing(each),
      this.#memories,
      asOfMs,
    );
    const chosen = kind === "restoreSession" && offers.length > 0 ? [this.#random.pick(offers)] : offers;
    for (const offer of chosen) this.#putBack(offer, kind === "restoreAll" || this.#random.chance(0.3));
    if (kind === "restoreHistory")
      void this.#putBackHistory(name, this.#random.integer(0, this.#referee.rowOf(name)?.term ?? 0));
    if (asOfMs === undefined || chosen.length === 0) return;
    for (const row of this.#referee.livingSessions)
      if (this.#restores.isYounger(row, asOfMs) && this.#restores.mayBeDeleted(row)) this.#loseSession(row);
  }

  #putBack(offer: Offer, withHistory: boolean): void {
    const { name, older, row } = offer;
    this.#network.count(isSessionRow(name) ? "sessionPutBack" : "putBack");
    this.#network.forgetCopies();
    this.#table.restore(name, older);
    this.#replicas.wrote(name, older);
    this.#restores.restored(offer);
    this.#referee.restored(name, older, row, this.#world.nowMs);
    // If its holder renews at once, nobody sees what was put back.
    if (isSessionRow(name) && this.#random.chance(0.7)) this.#cutOff(row);
    this.#say(
      `${name} is put back: term ${row.term}/${row.revision} becomes ${older.term}/${older.revision}`,
    );
    if (withHistory && !isSessionRow(name)) void this.#putBackHistory(name, older.term);
  }

  #cutOff(row: Lease): void {
    const label = row.kind === "held" ? row.holder.slice(0, row.holder.lastIndexOf("-")) : undefined;
    const holder = label === undefined ? undefined : this.#processes.get(label);
    const forMs = Math.min(this.#stormLeftMs, this.#random.between(0.3, 1.2) * this.plan.leaseDurationMs);
    if (holder) this.#network.cut(holder.host, "requests", forMs);
  }

  /** As it was then: the newest term carries no `ttl`, and no end. */
  async #putBackHistory(name: string, upToTerm: number): Promise<void> {
    const { lease: row } = await this.#table.read(name);
    if (row === undefined || row.kind === "placeholder") return;
    const terms = this.#table.terms(name);
    const kept = terms.filter(({ term }) => term <= upToTerm);
    if (kept.length === terms.length) return;
    this.#network.count("historyPutBack");
    const last = kept.at(-1)?.term;
    const asThen = kept.map(({ ttl, endReason, endedAt, ...record }) =>
      record.term === last ? record : { ...record, ttl, endReason, endedAt },
    );
    this.#table.restore(name, row, asThen);
    this.#say(`the history of ${name} is put back to term ${last}`);
  }

  /** Who lives, and may go by what is put back. */
  get #memories(): Memories {
    const living = [...this.#processes.values()].filter(({ host }) => host.alive);
    const players = living.flatMap(({ under, plain }) => [
      ...(under.isOver ? [] : under.players),
      ...plain.players,
    ]);
    return {
      candidatesOf: (name) =>
        players.filter((player) => player.name === name).map(({ candidateId }) => candidateId),
      watchers: living.map(({ host, under }) => ({ host, sinceMs: under.sinceMs })),
      hasPlain: players.some(({ isPlain }) => isPlain),
    };
  }

  /** One after the other, each until it is done. */
  #setPaused(name: string, paused: boolean): void {
    const operator = this.#operators.get(name) as Operator;
    const ask = async () => {
      for (let isDone = false; !isDone; )
        isDone = await (paused ? operator.pause() : operator.resume()).then(
          ({ done }) => done || this.#referee.rowOf(name) === undefined,
          () => false,
        );
    };
    this.#pausing.set(name, (this.#pausing.get(name) ?? Promise.resolve()).then(ask));
  }

  // ---- calm

  /** One change in calm weather, and what must come of it in time. */
  async #changeOnce(): Promise<void> {
    const random = this.#random;
    const { plan } = this;
    const leaseMs = plan.leaseDurationMs;
    const { name } = random.pick(plan.names);
    const operator = this.#operators.get(name) as Operator;
    // Whoever was away is back, so that there is a rival.
    const awayMs = Math.max(
      0,
      ...[...this.#processes.values()].flatMap(({ host }) =>
        this.#playersOf(host).map(({ awayUntilMs }) => awayUntilMs),
      ),
    );
    await this.#pass(Math.max(0, awayMs - this.#world.nowMs) + leaseMs);
    const leader = this.#referee.leaderOf(name);
    const process = [...this.#processes.values()].find(({ host }) => host === leader?.bidder.host);
    if (!leader || !process) return;
    const kind = random.pick([
      "abort",
      "abandon",
      "kill",
      "close",
      "evict",
      "stepDown",
      "pause",
      "stall",
      "nothing",
      "deleteLease",
    ] as const);
    this.#network.count(`calm ${kind}`);
    this.#say(`change: ${kind} (${name}, ${process.machine.label})`);
    const { term } = leader.leadership;
    const isNew = () => {
      const now = this.#referee.leaderOf(name);
      return now !== undefined && now.leadership.term > term && this.#referee.leaderless.length === 0;
    };
    const expect = async (withinMs: number) => {
      await this.#pass(withinMs, isNew);
      this.#judge(() => {
        if (!isNew())
          throw new Violation(
            "pace",
            `${kind}: nobody leads ${name} after term ${term} within ${withinMs} ms`,
          );
      });
    };
    switch (kind) {
      case "kill":
        this.#die(process, random.pick(["lost", "killed", "exits"] as const), 100);
        await expect(3.5 * leaseMs);
        break;
      case "abort":
        // Not announced, perhaps: only the log tells (rule 14g).
        for (const player of this.#playersOf(process.host))
          if (player.name === name) this.#abort(player, true);
        await this.#pass(this.#stopTimeoutMs / 2);
        // A leadership that is kept by hand ends by hand.
        if (leader.leadership.signal.aborted) await expect(3.5 * leaseMs);
        break;
      case "abandon": {
        const others = [...this.#processes.values()].flatMap(({ host }) => this.#playersOf(host));
        this.#abandons = others.find(
          (player) => player.name === name && player.candidateId !== leader.bidder.candidateId,
        )?.candidateId;
        void operator.requestStepDown(this.#abandons === undefined ? {} : { to: this.#abandons });
        await expect(7 * leaseMs + this.#stopTimeoutMs);
        this.#abandons = undefined;
        break;
      }
      case "close":
        if (leader.bidder.isPlain) break;
        this.#close(process, 100);
        await expect(3 * leaseMs);
        break;
      case "evict":
        void operator.evict();
        await expect(4 * leaseMs);
        break;
      case "stepDown":
        void operator.requestStepDown();
        await expect(4 * leaseMs);
        break;
      case "pause":
        void operator.pause();
        await this.#pass(4 * leaseMs, () => this.#referee.leaderOf(name) === undefined);
        this.#judge(() => {
          if (this.#referee.leaderOf(name))
            throw new Violation("pace", `${name} is led long after its pause`);
        });
        void operator.resume();
        await expect(4 * leaseMs);
        break;
      case "stall": {
        const { maxStallMs, rate } = process.machine;
        if (maxStallMs === undefined) break;
        await this.#pass(leaseMs);
        if (leader.leadership.signal.aborted) break;
        const stallMs = (0.9 * maxStallMs) / rate;
        process.host.pause("block", stallMs);
        await this.#pass(stallMs + 1_000);
        this.#judge(() => {
          if (!(leader.leadership.remainingMs() > 0))
            throw new Violation("stall", `${name} is lost in a stall`);
        });
        break;
      }
      case "deleteLease":
        await this.#deleteLease(name);
        // Its holder looks at it after eight leases at most, and nobody before.
        if (this.#referee.rowOf(name) === undefined) await expect(this.#referee.rowLeaseMs + 13 * leaseMs);
        break;
      case "nothing":
        await this.#expectRest(20 * leaseMs);
        break;
    }
    await this.#untilAllAreLed(this.#referee.rowLeaseMs + 10 * leaseMs, `after: ${kind}`);
    await this.#pass(2 * leaseMs);
  }

  /** Nothing moves, and the rows of quiet leases are not written. */
  async #expectRest(forMs: number): Promise<void> {
    await this.#pass(2 * this.plan.leaseDurationMs);
    const leaders = this.plan.names.map(({ name }) => this.#referee.leaderOf(name));
    const isQuiet = leaders.every((leader) => leader?.bidder.isQuiet);
    const writes = this.#leaseWrites;
    await this.#pass(forMs);
    this.#judge(() => {
      for (const [i, { name }] of this.plan.names.entries())
        if (this.#referee.leaderOf(name) !== leaders[i])
          throw new Violation("rest", `${name} changes hands in calm weather`);
      if (isQuiet && this.#leaseWrites > writes)
        throw new Violation(
          "quiet",
          `${this.#leaseWrites - writes} writes of lease rows on which nothing changes`,
        );
    });
  }
}

function writeOf(id: string, term: number) {
  return {
    Update: {
      TableName: REGISTER,
      Key: { id },
      UpdateExpression: "SET #term = :term ADD #count :one",
      ExpressionAttributeNames: { "#term": "term", "#count": "count" },
      ExpressionAttributeValues: { ":term": term, ":one": 1 },
    },
  };
}
