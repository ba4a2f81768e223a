import { sendStandInsBy } from "../../src/heartbeat-thread/sender.js";
import { Election, type ElectionEvent, Operator, type Succession } from "../../src/index.js";
import { endedTerm, type Lease, type OwnTerm } from "../../src/protocol/lease.js";
import { lastTickOf } from "../../src/protocol/ticks.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { LeaseSigner, LeaseStore } from "../../src/store/lease-store.js";
import { MemoryTable } from "../../src/testing/index.js";
import { plainSigner } from "../support/wills.js";
import { Backups } from "./backups.js";
import { asked, askNowAndThen } from "./curiosity.js";
import { type Death, Estate } from "./estate.js";
import { Headers } from "./headers.js";
import { EPOCH_MS, Host } from "./host.js";
import { LivingThread, type Outside } from "./living-thread.js";
import { CALM, Network, type Verb } from "./network.js";
import type { Fault, Machine, Plan } from "./plan.js";
import { CALLS, leadForEver, type Player, REGISTER, runTick, type Surroundings, watch } from "./players.js";
import { Random } from "./random.js";
import { Referee } from "./referee.js";
import { ReleaseWatch } from "./release-watch.js";
import type { Run } from "./run.js";
import { Stalls } from "./stalls.js";
import { STOP_TIMEOUT_MS } from "./stand-in-referee.js";
import { StandStills } from "./stand-stills.js";
import { StandbyWatch } from "./standby-watch.js";
import { tellEvent, tellFault } from "./story.js";
import { Strays } from "./strays.js";
import { earlierTicks, tickOf } from "./ticks.js";
import { Violation } from "./violation.js";
import { World } from "./world.js";

const NAME = "simulated";
/** They need a moment that fits, and do not always find one. */
const COUNTED_WHEN_DONE = new Set<Fault["kind"]>([
  "weather",
  "callerAborts",
  "restore",
  "killed",
  "exits",
  "standStill",
]);
/** Faults under way when the storm ends are over by then: restarts, outages, late requests. */
const SETTLE_MS = 70_000;
const TICK_MS = 30_000;
/** The places of a line, and reservations for those who are gone. */
const LINE_MS = 20_000;
/** Something happens in every such time: a renewal, at least. */
const STEP_MS = 25_000;
/** Work that is told to stop takes so long at most, and who is next looks. */
const GAP_MS = 30_000;
/** A run takes some thousand steps; this many are a loop that never rests. */
const MAX_STEPS = 60_000;

/** The real code on virtual time: one plan, and always the same history. */
export async function simulate(plan: Plan, trace?: (line: string) => void): Promise<Run> {
  const simulation = new Simulation(plan, trace);
  return simulation.run();
}

type Dying = Extract<Fault, { when: "leading" | "acquire" | "resign" }>;

class Simulation {
  readonly #world = new World();
  readonly #random: Random;
  readonly #table: MemoryTable;
  readonly #network: Network;
  readonly #referee: Referee;
  readonly #backups = new Backups();
  readonly #standby = new StandbyWatch();
  readonly #release = new ReleaseWatch();
  readonly #current = new Map<string, Player>();
  /** Whose callers abort while the next acquire is under way. */
  readonly #impatient = new Set<Player>();
  /** Who dies while its next request of this kind is under way. */
  readonly #doomed = new Map<Player, Dying>();
  /** What becomes of the next row that may be forgotten. */
  #forgetting: Extract<Fault, { kind: "forget" }> | undefined;
  readonly #estates = new Map<Host, Estate>();
  readonly #threads = new Map<Host, LivingThread>();
  readonly #strays: Strays;
  readonly #stalls: Stalls;
  readonly #standStills: StandStills;
  /** Of clocks that stand still: all other histories stay as they were. */
  readonly #stillness: Random;
  /** Until then signing takes long, or fails. */
  #signsBadlyUntilMs = 0;
  /** Of what candidates ask, and when. */
  readonly #curiosity: Random;
  /** Of threads: all other histories stay as they were. */
  readonly #luck: Random;
  readonly #headers: Headers;
  readonly #machines = new WeakMap<Host, Machine>();
  readonly #around: Surroundings;
  readonly #operatorsHost: Host;
  readonly #operator: Operator;
  /** A proxy drops the headers of its answers, so all its resets have the same name and the same time: none. */
  readonly #timelessOperator: Operator;
  readonly #timelessHost: Host;
  /** What it asks for, one thing after the other. */
  #pausing: Promise<void> = Promise.resolve();
  /** The tick that is due. */
  #tick = 0;
  #violation: Violation | undefined;

