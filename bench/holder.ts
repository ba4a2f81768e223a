import type { FromHolder, HolderConfig, ToHolder, Usage } from "./session-messages.js";
import { News } from "./waiting.js";
import { WorkerProcess } from "./worker-process.js";

/** The slowest step: ten thousand leases, on a slow machine. */
const STUCK_MS = 900_000;

/** A process with many elections, as the bench sees it. */
export class Holder implements AsyncDisposable {
  /** When it said so. Undefined: it has not yet. */
  claimedMs: number | undefined;
  waitsMs: number | undefined;
  heldMs: number | undefined;
  /** How many leases it has lost. */
  lost = 0;
  readonly #process: WorkerProcess<HolderConfig, FromHolder, ToHolder>;
  readonly #news: News;
  #holds = 0;
  #usage: Usage | undefined;
  #wroteMs: number | undefined;
  #closedMs: number | undefined;

  private constructor(program: string, config: HolderConfig, hello: () => void) {
    this.#news = new News(`${config.prefix}, ${config.label}`);
    this.#process = new WorkerProcess(program, config, (message, atMs) => {
      if (message.type === "hello") hello();
      this.#heard(message, atMs);
    });
  }

  static async start(program: string, config: HolderConfig): Promise<Holder> {
    let isUp = false;
    const holder = new Holder(program, config, () => {
      isUp = true;
    });
    await holder.until(() => isUp);
    return holder;
  }

  /** It campaigns for all leases. Returns the moment. */
  compete(): number {
    this.#process.say({ type: "compete" });
    return performance.now();
  }

  async usage(): Promise<Usage> {
    this.#usage = undefined;
    this.#process.say({ type: "tell usage" });
    await this.until(() => this.#usage !== undefined);
    return this.#usage as unknown as Usage;
  }

  /** Bare conditional writes. Resolves with their number per second. */
  writesPerSecond(count: number): Promise<number> {
    return this.#rate(count, { type: "write", count });
  }

  fencedPerSecond(count: number, leases: number): Promise<number> {
    return this.#rate(count, { type: "write fenced", count, leases });
  }

  /** It gives all leases back. Resolves with the milliseconds that this took. */
  async close(): Promise<number> {
    const beganMs = performance.now();
    this.#process.say({ type: "close" });
    await this.until(() => this.#closedMs !== undefined);
    return (this.#closedMs as unknown as number) - beganMs;
  }

  until(isSo: () => boolean): Promise<void> {
    return this.#news.until(isSo, STUCK_MS);
  }

  /** Returns the moment. */
  kill(): number {
    this.#process.kill();
    return performance.now();
  }

  end(): Promise<void> {
    return this.#process.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #rate(count: number, message: ToHolder): Promise<number> {
    const beganMs = performance.now();
    this.#wroteMs = undefined;
    this.#process.say(message);
    await this.until(() => this.#wroteMs !== undefined);
    return count / (((this.#wroteMs as unknown as number) - beganMs) / 1_000);
  }

  #heard(message: FromHolder, atMs: number): void {
    if (message.type === "claims") this.claimedMs ??= atMs;
    if (message.type === "waits") this.waitsMs ??= atMs;
    if (message.type === "holds") {
      if (message.leases < this.#holds) this.lost += this.#holds - message.leases;
      this.#holds = message.leases;
      if (message.leases === this.#process.config.leases) this.heldMs ??= atMs;
    }
    if (message.type === "used") this.#usage = message.usage;
    if (message.type === "closed") this.#closedMs = atMs;
    if (message.type === "wrote") this.#wroteMs = atMs;
    if (message.type === "failed") this.#news.failed(message.message);
    this.#news.changed();
  }
}
