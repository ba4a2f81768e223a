import type { LeaseStore } from "../../../src/store/lease-store.js";
import type { Host } from "../host.js";
import type { Scene } from "./scene.js";

/** Acquires whose callers give up, and processes that are cut off while one is under way. */
export class Acquires {
  constructor(private readonly scene: Scene) {}

  on(store: LeaseStore, host: Host): LeaseStore {
    return { ...store, acquire: (...args) => this.#abandoned(host, args) ?? store.acquire(...args) };
  }

  /** An acquire that comes late, when its caller has given up. Undefined: it is on its way as every request is. */
  #abandoned(host: Host, args: Parameters<LeaseStore["acquire"]>): Promise<never> | undefined {
    const random = this.scene.random;
    const [{ candidateId }] = args;
    const isChosen = this.scene.abandons === candidateId;
    if (!isChosen && (this.scene.isCalm || !random.chance(this.scene.plan.hasty ? 0.2 : 0.05)))
      return undefined;
    this.scene.abandons = undefined;
    const player = this.scene.playersOn(host).find((one) => one.candidateId === candidateId);
    if (player === undefined) return undefined;
    this.scene.network.count("abandoned");
    this.scene.say(`${candidateId} of ${player.name} gives up while its acquire is under way`);
    this.scene.network.landAgain(
      host,
      "acquire",
      args,
      this.scene.requestTimeoutMs + random.between(20, isChosen ? 600 : 3_000),
    );
    if (isChosen || random.chance(0.5)) this.scene.abort(player, isChosen || player.mayLeave);
    return new Promise<never>(() => {});
  }

  /** Between the request and what comes of it its caller aborts, or its machine is cut off. */
  disturb(host: Host): void {
    const random = this.scene.random;
    if (this.scene.isCalm || !random.chance(0.1)) return;
    if (!this.scene.processOn(host)) return;
    this.scene.world.after(random.between(0, 30), () => {
      this.scene.network.count("disturbedAcquire");
      if (random.chance(0.5))
        this.scene.network.cut(host, "answers", Math.min(this.scene.stormLeftMs, random.between(500, 8_000)));
      else
        for (const player of this.scene.playersOn(host))
          if (random.chance(0.5)) this.scene.abort(player, false);
    });
  }
}
