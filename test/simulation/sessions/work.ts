import { TableError } from "../../../src/errors.js";
import { type Leadership, WorkNotStoppedError } from "../../../src/index.js";
import { Violation } from "../violation.js";
import type { Era, Player } from "./cast.js";
import type { Working } from "./known.js";
import type { Operators } from "./operators.js";
import { rest } from "./reads.js";
import { REGISTER, type Scene } from "./scene.js";

/** What candidates do: they campaign again and again, and work when they lead. */
export class Work {
  constructor(
    private readonly scene: Scene,
    private readonly operators: Operators,
  ) {}

  async leadForEver(player: Player, era: Era): Promise<void> {
    const random = this.scene.random;
    const { host, election } = player;
    while (host.alive && !era.isOver) {
      const caller = new AbortController();
      player.callers.add(caller);
      try {
        if (random.chance(0.1) && !this.scene.isCalm) await this.#leadByHand(player, caller.signal);
        else
          await election.lead((leadership) => this.#work(player, leadership), {
            signal: caller.signal,
            announce: random.chance(0.5),
          });
      } catch (error) {
        if (error instanceof WorkNotStoppedError) await error.stopped;
        else if (error instanceof TableError && error.problem === "access-denied")
          this.scene.network.count("gaveUp");
        else if (!era.isOver && !caller.signal.aborted)
          this.scene.judge(() => {
            throw new Violation("run", `${player.candidateId} gave up ${player.name}: ${error}`);
          });
      } finally {
        player.callers.delete(caller);
      }
      const awayMs = Math.max(0, player.awayUntilMs - this.scene.world.nowMs);
      await rest(host, awayMs + random.between(0, this.scene.plan.leaseDurationMs / 4));
    }
  }

  async #leadByHand(player: Player, signal: AbortSignal): Promise<void> {
    const leadership = await player.election.campaign({ signal });
    await this.#work(player, leadership);
    await leadership.resign();
  }

  /** Writes now and then under its fence until it is told to stop, and then takes a little longer. */
  async #work(player: Player, leadership: Leadership): Promise<void> {
    const random = this.scene.random;
    const { host, name } = player;
    const { leaseDurationMs } = this.scene.plan;
    let working: Working | undefined;
    this.scene.judge(() => {
      working = this.scene.referee.began(player, leadership, this.scene.world.nowMs);
    });
    const told = new Promise<void>((resolve) => {
      leadership.signal.addEventListener("abort", () => resolve(), { once: true });
      if (leadership.signal.aborted) resolve();
    });
    if (this.scene.plan.hasty && !this.scene.isCalm && random.chance(0.4))
      this.#loseAtOnce(player, leadership);
    const most = random.chance(0.2) ? random.integer(1, 6) : Number.POSITIVE_INFINITY;
    for (let i = 0; !leadership.signal.aborted && (i < most || this.scene.isCalm); i++) {
      const pauseMs = random.between(0.2, 4) * leaseDurationMs;
      await Promise.race([rest(host, pauseMs), told]);
      if (this.scene.isCalm) {
        await told;
        break;
      }
      if (random.chance(0.05)) leadership.stepDown();
      if (this.scene.plan.silent) continue;
      if (random.chance(0.1)) void leadership.proclaim(`${leadership.term}/${i}`).catch(() => {});
      if (random.chance(0.3)) void leadership.transact([writeOf(name, leadership.term)]).catch(() => {});
    }
    const drainMs = random.pick([0, 50, 500, 0.2 * leaseDurationMs]);
    const overrunMs =
      this.scene.isCalm || !random.chance(0.08) ? 0 : random.between(0.5, 4) * leaseDurationMs;
    await rest(host, drainMs + overrunMs);
    if (working) working.runs = false;
  }

  /** It is evicted as it begins, and its next fenced write shows that. */
  #loseAtOnce({ name, host }: Player, leadership: Leadership): void {
    this.scene.network.count("lostAtOnce");
    this.operators.evict(name);
    host.setTimer(this.scene.random.between(20, 400), () => {
      void leadership.transact([writeOf(name, leadership.term)]).catch(() => {});
    });
  }
}

function writeOf(id: string, term: number) {
  return {
    Update: {
      TableName: REGISTER,
      Key: { id },
      UpdateExpression: "SET #term = :term ADD #count :one",
      ExpressionAttributeNames: { "#term": "term", "#count": "count" },
      ExpressionAttributeValues: { ":term": term, ":one": 1 },
    },
  };
}
