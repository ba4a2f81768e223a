import { Operator } from "../../../src/index.js";
import type { LeaseStore } from "../../../src/store/lease-store.js";
import { Host } from "../host.js";
import type { Scene } from "./scene.js";

/** The operators of all names, on one host. Their nudges can be lost. */
export class Operators {
  readonly #host: Host;
  readonly #operators = new Map<string, Operator>();
  /** What they ask for, by name, one thing after the other. */
  readonly #asked = new Map<string, Promise<void>>();

  constructor(private readonly scene: Scene) {
    this.#host = new Host(scene.world, 1, { offsetMs: 0, isRight: true });
    const store = this.#losingNudges(scene.network.from(this.#host));
    const runtime = { clock: this.#host, random: scene.random.next };
    for (const { name } of scene.plan.names)
      this.#operators.set(name, new Operator({ store, name, runtime }));
  }

  of(name: string): Operator {
    return this.#operators.get(name) as Operator;
  }

  evict(name: string): void {
    void this.of(name)
      .evict()
      .catch(() => {});
  }

  /** One after the other, each until it is done. */
  setPaused(name: string, paused: boolean): void {
    const operator = this.of(name);
    const ask = async () => {
      for (let isDone = false; !isDone; )
        isDone = await (paused ? operator.pause() : operator.resume()).then(
          ({ done }) => done || this.scene.referee.known.rowOf(name) === undefined,
          () => false,
        );
    };
    this.#asked.set(name, (this.#asked.get(name) ?? Promise.resolve()).then(ask));
  }

  kill(): void {
    this.#host.kill();
  }

  #losingNudges(store: LeaseStore): LeaseStore {
    const { scene } = this;
    const nudgeSession: LeaseStore["nudgeSession"] = (...args) => {
      if (scene.isCalm || scene.random.chance(0.7)) return store.nudgeSession(...args);
      scene.network.count("nudgeLost");
      return new Promise<never>(() => {});
    };
    return { ...store, nudgeSession };
  }
}
