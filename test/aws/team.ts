import { Life } from "../chaos/fleet.js";
import type { EventOf, HistoryEvent } from "../chaos/history.js";
import type { FromWorker, WorkerConfig } from "../chaos/messages.js";
import type { Units } from "./meter.js";

/** A term as this process saw it: by its own monotonic clock. */
export interface Reign {
  readonly worker: number;
  readonly term: number;
  /** The first and the last moment at which it was surely trusted. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Worker processes that compete in one election: each is started again when it is gone. */
export class Team implements AsyncDisposable {
  readonly history: HistoryEvent[] = [];
  /** All that ever stood for election. */
  readonly candidates: string[] = [];
  readonly #lives: (Life | undefined)[] = [];
  readonly #reigns = new Map<number, Reign>();
  readonly #startMs = performance.now();
  #waiting: (() => void)[] = [];
  #ending = false;

  constructor(
    private readonly configOf: (worker: number) => WorkerConfig,
    private readonly used: (units: Units) => void,
  ) {}

  /** Milliseconds since the team was made: the time of its history. */
  now(): number {
    return Math.round((performance.now() - this.#startMs) * 1_000) / 1_000;
  }

  start(worker: number): void {
    if (this.#ending) return;
    const life: Life = new Life(this.configOf(worker), {}, (message) => this.#heard(worker, life, message));
    this.#lives[worker] = life;
    void life.over.then(() => this.#ended(worker, life));
  }

  life(worker: number): Life {
    const life = this.#lives[worker];
    if (!life) throw new Error("it was never started");
    return life;
  }

  /** The term that began last. */
  get latest(): Reign | undefined {
    const term = Math.max(...this.#reigns.keys());
    return this.#reigns.get(term);
  }

  reign(term: number): Reign | undefined {
    return this.#reigns.get(term);
  }

  /** Resolves when a term above this one is trusted. Undefined: nobody led within this time. */
  async leaderAfter(term: number, withinMs: number, signal: AbortSignal): Promise<Reign | undefined> {
    const until = this.now() + withinMs;
    for (;;) {
      signal.throwIfAborted();
      const { latest } = this;
      if (latest && latest.term > term) return latest;
      const leftMs = until - this.now();
      if (leftMs <= 0) return undefined;
      await this.#change(Math.min(leftMs, 100));
    }
  }

  /** All give back what they have, and end. */
  async resign(killAfterMs: number): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#lives.map((life) => life?.alive && life.resign(killAfterMs)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#lives.map((life) => life?.alive && life.kill()));
  }

  /** Something was heard, or this time is over. */
  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #heard(worker: number, life: Life, message: FromWorker): void {
    const at = this.now();
    switch (message.type) {
      case "ask":
        life.answer({ question: message.question, now: at });
        break;
      case "left":
        break;
      case "used":
        this.used(message);
        break;
      case "hello": {
        const { candidate } = message;
        life.candidates.push(candidate);
        this.candidates.push(candidate);
        this.history.push({
          type: "life",
          at,
          candidate,
          label: `worker-${worker + 1}`,
          offset: "+0",
          rate: 1,
        });
        break;
      }
      default:
        this.history.push({ ...message, at });
        if (message.type === "view" && message.trusted) this.#saw(worker, message);
    }
  }

  #saw(worker: number, { term, asked }: Pick<EventOf<"view">, "term" | "asked">): void {
    const known = this.#reigns.get(term);
    this.#reigns.set(term, { worker, term, firstMs: known?.firstMs ?? asked, lastMs: asked });
    for (const tell of this.#waiting.splice(0)) tell();
  }

  #ended(worker: number, life: Life): void {
    if (life.doomed || this.#ending) return;
    const lastWords = life.lastWords.trim() || `exit code ${life.exitCode}`;
    const [candidate = ""] = life.candidates;
    this.history.push({ type: "crash", at: this.now(), candidate, label: `worker-${worker + 1}`, lastWords });
    this.start(worker);
  }
}
