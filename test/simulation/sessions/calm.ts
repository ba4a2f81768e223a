import type { Leadership } from "../../../src/index.js";
import { Violation } from "../violation.js";
import type { Damage } from "./damage.js";
import type { Operators } from "./operators.js";
import type { Processes } from "./processes.js";
import { LATEST_MS } from "./restores.js";
import type { Scene } from "./scene.js";

/** One change at a time, when the storm is over. */
export class Calm {
  constructor(
    private readonly scene: Scene,
    private readonly processes: Processes,
    private readonly operators: Operators,
    private readonly damage: Damage,
  ) {}

  /** One change in calm weather, and what must come of it in time. */
  async changeOnce(): Promise<void> {
    const random = this.scene.random;
    const { plan } = this.scene;
    const leaseMs = plan.leaseDurationMs;
    const { name } = random.pick(plan.names);
    const operator = this.operators.of(name);
    // Whoever was away is back, so that there is a rival.
    const awayMs = Math.max(
      0,
      ...[...this.scene.processes.values()].flatMap(({ host }) =>
        this.scene.playersOn(host).map(({ awayUntilMs }) => awayUntilMs),
      ),
    );
    await this.scene.pass(Math.max(0, awayMs - this.scene.world.nowMs) + leaseMs);
    // A row may have been deleted in the storm, and its holder has not looked since.
    await this.scene.untilSettled();
    const leader = this.scene.referee.known.leaderOf(name);
    const process = [...this.scene.processes.values()].find(({ host }) => host === leader?.bidder.host);
    if (!leader || !process) return;
    const kind = random.pick([
      "abort",
      "abandon",
      "kill",
      "close",
      "evict",
      "stepDown",
      "pause",
      "stall",
      "nothing",
      "deleteLease",
    ] as const);
    this.scene.network.count(`calm ${kind}`);
    this.scene.say(`change: ${kind} (${name}, ${process.machine.label})`);
    if ((kind === "stepDown" || kind === "pause") && plan.restores)
      await this.#restoreBelow(leader.leadership, name);
    const { term } = leader.leadership;
    const isNew = () => {
      const now = this.scene.referee.known.leaderOf(name);
      return (
        now !== undefined && now.leadership.term > term && this.scene.referee.known.leaderless.length === 0
      );
    };
    const expect = async (withinMs: number) => {
      await this.scene.pass(withinMs, isNew);
      this.scene.judge(() => {
        if (!isNew())
          throw new Violation(
            "pace",
            `${kind}: nobody leads ${name} after term ${term} within ${withinMs} ms`,
          );
      });
    };
    switch (kind) {
      case "kill":
        this.processes.die(process, random.pick(["lost", "killed", "exits"] as const), 100);
        await expect(3.5 * leaseMs);
        break;
      case "abort":
        // Not announced, perhaps: only the log tells (rule 14g).
        for (const player of this.scene.playersOn(process.host))
          if (player.name === name) this.scene.abort(player, true);
        await this.scene.pass(this.scene.stopTimeoutMs / 2);
        // A leadership that is kept by hand ends by hand.
        if (leader.leadership.signal.aborted) await expect(3.5 * leaseMs);
        break;
      case "abandon": {
        const others = [...this.scene.processes.values()].flatMap(({ host }) => this.scene.playersOn(host));
        this.scene.abandons = others.find(
          (player) => player.name === name && player.candidateId !== leader.bidder.candidateId,
        )?.candidateId;
        void operator.requestStepDown(this.scene.abandons === undefined ? {} : { to: this.scene.abandons });
        await expect(7 * leaseMs + this.scene.stopTimeoutMs);
        this.scene.abandons = undefined;
        break;
      }
      case "close":
        if (leader.bidder.isPlain) break;
        this.processes.close(process, 100);
        await expect(3 * leaseMs);
        break;
      case "evict":
        void operator.evict();
        await expect(4 * leaseMs);
        break;
      case "stepDown":
        void operator.requestStepDown();
        await expect(4 * leaseMs);
        break;
      case "pause":
        void operator.pause();
        await this.scene.pass(4 * leaseMs, () => this.scene.referee.known.leaderOf(name) === undefined);
        this.scene.judge(() => {
          if (this.scene.referee.known.leaderOf(name))
            throw new Violation("pace", `${name} is led long after its pause`);
        });
        void operator.resume();
        await expect(4 * leaseMs);
        break;
      case "stall": {
        const { maxStallMs, rate } = process.machine;
        if (maxStallMs === undefined) break;
        await this.scene.pass(leaseMs);
        if (leader.leadership.signal.aborted) break;
        const stallMs = (0.9 * maxStallMs) / rate;
        process.host.pause("block", stallMs);
        await this.scene.pass(stallMs + 1_000);
        this.scene.judge(() => {
          if (!(leader.leadership.remainingMs() > 0))
            throw new Violation("stall", `${name} is lost in a stall`);
        });
        break;
      }
      case "deleteLease":
        await this.damage.deleteLease(name);
        // Its holder looks at it after eight leases at most, and nobody before.
        if (this.scene.referee.known.rowOf(name) === undefined)
          await expect(this.scene.referee.known.rowLeaseMs + 13 * leaseMs);
        break;
      case "nothing":
        await this.#expectRest(20 * leaseMs);
        break;
    }
    await this.scene.untilAllAreLed(this.scene.referee.known.rowLeaseMs + 10 * leaseMs, `after: ${kind}`);
    await this.scene.pass(2 * leaseMs);
  }

  /** Its holder knows a later row. It does all the same what is asked for on the older one. */
  async #restoreBelow(leadership: Leadership, name: string): Promise<void> {
    void leadership.proclaim(`${leadership.term}/calm`).catch(() => {});
    await this.scene.pass(1.1 * LATEST_MS);
    this.damage.restoreWithinTerm(name);
  }

  /** Nothing moves, and the rows of quiet leases are not written. */
  async #expectRest(forMs: number): Promise<void> {
    await this.scene.pass(2 * this.scene.plan.leaseDurationMs);
    const leaders = this.scene.plan.names.map(({ name }) => this.scene.referee.known.leaderOf(name));
    const isQuiet = leaders.every((leader) => leader?.bidder.isQuiet);
    const writes = this.scene.leaseWrites;
    await this.scene.pass(forMs);
    this.scene.judge(() => {
      for (const [i, { name }] of this.scene.plan.names.entries())
        if (this.scene.referee.known.leaderOf(name) !== leaders[i])
          throw new Violation("rest", `${name} changes hands in calm weather`);
      if (isQuiet && this.scene.leaseWrites > writes)
        throw new Violation(
          "quiet",
          `${this.scene.leaseWrites - writes} writes of lease rows on which nothing changes`,
        );
    });
  }
}
