import type { Host } from "../host.js";
import { CALM } from "../network.js";
import type { Run } from "../run.js";
import { Violation } from "../violation.js";
import { Acquires } from "./acquires.js";
import { Calm } from "./calm.js";
import { Damage } from "./damage.js";
import { Operators } from "./operators.js";
import type { SessionsPlan } from "./plan.js";
import { Processes } from "./processes.js";
import { LATEST_MS } from "./restores.js";
import { Scene } from "./scene.js";
import { Storm } from "./storm.js";
import { Work } from "./work.js";

/** Processes with a session and many leases each, in a storm of faults, and then with one change at a time. */
export function simulateSessions(plan: SessionsPlan, trace?: (line: string) => void): Promise<Run> {
  return new SessionsSimulation(plan, trace).run();
}

class SessionsSimulation {
  readonly #scene: Scene;
  readonly #operators: Operators;
  readonly #damage: Damage;
  readonly #processes: Processes;
  readonly #storm: Storm;
  readonly #calm: Calm;

  constructor(plan: SessionsPlan, trace: ((line: string) => void) | undefined) {
    const chances = {
      acquireSent: (host: Host) => acquires.disturb(host),
      sessionEnded: () => this.#damage.sessionEnded(),
    };
    const scene = new Scene(plan, chances, trace);
    const acquires = new Acquires(scene);
    this.#scene = scene;
    this.#damage = new Damage(scene);
    this.#operators = new Operators(scene);
    this.#processes = new Processes(scene, acquires, new Work(scene, this.#operators));
    this.#storm = new Storm(scene, this.#processes, this.#operators, this.#damage);
    this.#calm = new Calm(scene, this.#processes, this.#operators, this.#damage);
  }

  async run(): Promise<Run> {
    const scene = this.#scene;
    const { plan, world, random, referee, network } = scene;
    const leaseMs = plan.leaseDurationMs;
    for (const machine of plan.processes)
      world.after(random.between(0, leaseMs), () => this.#processes.start(machine));
    this.#storm.weatherOn();
    this.#storm.stormOn();
    scene.replicas.staleness = 0.2;
    if (plan.blinds) world.after(random.between(3, 10) * leaseMs, () => this.#storm.strike("blind"));
    await scene.pass(plan.stormMs);
    scene.isCalm = true;
    network.weather = CALM;
    scene.replicas.staleness = 0;
    for (const { name } of plan.names) this.#operators.setPaused(name, false);
    await scene.pass(LATEST_MS);
    await this.#untilTermsHaveGoneOn();
    referee.life.isCalmSinceMs = world.nowMs;
    await scene.untilAllAreLed(referee.known.rowLeaseMs + 10 * leaseMs, "after the storm");
    for (let i = 0; i < 3 && !scene.violation; i++) await this.#calm.changeOnce();
    for (const host of scene.candidates.values()) host.kill();
    this.#operators.kill();
    return {
      seed: plan.seed,
      steps: world.steps,
      simulatedMs: world.nowMs,
      elections: referee.elections,
      faults: network.counted,
      exclusionBroken: 0,
      violation: scene.violation,
    };
  }

  /** Where an older row was put back. If nothing tells of it, it is seen with the next poll as a last resort (rule 14g). */
  async #untilTermsHaveGoneOn(): Promise<void> {
    const { referee, restores } = this.#scene;
    const withinMs = 6 * referee.known.rowLeaseMs;
    await this.#scene.pass(withinMs, () => !restores.isPending);
    this.#scene.judge(() => {
      if (restores.isPending)
        throw new Violation("liveness", `terms do not go on ${withinMs} ms after a restore`);
    });
  }
}
