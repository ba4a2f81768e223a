import type { Host } from "../host.js";
import { CALM, type Weather } from "../network.js";
import type { Process } from "./cast.js";
import { type Damage, RESTORES } from "./damage.js";
import type { Operators } from "./operators.js";
import type { Machine } from "./plan.js";
import type { Processes } from "./processes.js";
import type { Scene } from "./scene.js";

/** Bad weather on the network, and one fault after the other. */
export class Storm {
  constructor(
    private readonly scene: Scene,
    private readonly processes: Processes,
    private readonly operators: Operators,
    private readonly damage: Damage,
  ) {}

  weatherOn(): void {
    if (this.scene.isCalm) return;
    const random = this.scene.random;
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
    this.scene.network.weather = random.chance(0.5) ? weather : CALM;
    this.scene.world.after(random.between(0.5, 8) * this.scene.plan.leaseDurationMs, () => this.weatherOn());
  }

  stormOn(): void {
    const { leaseDurationMs, pace } = this.scene.plan;
    this.scene.world.after(this.scene.random.between(0.02, 2 * pace) * leaseDurationMs, () => {
      if (this.scene.isCalm) return;
      this.strike();
      this.stormOn();
    });
  }

  strike(what?: "blind"): void {
    const { plan } = this.scene;
    const random = this.scene.random;
    const process = random.pick([...this.scene.processes.values()]);
    if (process === undefined) return;
    const { host, machine, thread } = process;
    const { name } = random.pick(plan.names);
    const operator = this.operators.of(name);
    const leaseMs = plan.leaseDurationMs;
    const forMs = Math.min(
      this.scene.stormLeftMs,
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
    this.scene.network.count(kind);
    if (kind !== "header" && kind !== "copy")
      this.scene.say(`fault: ${kind} (${machine.label}, ${name}, ${Math.round(forMs)} ms)`);
    switch (kind) {
      case "die":
        this.processes.die(process, random.pick(["lost", "killed", "exits"] as const), forMs);
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
          Math.min(this.scene.stormLeftMs, (machine.maxStallMs ?? leaseMs) * random.between(0.5, 1.3)),
          random.chance(0.5),
        );
        return;
      case "cut":
        for (const each of this.#hostsOf(process))
          this.scene.network.cut(each, random.pick(["requests", "answers", "both"]), 1.5 * forMs);
        return;
      case "outage":
        this.scene.network.awayUntilMs = this.scene.world.nowMs + forMs;
        return;
      case "close":
        host.whenRunning(() => this.processes.close(process, random.between(0, leaseMs)));
        return;
      case "callerAborts":
        for (const player of this.scene.playersOn(host))
          if (random.chance(0.5)) this.scene.abort(player, player.mayLeave && random.chance(0.5));
        return;
      case "blind":
        this.scene.reads.blind(
          this.scene.referee.known.leaderOf(name)?.bidder.host ?? host,
          Math.min(this.scene.stormLeftMs, leaseMs * random.pick([random.between(2, 24), 24])),
          random.chance(0.7) ? "throttled" : "denied",
        );
        this.operators.evict(name);
        return;
      case "evict":
        this.operators.evict(name);
        return;
      case "stepDown":
        void operator.requestStepDown().catch(() => {});
        return;
      case "pause":
        this.operators.setPaused(name, true);
        this.scene.world.after(forMs, () => this.operators.setPaused(name, false));
        return;
      case "header":
        this.#lie(machine, leaseMs);
        return;
      case "copy":
        this.scene.network.copy(
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
        void this.damage.deleteLease(name);
        return;
      case "sweep":
        this.damage.sweep();
        return;
      case "deleteSession":
        this.damage.deleteSession();
        return;
      default:
        void this.damage.restore(kind, name);
    }
  }

  #hostsOf({ host, estate, thread }: Process): Host[] {
    return [host, estate?.host, thread?.host].filter((each) => each !== undefined);
  }

  #lie({ label, wall, headersAreRight }: Machine, leaseMs: number): void {
    const random = this.scene.random;
    const byMs = random.pick([-1, 1]) * random.between(2_000, 60_000);
    const leases = headersAreRight ? random.between(0.05, 0.95) : random.between(1, 8);
    const isAllowed = !headersAreRight || !wall.isRight;
    const untilMs = Math.min(this.scene.world.nowMs + leases * leaseMs, this.scene.plan.stormMs);
    this.scene.headers.begin(label, { byMs: isAllowed ? byMs : undefined, untilMs });
  }
}