  constructor(
    private readonly plan: Plan,
    private readonly trace: ((line: string) => void) | undefined,
  ) {
    const world = this.#world;
    // Another stream than the plan's, so that a plan shrunk still meets the same luck at first.
    const random = new Random(plan.seed ^ 0x5bd1e995);
    this.#random = random;
    const serviceTimeMs = () => EPOCH_MS + world.nowMs + random.between(-1, 1) * plan.dateErrorMs;
    this.#table = new MemoryTable({ keys: { [REGISTER]: ["id"], [CALLS]: ["id"] }, serviceTimeMs });
    this.#referee = new Referee(this.#table, !plan.broken, plan.leaseDurationMs);
    const referee = this.#referee;
    const { reserveForMs, leaseDurationMs, tickForm, every } = plan;
    if (plan.earlierTicks > 0) {
      const [lease, term] = earlierTicks(plan.earlierTicks, tickForm, leaseDurationMs);
      this.#table.restore(NAME, lease, [term]);
      referee.begin(lease);
    }
    this.#around = {
      random,
      publishing: plan.harshStalls ? new Random(plan.seed ^ 0x52dce729) : undefined,
      referee,
      reserveForMs,
      leaseDurationMs,
      tickForm,
      every,
      nowMs: () => world.nowMs,
      count: (fault) => this.#network.count(fault),
      isCalm: () => world.nowMs > plan.stormMs,
    };
    this.#network = new Network(world, this.#table, random, {
      sent: (host, verb, [request]) => {
        this.#judge(() => this.#referee.sent(host, verb, request, world.nowMs));
        const estate = this.#estates.get(host);
        if (estate) this.#judge(() => this.#referee.wills.sent(verb, request, estate));
        this.#standby.sent(host, verb);
        this.#release.sent(host, verb);
        if (verb === "acquire") this.#abortWhileAcquiring(host);
        if (verb === "acquire") this.#askWhileAcquiring(host);
        if (verb === "acquire" || verb === "resign") this.#dieWhile(verb, host);
        if (verb === "renew" || verb === "resign") this.#stalls.when(verb, this.#referee.players, host);
      },
      landed: (verb, args, answer, host) => {
        this.#landed(verb, args, answer);
        this.#standStills.landed(host, verb, answer);
      },
      shown: (host, verb, answer) => {
        this.#backups.shown(host, verb, answer);
        this.#standStills.shown(host, verb, answer);
        if (verb === "read" && world.nowMs > plan.stormMs + SETTLE_MS) this.#watchStandby(host, answer);
      },
      heard: (host, answer, sentMs, _verb, args) => this.#heard(host, answer, sentMs, args),
    });
    this.#luck = new Random(plan.seed ^ 0x38b34ae5);
    this.#strays = new Strays(world, this.#network, this.#luck);
    this.#stalls = new Stalls(world, this.#network, this.#luck, plan.stormMs, (host) => this.#hostsOf(host));
    this.#headers = new Headers(plan.broken, (what) => this.#network.count(what));
    this.#curiosity = new Random(plan.seed ^ 0x2545f491);
    this.#stillness = new Random(plan.seed ^ 0x7f4a7c15);
    this.#standStills = new StandStills(world, this.#network, this.#stillness, plan.stormMs, {
      labelOf: (host) => this.#machines.get(host)?.label,
      stoppable: (label) => {
        const player = this.#current.get(label);
        return player && { host: player.host, trustsNothing: referee.trustsNothing(player) };
      },
      isSure: (host) => this.#headers.isSure(host, world.nowMs),
      isBlind: (host) => this.#headers.isBlind(host),
    });
    this.#operatorsHost = new Host(world, 1, { offsetMs: 0, isRight: true });
    const store = this.#network.from(this.#operatorsHost);
    const runtime = { clock: this.#operatorsHost, random: random.next };
    this.#operator = new Operator({ store, name: NAME, runtime });
    const timelessHost = new Host(world, 1, { offsetMs: 0, isRight: true });
    const timeless = this.#network.from(timelessHost);
    this.#timelessHost = timelessHost;
    this.#timelessOperator = new Operator({ store: timeless, name: NAME, runtime });
  }

  async run(): Promise<Run> {
    const { plan } = this;
    const world = this.#world;
    for (const machine of plan.candidates) this.#start(machine);
    const watcher = new Host(world, 1, { offsetMs: 0, isRight: true });
    if (plan.observed) this.#watch(watcher);
    for (const fault of plan.faults) world.after(fault.atMs, () => this.#strike(fault));
    if (plan.job === "ticks") this.#tickAgain(1);
    const inspect = () =>
      this.#judge(() => {
        this.#referee.inspect(world.nowMs);
        this.#standby.inspect(world.nowMs);
        this.#release.inspect();
        if (world.steps > MAX_STEPS) throw new Violation("rest", "a candidate never rests");
      });
    const goingOn = () => this.#violation === undefined;
    const calmMs = plan.stormMs + SETTLE_MS;
    await world.run(calmMs, inspect, goingOn);
    await this.#stallInCalm((forMs) => world.run(world.nowMs + forMs, inspect, goingOn));
    const ticksBefore = this.#referee.ticks.completedRuns;
    const leases = this.#isRestless ? 5 : 2;
    const enoughMs = leases * plan.leaseDurationMs + LINE_MS + (plan.job === "ticks" ? 2 * TICK_MS : 0);
    await world.run(world.nowMs + enoughMs, inspect, goingOn);
    if (!this.#violation && !plan.broken) {
      this.#judge(() =>
        plan.job === "lead"
          ? this.#referee.expectLeader(world.nowMs - (this.#isRestless ? GAP_MS : STEP_MS))
          : this.#referee.expectTicksSince(ticksBefore),
      );
      this.#judge(() => this.#referee.expectAllToldOnce());
      this.#judge(() => this.#referee.expectTrueOutcomes());
      if (plan.job === "lead" && plan.preempt && plan.maxTenureMs === undefined) {
        const eligible = plan.candidates.filter((machine) => machine.eligible);
        this.#judge(() => this.#referee.expectRank(Math.max(...eligible.map(({ rank }) => rank))));
      }
    }
    watcher.kill();
    this.#operatorsHost.kill();
    for (const { host } of this.#referee.players) host.kill();
    for (const { host } of [...this.#estates.values(), ...this.#threads.values()]) host.kill();
    return {
      seed: plan.seed,
      steps: world.steps,
      elections: this.#referee.elections,
      faults: this.#network.counted,
      simulatedMs: world.nowMs,
      exclusionBroken: this.#referee.exclusionBroken,
      violation: this.#violation,
    };
  }

  /** In calm weather, and when nobody's caller aborts any more: who is next looks in time. */
  #watchStandby(host: Host, answer: Answer): void {
    const pollMs = this.#machines.get(host)?.standbyPollMs;
    const player = this.#referee.players.find((one) => one.host === host);
    // What another call is shown does not make a campaign look before its time.
    if (!player?.eligible || player.asking > 0) return;
    const { candidateId } = player.election;
    this.#release.shown(host, candidateId, answer);
    if (pollMs === undefined) return;
    this.#standby.shown(host, candidateId, pollMs / host.rate, answer, this.#world.nowMs);
  }

  #watch(clock: Host): void {
    const { next: random } = this.#random;
    const store = this.#network.from(clock);
    void watch(new Election({ store, name: NAME, label: "w", runtime: { clock, random } }), this.#referee);
  }

  #heard(host: Host, answer: Answer, sentMs: number, args: readonly unknown[]): Answer {
    const machine = this.#machines.get(host);
    const { nowMs } = this.#world;
    if (host === this.#timelessHost) return { ...answer, dateMs: undefined };
    const isAwaited = !(args.at(-1) as AbortSignal).aborted;
    return machine ? this.#headers.on(machine, host, answer, { sentMs, nowMs }, isAwaited) : answer;
  }

  /** Leadership goes round or up, so that there are short times without a leader. */
  get #isRestless(): boolean {
    return this.plan.preempt || this.plan.maxTenureMs !== undefined;
  }

  #start(machine: Machine): void {
    const { plan } = this;
    const host = new Host(this.#world, machine.rate, machine.wall);
    this.#machines.set(host, machine);
    const election = new Election({
      store: this.#withThread(host, machine, this.#storeOf(host)),
      lastWill: plan.wills,
      ...(machine.maxStallMs !== undefined && { heartbeat: { maxStallMs: machine.maxStallMs } }),
      name: NAME,
      label: machine.calledAs,
      leaseDurationMs: machine.leaseDurationMs,
      tuning: {
        expiry: plan.expiry,
        standbyPollMs: machine.standbyPollMs,
        deleteIdleAfterMs: machine.forgets ? 3_600_000 : undefined,
        ...(plan.tight && {
          safetyMarginMs: Math.ceil(machine.leaseDurationMs / 250),
          requestTimeoutMs: Math.floor(machine.leaseDurationMs * 0.3),
        }),
      },
      succession: successionOf(plan, machine),
      eligible: machine.eligible,
      group: machine.group,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      runtime: { clock: host, random: this.#random.next },
      onEvent: (event: ElectionEvent) => {
        this.#judge(() => this.#referee.heard(event));
        if (event.type === "ended") this.#stalls.when("ending", this.#referee.players, host);
        if (this.trace) this.#say(tellEvent(event));
      },
    });
    const { rank, eligible } = machine;
    const player: Player = {
      host,
      election,
      rank,
      eligible,
      hasThread: machine.maxStallMs !== undefined,
      leadership: undefined,
      working: false,
      asking: 0,
      callers: new Set(),
    };
    this.#current.set(machine.label, player);
    this.#referee.players.push(player);
    if (plan.job === "lead") void leadForEver(player, this.#around);
    if (plan.curious) void askNowAndThen(player, this.#curiosity, plan.leaseDurationMs, this.#around.isCalm);
  }

  #withThread(host: Host, machine: Machine, store: LeaseStore): LeaseStore {
    const { maxStallMs } = machine;
    if (maxStallMs === undefined) return store;
    const { signer = plainSigner } = store;
    const signing = Object.assign(store, {
      signer: { ...signer, renew: this.#signingAhead(signer, host) },
    });
    const { standIns } = this.#referee;
    const outside: Outside = {
      world: this.#world,
      network: this.#network,
      strays: this.#strays,
      leaves: (sight, plannedMs) => this.#judge(() => standIns.leaves(sight, plannedMs, maxStallMs)),
      confirmed: (sight, trusted) => standIns.confirmed(sight, trusted),
    };
    const thread = new LivingThread(outside, host);
    this.#threads.set(host, thread);
    sendStandInsBy(signing, thread);
    return signing;
  }

  #signingAhead(signer: LeaseSigner, host: Host): LeaseSigner["renew"] {
    return async (request, abort) => {
      if (this.#world.nowMs < this.#signsBadlyUntilMs) {
        await new Promise<void>((resolve) => host.setTimer(this.#luck.between(0, 1_500), resolve));
        if (this.#luck.chance(0.3)) throw new Error("no credentials");
      }
      return signer.renew(request, abort);
    };
  }

  #storeOf(host: Host): LeaseStore {
    const store = this.#network.from(host);
    if (!this.plan.wills) return store;
    const executed = (own: OwnTerm, row: Lease | undefined) =>
      this.#judge(() => this.#referee.wills.executed(own, row, this.#world.nowMs));
    const bequests = { world: this.#world, network: this.#network, random: this.#random, executed };
    const estate = new Estate(bequests, host);
    this.#estates.set(host, estate);
    return estate.on(store);
  }

  /** In a moment in which something is promised. */
  #die(player: Player | undefined, how: Death, forMs: number): void {
    const machine = player && this.#machines.get(player.host);
    if (!player?.host.alive || !machine || this.#backups.isPending) return;
    if (how !== "lost") this.#network.count(how);
    const estate = this.#estates.get(player.host);
    // Who stands still calls nothing.
    const asItIs = how === "exits" && !player.host.running ? "killed" : how;
    const willed = asItIs === "lost" ? undefined : asItIs === "exits" ? estate?.ownTerms : estate?.terms;
    estate?.dies(asItIs);
    if (asItIs === "exits") this.#judge(() => this.#referee.wills.exited(player));
    player.host.kill();
    this.#doomed.delete(player);
    this.#judge(() => this.#referee.buried(player, willed, this.#world.nowMs));
    this.#world.after(forMs, () => this.#restart(machine));
  }

  /** Between the request and what comes of it, some time. */
  #dieWhile(verb: "acquire" | "resign", host: Host): void {
    if (this.#doomed.size === 0) return;
    const player = this.#referee.players.find((one) => one.host === host);
    const dying = player && this.#doomed.get(player);
    if (dying?.when !== verb || this.#around.isCalm()) return;
    this.#doomed.delete(player as Player);
    this.#world.after(this.#random.between(0, 30), () => this.#die(player, dying.kind, dying.forMs));
  }

  /** All that has a network of its own on one machine. */
  #hostsOf(host: Host): Host[] {
    const others = [this.#estates.get(host)?.host, this.#threads.get(host)?.host];
    return [host, ...others.filter((other) => other !== undefined)];
  }

  get #stormLeftMs(): number {
    return Math.max(0, this.plan.stormMs - this.#world.nowMs);
  }

  #suspendLeader(forMs: number): void {
    const host = this.#referee.leader?.host;
    if (host && this.#machines.get(host)?.mayBeSuspended) host.pause("suspend", forMs);
  }

  /** In calm weather a leader loses nothing while its event loop is blocked, up to the longest stall. */
  async #stallInCalm(run: (forMs: number) => Promise<void>): Promise<void> {
    const { plan } = this;
    const leader = this.#referee.leader;
    const machine = leader && this.#machines.get(leader.host);
    const { leadership } = leader ?? {};
    if (!plan.harshStalls || plan.broken || plan.job !== "lead" || this.#isRestless || this.#violation)
      return;
    if (machine?.maxStallMs === undefined || !leadership || leadership.signal.aborted) return;
    const { leaseDurationMs, maxStallMs, rate } = machine;
    if (this.#luck.chance(0.5)) this.#suspendLeader(leaseDurationMs * this.#luck.between(0.05, 0.3));
    // By then it has renewed, and has signed ahead again.
    await run(leaseDurationMs);
    if (leadership.signal.aborted) return;
    const forMs = (0.95 * maxStallMs) / rate;
    this.#network.count("stallInCalm");
    leader?.host.pause("block", forMs);
    await run(forMs + 1_000);
    if (this.#violation || leadership.remainingMs() > 0) return;
    this.#judge(() => {
      throw new Violation("stall", `term ${leadership.term} is lost in a stall of ${Math.round(forMs)} ms`);
    });
  }

  #restart(machine: Machine): void {
    if (this.#backups.isPending) this.#world.after(1_000, () => this.#restart(machine));
    else this.#start(machine);
  }

  #landed(verb: Verb, args: readonly unknown[], answer: Answer): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    if (done && lease) this.#backups.landed(this.#world.nowMs, lease);
    const before = this.#referee.row;
    this.#judge(() => this.#referee.landed(verb, args, answer, this.#world.nowMs));
    const forgetting = this.#forgetting;
    if (forgetting && verb === "resign" && done && lease?.kind === "vacant" && lease.ttl !== undefined) {
      this.#forgetting = undefined;
      this.#world.after(forgetting.afterMs, () => this.#forget(forgetting.copies));
    }
    if (done && lease) this.#strays.landed(verb, args[0], before, lease);
    // Nothing tells such a row from one that was paused just now. People see it, and resume.
    if (verb === "pause" && done && lease?.pausedBy !== undefined && this.#referee.wasMadeAgain(lease)) {
      this.#network.count("pausedAgain");
      this.#world.after(10_000, () => this.#setPaused(false));
    }
  }

  /** All candidates are called at each tick, as by a scheduler that fires on every machine. */
  #tickAgain(n: number): void {
    this.#world.after(TICK_MS, () => {
      this.#tick = n;
      for (const player of this.#current.values()) {
        player.host.whenRunning(() => void runTick(player, n, this.#around));
        // As a queue does whose message was not handled, or a person who sends an old event again.
        if (!this.#random.chance(0.3)) continue;
        const old = n - this.#random.pick([0, 1, 2, 3, 7, 40, 90, 140]);
        const inMs = this.#random.between(0, TICK_MS);
        this.#world.after(inMs, () => player.host.whenRunning(() => void runTick(player, old, this.#around)));
      }
      this.#tickAgain(n + 1);
    });
  }

  #strike(fault: Fault): void {
    if (!COUNTED_WHEN_DONE.has(fault.kind)) this.#network.count(fault.kind);
    if (this.trace) this.#say(tellFault(fault));
    const world = this.#world;
    switch (fault.kind) {
      case "weather":
        this.#network.weather = fault.weather;
        world.after(fault.forMs, () => {
          if (this.#network.weather === fault.weather) this.#network.weather = CALM;
        });
        return;
      case "outage":
        this.#network.awayUntilMs = world.nowMs + fault.forMs;
        return;
      case "historyOutage":
        this.#network.historyAwayUntilMs = world.nowMs + fault.forMs;
        return;
      case "callerAborts": {
        const player = this.#current.get(fault.label);
        if (player && fault.when === "now") this.#abortCallers(player);
        else if (player) this.#impatient.add(player);
        return;
      }
      case "crash":
        this.#die(this.#current.get(fault.label), "lost", fault.forMs);
        return;
      case "killed":
      case "exits": {
        const player = this.#current.get(fault.label);
        if (fault.when === "leading") this.#die(this.#referee.leader, fault.kind, fault.forMs);
        else if (player) this.#doomed.set(player, fault);
        return;
      }
      case "companionDies": {
        const player = this.#current.get(fault.label);
        if (player) this.#estates.get(player.host)?.companionDies();
        return;
      }
      case "stall":
        if (fault.napMs > 0) this.#suspendLeader(fault.napMs);
        this.#stalls.strike(fault, this.#referee.leader?.host);
        return;
      case "signing":
        this.#signsBadlyUntilMs = world.nowMs + Math.min(fault.forMs, this.#stormLeftMs);
        return;
      case "strays":
        this.#strays.begin(fault.after, Math.min(fault.forMs, this.#stormLeftMs));
        return;
      case "threadDies": {
        const player = this.#current.get(fault.label);
        if (player) this.#threads.get(player.host)?.dies();
        return;
      }
      case "suspend":
      case "block":
        this.#current.get(fault.label)?.host.pause(fault.kind, fault.forMs);
        return;
      case "standStill":
        this.#standStills.strike(fault);
        return;
      case "cut": {
        const host = this.#current.get(fault.label)?.host;
        if (host) for (const each of this.#hostsOf(host)) this.#network.cut(each, fault.way, fault.forMs);
        return;
      }
      case "stepWall": {
        const host = this.#current.get(fault.label)?.host;
        // It could hide just so much of what both clocks did not count that no header contradicts.
        if (host && !host.standsStill && !this.#headers.isBlind(host)) host.stepWall(fault.byMs);
        return;
      }
      case "lieHeader":
      case "stepHeader":
      case "missingHeaders": {
        const byMs = fault.kind === "missingHeaders" ? undefined : fault.byMs;
        // Over when the storm is.
        const untilMs = Math.min(world.nowMs + fault.forMs, this.plan.stormMs);
        this.#headers.begin(fault.label, { byMs, untilMs });
        return;
      }
      case "pause":
        this.#setPaused(true);
        world.after(fault.forMs, () => this.#setPaused(false));
        return;
      case "deadCandidates":
        void this.#bury(fault);
        return;
      case "restore":
        void this.#restore(fault.history);
        return;
      case "stepDown":
        void this.#askToStepDown(fault.to);
        return;
      case "resetTick":
        void this.#resetTick(fault.to, fault.twin);
        if (fault.twin) void this.#resetTick((fault.to ?? 0) - 2, fault.twin);
        return;
      case "forgetTokens":
        this.#table.forgetTokens();
        return;
      case "deleteLease":
        void this.#deleteLease(fault.copies);
        return;
      case "forget":
        this.#forgetting = fault;
        return;
      default:
        void this.#operate(fault.kind);
    }
  }

  /** Between the request and what comes of it, some time. */
  #abortWhileAcquiring(host: Host): void {
    const player = this.#referee.players.find((one) => one.host === host);
    if (!player || !this.#impatient.delete(player)) return;
    this.#world.after(this.#random.between(0, 30), () => this.#abortCallers(player));
  }

  /** What it reads can land and be answered before. */
  #askWhileAcquiring(host: Host): void {
    const machine = this.#machines.get(host);
    if (!machine?.isAsked || this.#around.isCalm()) return;
    const player = this.#current.get(machine.label);
    const random = this.#stillness;
    if (random.chance(0.7)) this.#network.holdUp(host, random.between(0, 100));
    this.#world.after(random.between(0, 5), () =>
      host.whenRunning(() => void (player && asked(player, () => player.election.leader()))),
    );
  }

  #abortCallers({ callers }: Player): void {
    if (callers.size === 0 || this.#around.isCalm()) return;
    this.#network.count("callerAborts");
    for (const caller of callers) caller.abort(new Error("the caller has had enough"));
  }

  /** As they left them who had started since the last renewal and died: other names, and ranks as high as any. */
  async #bury({ rows, agoMs, atMs }: Extract<Fault, { kind: "deadCandidates" }>): Promise<void> {
    const refreshIntervalMs = this.plan.leaseDurationMs;
    const expiresAt = EPOCH_MS + Math.round(this.#world.nowMs - agoMs);
    for (let i = 0; i < rows; i++) {
      const candidateId = `dead-${Math.round(atMs)}-${i}`;
      const { arrival } = await this.#table.drawArrival(NAME);
      const told = { candidateId, label: "dead", arrival, rank: i % 5, eligible: true };
      await this.#table.writeCandidate(NAME, { ...told, heartbeat: 1, refreshIntervalMs, expiresAt });
    }
  }

  /** Another operator, at a machine like the others: what it asks for can be lost, come late and come twice. */
  #setPaused(paused: boolean): void {
    this.#pausing = this.#pausing.then(() => this.#askUntilDone(paused));
  }

  async #askUntilDone(paused: boolean): Promise<void> {
    const operator = this.#operator;
    this.#referee.asksForPause(undefined);
    for (;;) {
      const asked = await (paused ? operator.pause() : operator.resume()).catch(() => undefined);
      const isGone = asked && !paused && (await this.#table.read(NAME)).lease === undefined;
      if (asked?.done) this.#referee.asksForPause(paused);
      if (asked?.done || isGone) return;
    }
  }

  /** Somebody leads now and then, so it is asked until it is done. */
  async #resetTick(by: number | undefined, twin: boolean): Promise<void> {
    const to = by === undefined ? undefined : tickOf(this.#tick + by, this.plan.tickForm, this.#random);
    for (let tries = 0; tries < 10; tries++) {
      const operator = twin ? this.#timelessOperator : this.#operator;
      const reset = await operator.resetTick(to === undefined ? {} : { to }).catch(() => undefined);
      if (reset?.done) {
        this.#network.count(twin ? "ticksResetByTwin" : "ticksReset");
        const terms = this.#table.terms(NAME);
        return this.#judge(() => this.#referee.ticks.toldReset(reset.to, terms));
      }
      await new Promise<void>((resolve) => this.#world.after(3_000, resolve));
    }
  }

  async #askToStepDown(label: string | undefined): Promise<void> {
    const { lease } = await this.#table.read(NAME);
    const to = label && this.#current.get(label)?.election.candidateId;
    if (lease) await this.#table.requestStepDown({ election: NAME, term: lease.term, by: "operator", to });
  }

  /** An operator at a terminal without faults of its own. */
  async #operate(what: "evict" | "removeExpired"): Promise<void> {
    const table = this.#table;
    const { lease } = await table.read(NAME);
    if (what === "removeExpired") {
      // Years later, for all that the rows can tell; nobody goes by a history that was read before.
      if (lease && lease.term > 0) this.#removeExpired();
      return;
    }
    if (!lease) return;
    const request = { election: NAME, term: lease.term, at: undefined };
    const answer = await table.evict(request);
    this.#landed("evict", [request], answer);
  }

  #removeExpired(): void {
    this.#network.forgetAllUnderWay();
    this.#backups.deleted();
    this.#judge(() => this.#referee.forgotten(this.#world.nowMs));
    this.#table.removeExpired(Number.POSITIVE_INFINITY);
  }

  /** What is under way stays under way: no rule may depend on the time between a release and a deletion. */
  #forget(copies: boolean): void {
    const { row } = this.#referee;
    if (row?.kind !== "vacant" || row.ttl === undefined || this.#backups.isPending) return;
    this.#network.count("forgotten");
    // Sometimes the history stays for longer.
    const atMs = this.#random.chance(0.5) ? Number.POSITIVE_INFINITY : row.ttl * 1_000;
    this.#judge(() => this.#referee.forgotten(this.#world.nowMs));
    this.#backups.deleted();
    this.#table.removeExpired(atMs);
    if (!copies) return;
    for (const verb of ["createPlaceholder", "acquire", "resign"] as const) this.#network.copy(verb, 3_000);
  }

  async #deleteLease(copies: boolean): Promise<void> {
    const { lease } = await this.#table.read(NAME);
    if (!lease || !(await this.#isInHistory(lease))) return;
    // Days later: what history keeps must be enough.
    if (!copies && lease.term > 0 && this.#random.chance(0.3)) this.#removeExpired();
    this.#table.deleteLease(NAME);
    this.#backups.deleted();
    this.#referee.deleted(this.#world.nowMs);
    if (!copies) return;
    this.#network.copy("createPlaceholder", 3_000);
    this.#network.copy("pause", 6_000);
  }

  async #restore(withHistory: boolean): Promise<void> {
    const world = this.#world;
    const { lease: row } = await this.#table.read(NAME);
    const older = this.#backups.offer(world.nowMs, row, this.#referee.players, this.#random);
    if (!row || !older) return;
    this.#network.count("restore");
    const terms = this.#table.terms(NAME).filter(({ term }) => term <= older.term);
    // As it was then: the newest term carries no `ttl`, and no end.
    const asThen = terms.map(({ ttl, endReason, endedAt, ...record }) =>
      record.term === older.term ? record : { ...record, ttl, endReason, endedAt },
    );
    this.#table.restore(NAME, older, withHistory ? asThen : undefined);
    this.#backups.restored(world.nowMs, older, row);
    this.#referee.restored(older, world.nowMs);
  }

  /**
   * A deletion is harmless once what the row says of its term and its tick has landed in history too. A placeholder
   * says nothing.
   */
  async #isInHistory(lease: Lease): Promise<boolean> {
    if (lease.kind === "placeholder") return true;
    // The number that an eviction used up was nobody's term.
    const term = endedTerm(lease);
    const { history } = await this.#table.readHistory(NAME);
    const isReset = history.tickResetTerm === lease.tickReset?.term;
    return history.highestTerm === term && history.lastTick === lastTickOf(lease.ticks) && isReset;
  }

  #judge(check: () => unknown): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#say(`VIOLATION of ${error.message}`);
      this.#violation ??= error;
    }
  }

  #say(line: string | undefined): void {
    if (line && this.trace) {
      this.trace(`${(this.#world.nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
    }
  }
}

function successionOf({ order, preempt, maxTenureMs }: Plan, { rank }: Machine): Succession {
  if (order === "random") return order;
  return order === "rank" ? { order, rank, preempt, maxTenureMs } : { order, maxTenureMs };
}
