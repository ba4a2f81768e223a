import type { Lease } from "../../src/protocol/lease.js";
import type { RenewRequest } from "../../src/protocol/verbs.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import type { Host } from "./host.js";
import type { Network, Verb } from "./network.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

/** After what a stand-in lands that had left before. */
export type StrayMoment = "renewal" | "change" | "resignation" | "acquire";

/** No request lives for longer. */
const LONGEST_MS = 100_000;
const MAX_KEPT = 8;

interface Stray {
  readonly host: Host;
  readonly args: readonly unknown[];
  readonly leftMs: number;
  landings: number;
}

/**
 * Stand-ins that land when the holder, or the next one, has written again: late or twice, in any order. By chance alone
 * nearly all of them land before that.
 */
export class Strays {
  #untilMs = 0;
  #moment: StrayMoment = "renewal";
  #kept: Stray[] = [];

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly random: Random,
  ) {}

  begin(moment: StrayMoment, forMs: number): void {
    this.#moment = moment;
    this.#untilMs = this.world.nowMs + forMs;
  }

  /** The store as a thread sees it. */
  on(store: LeaseStore, host: Host): LeaseStore {
    return { ...store, renew: (...args) => this.#leaves(host, args) ?? store.renew(...args) };
  }

  /** Undefined: it is on its way as every request is. */
  #leaves(host: Host, args: readonly unknown[]): Promise<never> | undefined {
    const { nowMs } = this.world;
    if (nowMs > this.#untilMs) return undefined;
    const isYoung = ({ leftMs, landings }: Stray) => nowMs - leftMs < LONGEST_MS && landings < 3;
    this.#kept = [...this.#kept.filter(isYoung), { host, args, leftMs: nowMs, landings: 0 }].slice(-MAX_KEPT);
    // Its copy comes again, or it alone comes late.
    return this.random.chance(0.5) ? undefined : new Promise(() => {});
  }

  /** A write on the lease row. */
  landed(verb: Verb, request: unknown, before: Lease | undefined, lease: Lease): void {
    const { nowMs } = this.world;
    if (this.#kept.length === 0 || nowMs > this.#untilMs) return;
    if (!this.#isMoment(verb, request, before, lease)) return;
    for (const stray of this.#kept) {
      if (nowMs - stray.leftMs > LONGEST_MS || this.random.chance(0.3)) continue;
      stray.landings += 1;
      this.network.count("stray");
      this.network.landAgain(stray.host, "renew", stray.args, this.random.pick([0, 10, 1_000, 10_000]));
    }
  }

  #isMoment(verb: Verb, request: unknown, before: Lease | undefined, lease: Lease): boolean {
    if (verb === "renew" && (request as RenewRequest).isStandIn) return false;
    switch (this.#moment) {
      case "renewal":
        return verb === "renew";
      case "change":
        return verb === "renew" && contentOf(before) !== contentOf(lease);
      case "resignation":
        return verb === "resign";
      case "acquire":
        return verb === "acquire";
    }
  }
}

/** What a renewal can change beside the time. */
function contentOf(lease: Lease | undefined): string {
  if (lease?.kind !== "held") return "";
  return JSON.stringify([lease.value, lease.line, lease.announcement]);
}
