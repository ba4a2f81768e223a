import { setTimeout as delay } from "node:timers/promises";
import type { JobEvent, Mood, Outcome } from "./messages.js";
import { type FunctionConfig, Sandbox } from "./sandbox.js";

/** Lambda retries an event that failed twice. */
const ATTEMPTS = 3;

export interface Delivery {
  readonly function: string;
  readonly tick: string;
  readonly mood: Mood | undefined;
  readonly outcomes: Outcome[];
}

/** A function as Lambda runs it: a sandbox for each event at a time, cold or warm, and failed events tried again. */
export class Lambda {
  readonly sandboxes: Sandbox[] = [];
  readonly #idle: Sandbox[] = [];
  readonly #begun = new Map<string, number>();
  coldStarts = 0;
  warmStarts = 0;

  constructor(readonly config: FunctionConfig) {}

  get name(): string {
    return this.config.name;
  }

  /** Once, as a synchronous invocation. */
  async invoke(event: unknown): Promise<Outcome> {
    const idle = this.#idle.pop();
    if (idle) this.warmStarts += 1;
    else this.coldStarts += 1;
    const sandbox = idle ?? (await this.#start());
    const outcome = await sandbox.invoke(event);
    if (!sandbox.isDead) this.#idle.push(sandbox);
    return outcome;
  }

  /** As the schedule delivers it: the first attempt, which suffers the mood. */
  async deliver(tick: string, mood?: Mood): Promise<Delivery> {
    return { function: this.name, tick, mood, outcomes: [await this.#attempt(tick, 1, mood)] };
  }

  /** As Lambda tries again later what failed. */
  async retry({ tick, outcomes }: Delivery): Promise<void> {
    while (outcomes.at(-1)?.kind !== "answered" && outcomes.length < ATTEMPTS) {
      outcomes.push(await this.#attempt(tick, outcomes.length + 1));
    }
  }

  #attempt(tick: string, attempt: number, mood?: Mood): Promise<Outcome> {
    const event: JobEvent = {
      scheduledTime: tick,
      executionId: `${this.name}-${tick}`,
      attempt: String(attempt),
      ...(mood !== undefined && { mood }),
    };
    return this.invoke(event);
  }

  /** The Region is gone, or the test over. */
  async kill(): Promise<void> {
    this.#idle.length = 0;
    await Promise.all(this.sandboxes.map((sandbox) => sandbox.kill()));
  }

  /** When a run of this tick was heard to have begun, by the test's monotonic clock. */
  begunAtMs(tick: string): number | undefined {
    return this.#begun.get(tick);
  }

  /** The log may come after the answer. */
  async hasLogged(text: string): Promise<boolean> {
    const isThere = () => this.sandboxes.some(({ log }) => log.join("\n").includes(text.slice(0, 80)));
    for (let looks = 0; looks < 100 && !isThere(); looks++) await delay(20);
    return isThere();
  }

  async #start(): Promise<Sandbox> {
    const sandbox = await Sandbox.start(this.config, (line, self) => this.#hear(line, self));
    this.sandboxes.push(sandbox);
    return sandbox;
  }

  #hear(line: string, sandbox: Sandbox): void {
    const [, toBeKilled, tick] = /begun (to be killed )?(\S+)/.exec(line) ?? [];
    if (tick === undefined) return;
    this.#begun.set(tick, performance.now());
    if (toBeKilled) void sandbox.kill();
  }
}
