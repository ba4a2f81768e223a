import { Fleet, type Worker } from "./fleet.js";
import type { FromWorker, WorkerConfig } from "./messages.js";
import type { Payment } from "./payments.js";
import { planScenes, SCENES } from "./scenes.js";
import { type SceneKind, type Story, seconds } from "./story.js";

export interface ShowOptions {
  readonly payments: readonly Payment[];
  readonly config: Omit<WorkerConfig, "label" | "rank">;
  readonly candidates: number;
  readonly story: Story;
  readonly signal: AbortSignal;
}

/** The demo cannot go on. The message says why. */
export class StalledError extends Error {}

/** The approximate time of the work, at a speed that people can follow. */
const WORK_MS = 9_000;
const FASTEST_MS = 1;
const SLOWEST_MS = 150;
/** The approximate time of one commit. */
const COMMIT_MS = 8;
/** The number of payments that others make before the frozen leader goes on. */
const PAID_MEANWHILE = 20;

interface Frozen {
  readonly worker: Worker;
  readonly payment: Payment;
  /** The number of payments that were made when it was frozen. */
  readonly paidBefore: number;
  thawed: boolean;
}

/** Starts the workers and plays the scenes, each after a number of payments. */
export class Show {
  readonly fleet: Fleet;
  readonly paid = new Set<string>();
  /** The scenes that are left out, because there are too few payments. */
  readonly skipped: readonly SceneKind[];
  readonly #plan: Map<SceneKind, number>;
  readonly #paceMs: number;
  readonly #awaitingSuccessor: Array<{ kind: SceneKind; fromTerm: number; atMs: number }> = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #term = 0;
  #frozen: Frozen | undefined;
  #resigning: Worker | undefined;
  #lateWriteSettled = false;
  #finished = false;
  #ready = 0;
  #settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} };
  #watchdog: NodeJS.Timeout | undefined;

  constructor(private readonly options: ShowOptions) {
    const count = options.payments.length;
    this.#plan = planScenes(count);
    this.skipped = SCENES.map(([kind]) => kind).filter((kind) => !this.#plan.has(kind));
    this.#paceMs = Math.min(SLOWEST_MS, Math.max(FASTEST_MS, Math.round(WORK_MS / count - COMMIT_MS)));
    this.fleet = new Fleet(
      options.candidates,
      (worker, message) => this.#hear(worker, message),
      (worker, lastWords) =>
        this.#settle.reject(new StalledError(`${worker.label} ended unexpectedly. ${lastWords}`.trim())),
    );
  }

  /** Whether a frozen leader went on with a write that the table had to refuse. */
  get hadLateWrite(): boolean {
    return this.#frozen !== undefined;
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
        this.#freeze(worker, message.term, message.payment);
        return;
      case "paid":
        this.#onPaid(worker, message);
        return;
      case "unknown":
        story.tell(`${worker.label} got no answer to payment ${message.payment.id}: ${message.why}`, "bad");
        if (this.#frozen?.worker === worker) this.#lateWriteSettled = true;
        this.#proceed();
        return;
      case "refused":
        this.#onRefused(worker, message);
        return;
      case "ended":
        story.ended(message.term, story.nowMs() - message.lateByMs);
        // It works until it stops, so nobody waits for a successor before.
        if (this.#resigning === worker) {
          this.#resigning = undefined;
          this.#takenAway("resigned", worker, message.term);
        }
        if (worker.status === "leading") worker.status = "following";
        if (this.#frozen?.worker === worker) {
          story.tell(
            `${worker.label} finds that term ${message.term} is over (${message.reason}), ` +
              `${seconds(message.lateByMs)} too late`,
          );
        } else if (message.reason === "resigned") {
          story.tell(`${worker.label} stops its work and gives term ${message.term} back`);
        } else {
          story.tell(`${worker.label} lost term ${message.term} (${message.reason})`, "bad");
        }
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
    const start = (one: Worker) => {
      const { label, rank } = one;
      this.fleet.say(one, { type: "start", config: { ...this.options.config, label, rank } });
      one.status = "following";
    };
    this.#ready += 1;
    // All at once, so that the race is fair.
    if (this.#ready === this.fleet.workers.length) {
      const { story, config } = this.options;
      const line = config.order === "random" ? "" : `, in line by ${config.order}`;
      story.tell(`${this.#ready} workers compete for the election "payments"${line}`);
      this.fleet.workers.forEach(start);
    } else if (this.#ready > this.fleet.workers.length) {
      start(worker);
    }
  }

  #onElected(worker: Worker, term: number): void {
    const { story } = this.options;
    this.#term = Math.max(this.#term, term);
    worker.status = "leading";
    worker.term = term;
    story.elected(term, worker.label);
    story.tell(`${worker.label} is elected: term ${term}`, "good");
  }

  #onClearing(worker: Worker, { term, payment }: { term: number; payment: Payment }): void {
    const { story } = this.options;
    for (const { kind, fromTerm, atMs } of this.#awaitingSuccessor.splice(0)) {
      if (term <= fromTerm) {
        this.#awaitingSuccessor.push({ kind, fromTerm, atMs });
        continue;
      }
      const ms = Math.round(story.nowMs() - atMs);
      const leases = Math.round((ms / this.options.config.leaseMs) * 100) / 100;
      story.failovers.push({ kind, fromTerm, toTerm: term, ms, leases });
      story.tell(
        `work continues under term ${term}, ${seconds(ms)} after the leader ${kind === "resigned" ? "" : "was "}${kind}`,
      );
    }
    const scene = this.#sceneDue();
    if (scene) this.#plan.delete(scene);
    if (scene === "killed") {
      this.#kill(worker, term, payment);
      return;
    }
    if (scene === "resigned") this.#askToResign(worker);
    const breakMs = scene === "frozen" ? this.options.config.leaseMs / 2 : undefined;
    this.#after(this.#paceMs, () => this.fleet.say(worker, { type: "cleared", breakMs }));
  }

