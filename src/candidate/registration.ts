import { isRank, RANK_RULE } from "../arguments.js";
import { backoffMs, sleep, withTimeout } from "../async.js";
import { InvalidOptionError } from "../errors.js";
import { keepsLine } from "../protocol/line.js";
import type { Candidacy } from "./candidacy.js";

/**
 * A candidate's own row (rule 7a): written and refreshed while it campaigns or leads, then deleted. It never
 * delays an election.
 */
export class Registration {
  #arrival: number | undefined;
  #rank = 0;
  #heartbeat = 0;
  #leaving: AbortController | undefined;
  #running: Promise<void> | undefined;
  #left: Promise<void> | undefined;

  constructor(private readonly candidacy: Pick<Candidacy, "client" | "options" | "emit">) {}

  /** Undefined before it has joined. */
  get arrival(): number | undefined {
    return this.#arrival;
  }

  /** The rank that the row has. */
  get rank(): number {
    return this.#rank;
  }

  join(): void {
    const { order, eligible } = this.candidacy.options;
    if (this.#leaving || !(keepsLine(order) || !eligible)) return;
    this.#leaving = new AbortController();
    this.#running = this.#refresh(this.#leaving.signal);
  }

  /** Resolves when nothing runs any more. If the table answers, the others see at once that this candidate has left. */
  async leave(): Promise<void> {
    this.#leaving?.abort();
    if (this.#leaving) this.#left = this.#deleteRow(this.#running);
    this.#leaving = undefined;
    await this.#left;
  }

  /**
   * A refresh that arrives after the deletion brings the row back. From then on its `heartbeat` stands still and its
   * `expiresAt` passes. So for one lifetime it can spoil the order, never safety.
   */
  async #deleteRow(running: Promise<void> | undefined): Promise<void> {
    await running;
    const { candidateId } = this.candidacy.options;
    // If it has joined again meanwhile, its newer heartbeat keeps the row.
    const heartbeat = this.#heartbeat;
    if (heartbeat === 0) return;
    await this.candidacy.client.deleteCandidate({ candidateId, heartbeat }).catch(() => {});
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, refreshIntervalMs, random } = this.candidacy.options;
    let firstFailureMs = 0;
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.#arrival ??= (await this.candidacy.client.drawArrival()).answer.arrival;
        await this.#askRank(signal);
        await this.#write(this.#arrival);
        failures = 0;
      } catch (error) {
        const nowMs = clock.monotonicMs();
        if (failures === 0) firstFailureMs = nowMs;
        this.candidacy.emit({ type: "unavailable", error, failingForMs: nowMs - firstFailureMs });
        failures += 1;
      }
      const pauseMs =
        failures > 0
          ? backoffMs(failures, refreshIntervalMs, random)
          : refreshIntervalMs * (1 - random() / 10);
      await sleep(clock, pauseMs, signal).catch(() => {});
    }
  }

  /** If the function does not return a rank now, the last one stays. */
  async #askRank(signal: AbortSignal): Promise<void> {
    const { clock, requestTimeoutMs, rank } = this.candidacy.options;
    try {
      const result = await withTimeout(clock, requestTimeoutMs, async () => rank(), signal);
      if (isRank(result)) this.#rank = result;
      else this.#ignoreRank(result);
    } catch (error) {
      if (!signal.aborted) this.#ignoreRank(error);
    }
  }

  #ignoreRank(result: unknown): void {
    const error = new InvalidOptionError("succession.rank", `the function's result ${RANK_RULE}`, result, 10);
    this.candidacy.emit({ type: "rank-ignored", error });
  }

  async #write(arrival: number): Promise<void> {
    const { candidateId, label, eligible, group, value, refreshIntervalMs } = this.candidacy.options;
    this.#heartbeat += 1;
    const fixed = { candidateId, label, eligible, group, value, refreshIntervalMs, arrival };
    await this.candidacy.client.writeCandidate({ ...fixed, rank: this.#rank, heartbeat: this.#heartbeat });
  }
}
