import type { Lease } from "../../src/protocol/lease.js";
import type { Answer } from "../../src/protocol/verbs.js";
import { SURELY_MS } from "./headers.js";
import type { Host } from "./host.js";
import type { Network, Verb } from "./network.js";
import type { StandStill } from "./plan.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

/** A process that may be stopped together with its clocks, and whether it trusts nothing at this moment. */
export interface Stoppable {
  readonly host: Host;
  readonly trustsNothing: boolean;
}

/** So soon at most is a wall clock set right after its machine went on. */
const SET_RIGHT_MS = 30_000;

/** What may be trusted once its answer comes, and counts from a moment before the clocks stood still. */
const GIVES_TRUST: ReadonlySet<Verb> = new Set(["acquire", "renew", "openSession"]);

/**
 * Machines that stop with all their clocks, each in a moment in which that is covered: it trusts nothing and asks for nothing that it
 * would trust, and it has just heard the time, so that the next header surely contradicts what it knows (rule 4c).
 */
export class StandStills {
  readonly #waiting = new Map<string, StandStill>();

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly random: Random,
    private readonly stormMs: number,
    private readonly around: {
      labelOf(host: Host): string | undefined;
      stoppable(label: string): Stoppable | undefined;
      isSure(host: Host): boolean;
      /** No header has told it yet that its clocks stood still. */
      isBlind(host: Host): boolean;
    },
  ) {}

  strike(fault: StandStill): void {
    this.#waiting.set(fault.label, fault);
    if (fault.when === "now") this.#begin(fault);
  }

  /** What is on its way may show a free row, which it acquires when it goes on. */
  landed(host: Host, verb: Verb, answer: Answer): void {
    const fault = this.#faultOf(host);
    if (fault?.when !== "reading") return;
    const isFree = verb === "read" && (answer as { lease?: Lease }).lease?.kind === "vacant";
    if (isFree || verb === "readHistory") this.world.after(0, () => this.#begin(fault));
  }

  #faultOf(host: Host): StandStill | undefined {
    return this.#waiting.size === 0 ? undefined : this.#waiting.get(this.around.labelOf(host) ?? "");
  }

  /** An answer has reached this process. */
  shown(host: Host, verb: Verb, answer: Answer): void {
    const fault = this.#faultOf(host);
    if (fault === undefined || fault.when === "reading") return;
    const isFree = verb === "resign" && (answer as { done?: boolean }).done === true;
    if (fault.when === "resigned" && !isFree) return;
    this.world.after(this.random.between(0, 300), () => this.#begin(fault));
  }

  #begin(fault: StandStill): void {
    const { label, isOutage } = fault;
    const stoppable = this.around.stoppable(label);
    const forMs = Math.min(fault.forMs, this.stormMs - this.world.nowMs);
    if (this.#waiting.get(label) !== fault || !stoppable?.trustsNothing || forMs < SURELY_MS) return;
    const { host } = stoppable;
    if (!host.running || !this.around.isSure(host) || this.network.isAwaited(host, GIVES_TRUST)) return;
    this.#waiting.delete(label);
    this.network.count("stoodStill");
    host.pause("standStill", forMs);
    if (this.random.chance(0.8)) this.#setRight(host, forMs, forMs + this.random.between(0, SET_RIGHT_MS));
    const untilMs = this.world.nowMs + forMs;
    if (isOutage) this.network.awayUntilMs = Math.max(this.network.awayUntilMs, untilMs);
  }

  /** Not before a header has told it: a step of about the same length could hide that the clocks stood still. */
  #setRight(host: Host, byMs: number, inMs: number): void {
    this.world.after(inMs, () => {
      if (!host.alive) return;
      if (!host.running || this.around.isBlind(host)) this.#setRight(host, byMs, 1_000);
      else host.stepWall(byMs);
    });
  }
}