  /**
   * Plays the scenes in order. Each waits until the hand-over before it is complete. The late write of the frozen leader
   * comes before a second hand-over, because after one hand-over the lease row still shows whether the write succeeded.
   */
  #sceneDue(): SceneKind | undefined {
    if (this.#awaitingSuccessor.length > 0 || (this.#frozen && !this.#lateWriteSettled)) return undefined;
    const [next] = this.#plan;
    return next && this.paid.size >= next[1] ? next[0] : undefined;
  }

  #takenAway(kind: SceneKind, worker: Worker, fromTerm: number): void {
    const atMs = this.options.story.mark(kind, worker.label);
    this.#awaitingSuccessor.push({ kind, fromTerm, atMs });
  }

  #kill(worker: Worker, term: number, payment: Payment): void {
    const { story, config } = this.options;
    this.fleet.kill(worker);
    this.#takenAway("killed", worker, term);
    story.ended(term);
    story.tell(`${worker.label} is killed (SIGKILL) while it makes payment ${payment.id}`, "bad");
    this.#after(config.leaseMs, () => {
      story.mark("restarted", worker.label);
      story.tell(`${worker.label} is started again, as a new candidate`);
      this.fleet.start(worker);
    });
  }

  #freeze(worker: Worker, term: number, payment: Payment): void {
    const { story } = this.options;
    this.fleet.freeze(worker);
    this.#takenAway("frozen", worker, term);
    this.#frozen = { worker, payment, paidBefore: this.paid.size, thawed: false };
    story.tell(`${worker.label} is frozen (SIGSTOP) just before it sends payment ${payment.id}`, "cold");
  }

  #askToResign(worker: Worker): void {
    this.#resigning = worker;
    this.options.story.mark("asked to resign", worker.label);
    this.options.story.tell(`${worker.label} is asked to resign`);
    this.fleet.say(worker, { type: "resign" });
  }

  #onPaid(worker: Worker, { term, payment }: { term: number; payment: Payment }): void {
    const { story } = this.options;
    if (this.#frozen?.worker === worker && this.#frozen.thawed && this.#frozen.payment.id === payment.id) {
      this.#lateWriteSettled = true;
      story.mark("applied late", worker.label);
      story.tell(
        `the late write of payment ${payment.id} under term ${term} WENT THROUGH: paid twice`,
        "bad",
      );
    }
    this.paid.add(payment.id);
    this.#proceed();
  }

  #onRefused(
    worker: Worker,
    { term, payment, currentTerm }: { term: number; payment: Payment; currentTerm: number | undefined },
  ): void {
    const { story } = this.options;
    if (this.#frozen?.worker === worker) this.#lateWriteSettled = true;
    story.mark("refused", worker.label);
    story.tell(
      `late write of payment ${payment.id} under term ${term} REFUSED by the table, ` +
        `which has term ${currentTerm ?? "?"}`,
      "good",
    );
    this.#proceed();
  }

  #proceed(): void {
    const { story, payments } = this.options;
    const frozen = this.#frozen;
    if (frozen && !frozen.thawed) {
      const [next] = this.#plan;
      const nextSceneAt = next ? next[1] : payments.length;
      const enough = Math.min(frozen.paidBefore + PAID_MEANWHILE, nextSceneAt, payments.length);
      const overtaken = this.paid.has(frozen.payment.id) && this.paid.size >= enough;
      if (overtaken || this.#finished) {
        frozen.thawed = true;
        story.mark("thawed", frozen.worker.label);
        story.tell(`${frozen.worker.label} is thawed (SIGCONT); the current term is ${this.#term}`, "cold");
        this.fleet.thaw(frozen.worker);
      }
    }
    if (this.#finished && (!frozen || this.#lateWriteSettled)) this.#settle.resolve();
  }
}
