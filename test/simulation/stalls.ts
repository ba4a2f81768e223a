import type { Host } from "./host.js";
import type { Network } from "./network.js";
import type { Stall } from "./plan.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

/** A process that can be blocked. */
export interface Blockable {
  readonly host: Host;
  readonly hasThread: boolean;
}

/** Blocks event loops, each in its moment. All is over when the storm is. */
export class Stalls {
  readonly #waiting: Stall[] = [];

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly random: Random,
    private readonly stormMs: number,
    /** What has a network of its own on the machine of this process, itself included. */
    private readonly hostsOf: (process: Host) => readonly Host[],
  ) {}

  strike(stall: Stall, leader: Host | undefined): void {
    if (stall.when !== "leading") this.#waiting.push(stall);
    else if (leader) this.#begin(stall, leader);
  }

  /** The moment has come in this process. */
  when(moment: Stall["when"], players: readonly Blockable[], host: Host): void {
    if (this.#waiting.length === 0) return;
    const i = this.#waiting.findIndex(({ when }) => when === moment);
    if (i < 0 || !players.some((player) => player.host === host && player.hasThread)) return;
    const [stall] = this.#waiting.splice(i, 1) as [Stall];
    if (stall.lateMs > 0) {
      this.network.count("overtaken");
      this.network.holdUp(host, stall.lateMs);
    }
    this.world.after(this.random.between(0, 30), () => this.#begin(stall, host));
  }

  #begin({ forMs, asks, cut }: Stall, host: Host): void {
    const leftMs = Math.max(0, this.stormMs - this.world.nowMs);
    host.pause("block", Math.min(forMs, leftMs), asks);
    if (cut === undefined) return;
    this.world.after(Math.min(cut.afterMs, leftMs), () => {
      this.network.count("cutInStall");
      const cutMs = Math.min(cut.forMs, Math.max(0, this.stormMs - this.world.nowMs));
      for (const each of this.hostsOf(host)) this.network.cut(each, cut.way, cutMs);
    });
  }
}
