import { Faults } from "./faults.js";
import { Fleet, type Worker } from "./fleet.js";
import type { FromWorker, OrderName, WorkerConfig } from "./messages.js";
import type { Payment } from "./payments.js";
import { paceMs, slowPaceMs } from "./scenes.js";
import type { SceneKind, Story } from "./story.js";

export interface ShowOptions {
  readonly payments: readonly Payment[];
  readonly config: Omit<WorkerConfig, "label" | "succession">;
  readonly order: OrderName;
  readonly candidates: number;
  readonly story: Story;
  readonly signal: AbortSignal;
}

/** The demo cannot go on. The message says why. */
export class StalledError extends Error {}

/** Starts the workers, answers them as the payment provider, and tells the story of what they say. */
export class Show {
  readonly fleet: Fleet;
  readonly paid = new Set<string>();
  readonly #faults: Faults;
  readonly #paceMs: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #term = 0;
  #finished = false;
  #ready = 0;
  #settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} };
  #watchdog: NodeJS.Timeout | undefined;

  constructor(private readonly options: ShowOptions) {
    const { payments, config, order, candidates, story } = options;
    const { leaseMs } = config;
    this.#paceMs = paceMs(payments.length, order, leaseMs);
    this.fleet = new Fleet(
      { size: candidates, ranked: order === "rank" },
      (worker, message) => this.#hear(worker, message),
      (worker, lastWords) =>
        this.#settle.reject(new StalledError(`${worker.label} ended unexpectedly. ${lastWords}`.trim())),
    );
    const after = (ms: number, action: () => void) => this.#after(ms, action);
    this.#faults = new Faults({ payments, paid: this.paid, leaseMs, fleet: this.fleet, story, after });
  }

  /** The scenes that are left out, because there are too few payments. */
  get skipped(): readonly SceneKind[] {
    return this.#faults.skipped;
  }

  /** Whether a frozen leader went on with a write that the table had to refuse. */
  get hadLateWrite(): boolean {
    return this.#faults.hadLateWrite;
  }

  /** Resolves when all payments are made, every scene is over, and all workers have ended. */
  async play(): Promise<void> {
    const { signal } = this.options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        if (signal.aborted) reject(signal.reason);
        this.#keepAlive();
        for (const worker of this.fleet.workers) this.fleet.start(worker);
      });
    } finally {
      clearTimeout(this.#watchdog);
      for (const timer of this.#timers) clearTimeout(timer);
      await this.fleet.end();
    }
  }

  /** Any progress restarts the watchdog. */
  #keepAlive(): void {
    const patienceMs = 20_000 + 5 * this.options.config.leaseMs;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      const done = `${this.paid.size} of ${this.options.payments.length} payments made`;
      this.#settle.reject(new StalledError(`No progress for ${patienceMs / 1_000} s: ${done}.`));
    }, patienceMs);
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #hear(worker: Worker, message: FromWorker): void {
    const { story } = this.options;
    if (message.type !== "trust") this.#keepAlive();
    switch (message.type) {
      case "ready":
        this.#onReady(worker);
        return;
      case "elected":
        this.#onElected(worker, message.term);
        return;
      case "trust":
        if (worker.status === "leading")
          worker.trust = { remainingMs: message.remainingMs, atMs: story.nowMs() };
        return;
      case "clearing":
        this.#onClearing(worker, message);
        return;
      case "leaving":
        this.#faults.freeze(worker, message);
        return;
      case "paid":
        this.#faults.paid(worker, message);
        this.paid.add(message.payment.id);
        this.#proceed();
        return;
      case "unknown":
        story.tell(`${worker.label} got no answer to payment ${message.payment.id}: ${message.why}`, "bad");
        this.#faults.unknown(worker);
        this.#proceed();
        return;
      case "refused":
        this.#faults.refused(worker, message);
        this.#proceed();
        return;
      case "ended":
        story.ended(message.term, story.nowMs() - message.lateByMs);
        if (worker.status === "leading") worker.status = "following";
        this.#faults.ended(worker, message);
        return;
      case "finished":
        this.#finished = true;
        this.#proceed();
        return;
      case "failed":
        this.#settle.reject(new StalledError(`${worker.label} failed: ${message.message}`));
        return;
    }
  }

  #onReady(worker: Worker): void {
    const { story, config, order } = this.options;
    const { workers } = this.fleet;
    const start = (one: Worker) => {
      const { label, rank } = one;
      // It takes over as soon as it can, so that people see it.
      const byRank = { order: "rank", rank: rank ?? 0, preempt: { minTenureMs: 0 } } as const;
      const succession = order === "rank" ? byRank : order;
      this.fleet.say(one, { type: "start", config: { ...config, label, succession } });
      one.status = "following";
    };
    this.#ready += 1;
    // All at once, so that the race is fair.
    if (this.#ready === workers.length) {
      const line = order === "random" ? "" : `, in line by ${order}`;
      const highest = order === "rank" ? `: ${workers.at(-1)?.label} has the highest rank` : "";
      story.tell(`${this.#ready} workers compete for the election "payments"${line}${highest}`);
      workers.forEach(start);
    } else if (this.#ready > workers.length) {
      start(worker);
    }
  }

  #onElected(worker: Worker, term: number): void {
    const { story } = this.options;
    this.#term = Math.max(this.#term, term);
    worker.status = "leading";
    worker.term = term;
    story.elected(term, worker.label);
    const rank = worker.rank === undefined ? "" : ` (rank ${worker.rank})`;
    story.tell(`${worker.label}${rank} is elected: term ${term}`, "good");
  }

  #onClearing(worker: Worker, message: Extract<FromWorker, { type: "clearing" }>): void {
    const slowMs = slowPaceMs(this.options.config.leaseMs);
    const decision = this.#faults.begins(worker, message);
    if (decision === "none") return;
    if (decision === "wait") {
      this.#after(slowMs, () => {
        if (worker.status === "leading" && worker.term === message.term) this.#onClearing(worker, message);
      });
      return;
    }
    const { breakMs, slowly } = decision;
    this.#after(slowly ? slowMs : this.#paceMs, () => this.fleet.say(worker, { type: "cleared", breakMs }));
  }

  #proceed(): void {
    this.#faults.thawIfTime(this.#term, this.#finished);
    if (this.#finished && this.#faults.settled) this.#settle.resolve();
  }
}
