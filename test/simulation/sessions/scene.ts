import type { Lease } from "../../../src/protocol/lease.js";
import { isSessionRow } from "../../../src/protocol/sessions.js";
import type { Answer } from "../../../src/protocol/verbs.js";
import { MemoryTable } from "../../../src/testing/index.js";
import { Headers } from "../headers.js";
import { EPOCH_MS, type Host } from "../host.js";
import { Network, type Verb } from "../network.js";
import { Random } from "../random.js";
import { Replicas } from "../replicas.js";
import { Violation } from "../violation.js";
import { World } from "../world.js";
import { type Player, type Process, playersOf } from "./cast.js";
import { DATE_ERROR_MS, type Machine, type SessionsPlan } from "./plan.js";
import { Reads } from "./reads.js";
import { SessionsReferee } from "./referee.js";
import { type Memories, Restores } from "./restores.js";
import type { Written } from "./terms-referee.js";

export const REGISTER = "register";

/** What chance makes of what passes on the network. */
export interface Chances {
  /** An acquire has been sent. */
  acquireSent(host: Host): void;
  /** A session's row has ended. */
  sessionEnded(): void;
}

/** What all parts of a history share: the world, the table and the way to it, the processes, and who judges them. */
export class Scene {
  readonly world = new World();
  readonly random: Random;
  /** Of what candidates ask, and when. */
  readonly curiosity: Random;
  readonly table: MemoryTable;
  readonly replicas: Replicas;
  readonly network: Network;
  readonly referee: SessionsReferee;
  readonly headers: Headers;
  readonly reads: Reads;
  readonly restores: Restores;
  readonly processes = new Map<string, Process>();
  readonly machines = new Map<Host, Machine>();
  /** The ids of all candidates, alive or dead. */
  readonly candidates = new Map<string, Host>();
  readonly stopTimeoutMs: number;
  readonly requestTimeoutMs: number;
  isCalm = false;
  /** Whose next acquire comes late. */
  abandons: string | undefined;
  leaseWrites = 0;
  violation: Violation | undefined;

  constructor(
    readonly plan: SessionsPlan,
    chances: Chances,
    readonly trace: ((line: string) => void) | undefined,
  ) {
    const { world } = this;
    const random = new Random(plan.seed ^ 0x2f6e2b1d);
    this.random = random;
    this.curiosity = new Random(plan.seed ^ 0x2545f491);
    const { leaseDurationMs, tight } = plan;
    this.stopTimeoutMs = Math.round(0.6 * leaseDurationMs);
    this.requestTimeoutMs = tight
      ? Math.floor(leaseDurationMs * 0.3)
      : Math.min(2_000, Math.floor(leaseDurationMs / 4));
    const serviceTimeMs = () => EPOCH_MS + world.nowMs + random.between(-1, 1) * DATE_ERROR_MS;
    this.table = new MemoryTable({ keys: { [REGISTER]: ["id"] }, serviceTimeMs });
    this.replicas = new Replicas(random, () => world.nowMs);
    this.referee = new SessionsReferee(
      plan,
      this.stopTimeoutMs,
      (name) => (this.table.items(REGISTER) as unknown as Written[]).find(({ id }) => id === name),
      (candidateId) => this.candidates.get(candidateId),
    );
    this.network = new Network(world, this.replicas.before(this.table), random, {
      sent: (host, verb, [request]) => {
        this.judge(() => this.referee.sent(host, verb, request, world.nowMs));
        if (verb === "acquire") chances.acquireSent(host);
      },
      landed: (verb, args, answer) => this.#landed(verb, args, answer, chances),
      shown: () => {},
      heard: (host, whole, sentMs, verb, args) => this.#heard(host, whole, sentMs, verb, args),
    });
    const count = (what: string) => this.network.count(what);
    this.headers = new Headers(false, count);
    const slowShare = plan.hasty ? 0.7 : 0.2;
    this.reads = new Reads(world, random, this.requestTimeoutMs, slowShare, count, () => this.isCalm);
    this.restores = new Restores(leaseDurationMs, random, () => world.nowMs);
  }

  judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
      this.say(`VIOLATION of ${error.message}`);
    }
  }

  say(what: string): void {
    this.trace?.(`${(this.world.nowMs / 1_000).toFixed(3).padStart(9)} s  ${what}`);
  }

  async pass(ms: number, until?: () => boolean): Promise<void> {
    const { world, referee } = this;
    let isReached = false;
    const inspect = () => {
      this.judge(() => referee.inspect(world.nowMs, world.steps));
      isReached ||= until?.() ?? false;
    };
    await world.run(world.nowMs + ms, inspect, () => this.violation === undefined && !isReached);
  }

  async untilAllAreLed(withinMs: number, when: string): Promise<void> {
    const { known } = this.referee;
    await this.#until(
      () => known.leaderless.length === 0,
      withinMs,
      () => `${when}: nobody leads ${known.leaderless} after ${withinMs} ms`,
    );
  }

  /** Its holder sees what has become of a row with its next look, and another one leads a row lease later (rule 14c). */
  async untilSettled(): Promise<void> {
    const { known } = this.referee;
    // Who waits under a session that has ended sees only after that that an older row was put back, and waits again (rule 6b).
    const restored = [...known.leases].filter(({ lostTerm }) => lostTerm > 0);
    const untilMs = Math.max(0, ...restored.map(({ slowSinceMs = 0 }) => slowSinceMs + 2 * known.rowLeaseMs));
    if (untilMs > this.world.nowMs) await this.pass(untilMs - this.world.nowMs);
    const withinMs = known.rowLeaseMs + 18 * this.plan.leaseDurationMs;
    await this.#until(
      () => known.isSettled,
      withinMs,
      () => `a row still names nobody who leads, after ${withinMs} ms`,
    );
  }

  async #until(isReached: () => boolean, withinMs: number, otherwise: () => string): Promise<void> {
    if (isReached()) return;
    await this.pass(withinMs, isReached);
    this.judge(() => {
      if (!isReached()) throw new Violation("liveness", otherwise());
    });
  }

  get stormLeftMs(): number {
    return Math.max(0, this.plan.stormMs - this.world.nowMs);
  }

  processOn(host: Host | undefined): Process | undefined {
    return [...this.processes.values()].find((each) => each.host === host);
  }

  playersOn(host: Host): Player[] {
    const process = this.processOn(host);
    return process ? playersOf(process) : [];
  }

  /** Its caller gives up, and comes again: at once, or much later. */
  abort(player: Player, leaves: boolean): void {
    if (leaves) player.awayUntilMs = this.world.nowMs + 15 * this.plan.leaseDurationMs;
    for (const caller of player.callers) caller.abort(new Error("enough"));
  }

  /** Who lives, and may go by what is put back. */
  get memories(): Memories {
    const living = [...this.processes.values()].filter(({ host }) => host.alive);
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

  #heard(host: Host, whole: Answer, sentMs: number, verb: Verb, args: readonly unknown[]): Answer {
    const answer = this.reads.leftOut(verb, whole);
    this.referee.heard(host, new Set(this.#idsOf(host)), verb, args, answer, sentMs);
    // Who only asks who leads does not watch its session.
    if (verb === "read" && this.playersOn(host).every(({ asking }) => asking === 0))
      this.restores.read(host, args[0] as string, (answer as { lease?: Lease }).lease, sentMs);
    const machine = this.machines.get(host);
    const isAwaited = !(args.at(-1) as AbortSignal).aborted;
    const took = { sentMs, nowMs: this.world.nowMs };
    return machine ? this.headers.on(machine, host, answer, took, isAwaited) : answer;
  }

  *#idsOf(host: Host): Iterable<string> {
    for (const [id, of] of this.candidates) if (of === host) yield id;
  }

  #landed(verb: Verb, args: readonly unknown[], answer: Answer, chances: Chances): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    const { election } = (args[0] ?? {}) as { election?: string };
    this.judge(() => this.referee.landed(verb, args, answer, this.world.nowMs));
    if (!done || !lease || election === undefined) return;
    this.replicas.wrote(election, lease);
    this.restores.landed(election, lease);
    if (isSessionRow(election)) {
      if (lease.kind === "vacant") chances.sessionEnded();
    } else if (verb !== "markAwaited") this.leaseWrites += 1; // Who sees a term late says that it waits (rule 2m).
    if (!this.trace) return;
    if (verb === "evict") this.say(`${election} is evicted`);
    if (verb === "sealSession" || verb === "burySession" || verb === "openSession")
      this.say(`${election}: ${verb}`);
  }
}
