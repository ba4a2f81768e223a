import { sendStandInsBy } from "../../../src/heartbeat-thread/sender.js";
import { Election, type ElectionEvent, Session } from "../../../src/index.js";
import { plainSigner } from "../../support/wills.js";
import { askNowAndThen } from "../curiosity.js";
import { type Death, Estate } from "../estate.js";
import { Host } from "../host.js";
import { LivingThread } from "../living-thread.js";
import { Strays } from "../strays.js";
import { Violation } from "../violation.js";
import type { Acquires } from "./acquires.js";
import type { Era, Player, Process } from "./cast.js";
import type { Machine, Name } from "./plan.js";
import type { Scene } from "./scene.js";
import type { Work } from "./work.js";

/** How processes start, open sessions, close them and die. */
export class Processes {
  constructor(
    private readonly scene: Scene,
    private readonly acquires: Acquires,
    private readonly work: Work,
  ) {}

  start(machine: Machine): void {
    const world = this.scene.world;
    if (this.scene.restores.isPending) return void world.after(1_000, () => this.start(machine));
    const host = new Host(world, machine.rate, machine.wall);
    this.scene.machines.set(host, machine);
    let store = this.scene.reads.of(this.acquires.on(this.scene.network.from(host), host), host);
    let estate: Estate | undefined;
    if (this.scene.plan.wills) {
      estate = new Estate(
        { world, network: this.scene.network, random: this.scene.random, executed: () => {} },
        host,
      );
      store = estate.on(store);
    }
    let thread: LivingThread | undefined;
    if (machine.maxStallMs !== undefined) {
      store = Object.assign(store, { signer: store.signer ?? plainSigner });
      const strays = new Strays(world, this.scene.network, this.scene.random);
      const watch = { leaves: () => {}, confirmed: () => {} };
      thread = new LivingThread({ world, network: this.scene.network, strays, ...watch }, host);
      sendStandInsBy(store, thread);
    }
    const none: Era = { sinceMs: world.nowMs, session: undefined, players: [], isOver: false };
    const process = { machine, host, store, estate, thread, plain: none, under: none };
    this.scene.processes.set(machine.label, process);
    this.scene.say(`${machine.label} starts`);
    for (const { name, isPlain } of machine.bids) if (isPlain) this.#enter(process, process.plain, name);
    this.#openEra(process);
  }

  get #timing() {
    const { leaseDurationMs, tight, expiry } = this.scene.plan;
    return {
      leaseDurationMs,
      stopTimeoutMs: this.scene.stopTimeoutMs,
      lastWill: this.scene.plan.wills,
      tuning: {
        expiry,
        ...(tight && {
          safetyMarginMs: Math.ceil(leaseDurationMs / 250),
          requestTimeoutMs: this.scene.requestTimeoutMs,
        }),
      },
    };
  }

  #openEra(process: Process): void {
    if (this.scene.restores.isPending) return void process.host.setTimer(1_000, () => this.#openEra(process));
    this.scene.referee.life.born(this.scene.world.nowMs);
    const { machine, host, store } = process;
    const { maxStallMs } = machine;
    const session = new Session({
      store,
      label: machine.label,
      ...this.#timing,
      ...(maxStallMs !== undefined && { heartbeat: { maxStallMs } }),
      runtime: { clock: host, random: this.scene.random.next },
      onEvent: (event: ElectionEvent) => {
        this.scene.judge(() => this.scene.referee.heardEvent(event, this.scene.world.nowMs));
        if (event.type !== "renewed") this.#tell(event);
      },
    });
    const era: Era = { sinceMs: this.scene.world.nowMs, session, players: [], isOver: false };
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
        this.scene.judge(() => this.scene.referee.heardEvent(event, this.scene.world.nowMs));
        this.scene.restores.heardEvent(event);
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
            runtime: { clock: host, random: this.scene.random.next },
          })
        : new Election({ session: era.session, ...common });
    const { candidateId } = election;
    this.scene.candidates.set(candidateId, host);
    const player: Player = {
      host,
      election,
      name: name.name,
      candidateId,
      isPlain: era.session === undefined,
      isQuiet: era.session !== undefined && name.order === "random",
      maxStallMs,
      callers: new Set(),
      asking: 0,
      mayLeave: machine !== this.scene.plan.processes[0],
      awayUntilMs: 0,
    };
    era.players.push(player);
    void this.work.leadForEver(player, era);
    if (this.scene.plan.curious) this.#askNowAndThen(player, era);
  }

  #askNowAndThen(player: Player, era: Era): void {
    const { curiosity, plan, restores } = this.scene;
    const isOver = () => this.scene.isCalm || era.isOver;
    const saw = (term: number) => restores.saw(player.candidateId, term);
    void askNowAndThen(player, curiosity, 2 * plan.leaseDurationMs, isOver, saw);
  }

  #tell(event: ElectionEvent): void {
    if (!this.scene.trace || event.type === "renewed" || event.type === "waiting" || event.type === "refused")
      return;
    const term = "term" in event ? ` term ${event.term}` : "";
    const why = "reason" in event ? ` ${event.reason}` : "outcome" in event ? ` ${event.outcome}` : "";
    this.scene.say(`${event.candidateId} of ${event.election}: ${event.type}${term}${why}`);
  }

  die({ machine, host, estate }: Process, how: Death, forMs: number): void {
    if (!host.alive || this.scene.restores.isPending) return;
    const asItIs = how === "exits" && !host.running ? "killed" : how;
    this.scene.network.count(asItIs);
    this.scene.say(`${machine.label} dies: ${asItIs}`);
    estate?.dies(asItIs);
    host.kill();
    this.scene.world.after(forMs, () => this.start(machine));
  }

  close(process: Process, forMs: number): void {
    const { under, host, machine } = process;
    if (under.isOver || !under.session || this.scene.restores.isPending) return;
    this.scene.network.count("close");
    this.scene.say(`${machine.label} closes its session`);
    under.isOver = true;
    const closed = under.session.close().then(
      () => {},
      (error: unknown) =>
        this.scene.judge(() => {
          throw new Violation("close", `it rejects: ${error}`);
        }),
    );
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
      this.scene.say(`${machine.label} has closed its session`);
      for (const { callers } of under.players)
        for (const caller of callers) caller.abort(new Error("closed"));
      host.setTimer(forMs, () => this.#openEra(process));
    });
    // It is bounded, whatever the table does.
    const boundMs = this.scene.stopTimeoutMs + this.scene.plan.leaseDurationMs;
    host.setTimer(boundMs + 10, () =>
      this.scene.judge(() => {
        if (!isClosed) throw new Violation("close", `it takes longer than ${boundMs} ms`);
      }),
    );
  }
}
