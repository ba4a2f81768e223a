import type { Fleet, Worker } from "./fleet.js";
import type { FromWorker } from "./messages.js";
import type { Payment } from "./payments.js";
import { planScenes, SCENES } from "./scenes.js";
import { type SceneKind, type Story, seconds } from "./story.js";

type Said<T extends FromWorker["type"]> = Extract<FromWorker, { type: T }>;

/** What the faults act on. */
export interface Scenery {
  readonly payments: readonly Payment[];
  /** The identifiers of the payments that are made. */
  readonly paid: ReadonlySet<string>;
  readonly leaseMs: number;
  readonly fleet: Fleet;
  readonly story: Story;
  readonly after: (ms: number, action: () => void) => void;
}

interface Frozen {
  readonly worker: Worker;
  readonly term: number;
  readonly payment: Payment;
  /** The number of payments that were made when it was frozen. */
  readonly paidBefore: number;
  thawed: boolean;
}

interface Gap {
  readonly kind: SceneKind | "preempted";
  readonly worker: Worker;
  readonly fromTerm: number;
  readonly atMs: number;
}

/** What the provider does with a payment. `wait`: it decides later. `none`: this leader gets no answer. */
export type Decision = "wait" | "none" | { readonly breakMs: number | undefined; readonly slowly: boolean };

/** The number of payments that others make before the frozen leader goes on. */
const PAID_MEANWHILE = 20;
/** In this time the other workers learn when the leader's renewals come. */
const LEASES_TO_FOLLOW = 3;

/**
 * Kills, freezes and retires leaders, each after a number of payments. Measures how long nobody works then. The worker's
 * process does not know: everything comes from outside.
 */
export class Faults {
  /** The scenes that are left out, because there are too few payments. */
  readonly skipped: readonly SceneKind[];
  readonly #plan: Map<SceneKind, number>;
  /** From the end of a leader to the first payment of the next one. */
  readonly #gaps: Gap[] = [];
  #frozen: Frozen | undefined;
  #resigning: Worker | undefined;
  #term = { number: 0, sinceMs: 0 };
  #lateWriteSettled = false;

  constructor(private readonly scenery: Scenery) {
    this.#plan = planScenes(scenery.payments.length);
    this.skipped = SCENES.map(([kind]) => kind).filter((kind) => !this.#plan.has(kind));
  }

  /** Whether a frozen leader went on with a write that the table had to refuse. */
  get hadLateWrite(): boolean {
    return this.#frozen !== undefined;
  }

  /** False while the late write of the frozen leader is still to come. */
  get settled(): boolean {
    return !this.#frozen || this.#lateWriteSettled;
  }

  /** A leader begins a payment. */
  begins(worker: Worker, message: Said<"clearing">): Decision {
    const { paid, payments } = this.scenery;
    this.#closeGaps(message.term);
    const decision = this.#decide(worker, message);
    // A leader that is about to resign leaves the last payment to the next one.
    return this.#resigning === worker && payments.length - paid.size === 1 ? "none" : decision;
  }

  #decide(worker: Worker, { term, payment }: Said<"clearing">): Decision {
    const { story, paid, payments, leaseMs } = this.scenery;
    if (term > this.#term.number) this.#term = { number: term, sinceMs: story.nowMs() };
    const [scene, from] = [...this.#plan][0] ?? [undefined, 0];
    if (scene === undefined || paid.size < from) return { breakMs: undefined, slowly: false };
    if (!this.#canPlay(scene, worker)) {
      const enoughLeft = payments.length - paid.size > this.#plan.size + 1;
      return enoughLeft ? { breakMs: undefined, slowly: true } : "wait";
    }
    this.#plan.delete(scene);
    if (scene === "killed") {
      this.#kill(worker, term, payment);
      return "none";
    }
    if (scene === "resigned") this.#askToResign(worker);
    return { breakMs: scene === "frozen" ? leaseMs / 2 : undefined, slowly: false };
  }

  /**
   * The scenes are played in order. Each waits until the hand-over before it is complete. The late write of the frozen
   * leader comes before a second hand-over, because after one hand-over the lease row still shows whether the write
   * succeeded. In order of rank the highest must lead. Before it is taken away without notice, the others follow it
   * until they know when its renewals come: then the second highest is the first to see that it is dead.
   */
  #canPlay(scene: SceneKind, { rank }: Worker): boolean {
    const { fleet, story, leaseMs } = this.scenery;
    if (this.#gaps.length > 0 || !this.settled) return false;
    if (rank === undefined) return true;
    const followedMs = scene === "resigned" ? 0 : LEASES_TO_FOLLOW * leaseMs;
    return rank === fleet.workers.length && story.nowMs() - this.#term.sinceMs >= followedMs;
  }

  /** The connection of the leader's write broke. Now it is frozen. */
  freeze(worker: Worker, { term, payment }: Said<"leaving">): void {
    const { fleet, story, paid } = this.scenery;
    fleet.freeze(worker);
    this.#takenAway("frozen", worker, term);
    this.#frozen = { worker, term, payment, paidBefore: paid.size, thawed: false };
    story.tell(`${worker.label} is frozen (SIGSTOP) just before it sends payment ${payment.id}`, "cold");
  }

  /** Thaws the frozen leader when others have made some payments. */
  thawIfTime(currentTerm: number, finished: boolean): void {
    const { fleet, story, paid, payments } = this.scenery;
    const frozen = this.#frozen;
    if (!frozen || frozen.thawed) return;
    const [next] = this.#plan;
    const nextSceneAt = next ? next[1] : payments.length;
    const enough = Math.min(frozen.paidBefore + PAID_MEANWHILE, nextSceneAt, payments.length);
    const overtaken = paid.has(frozen.payment.id) && paid.size >= enough;
    if (!overtaken && !finished) return;
    frozen.thawed = true;
    story.mark("thawed", frozen.worker.label);
    story.tell(`${frozen.worker.label} is thawed (SIGCONT); the current term is ${currentTerm}`, "cold");
    fleet.thaw(frozen.worker);
  }

  ended(worker: Worker, { term, reason, lateByMs }: Said<"ended">): void {
    const { story } = this.scenery;
    // It works until it stops, so nobody waits for a successor before.
    if (this.#resigning === worker) {
      this.#resigning = undefined;
      this.#takenAway("resigned", worker, term);
    } else if (reason === "preempted") {
      this.#takenAway("preempted", worker, term);
    }
    if (this.#frozen?.worker === worker && this.#frozen.term === term) {
      const late = seconds(lateByMs);
      story.tell(`${worker.label} finds that term ${term} is over (${reason}), ${late} too late`);
    } else if (reason === "resigned") {
      story.tell(`${worker.label} stops its work and gives term ${term} back`);
    } else if (reason === "preempted") {
      story.tell(`${worker.label} stops its work and hands over to a worker of higher rank`);
    } else {
      story.tell(`${worker.label} lost term ${term} (${reason})`, "bad");
    }
  }

  paid(worker: Worker, { term, payment }: Said<"paid">): void {
    const { story } = this.scenery;
    if (this.#frozen?.worker !== worker || !this.#frozen.thawed || this.#frozen.payment.id !== payment.id)
      return;
    this.#lateWriteSettled = true;
    story.mark("applied late", worker.label, `late write of term ${term} went through`);
    story.tell(`the late write of payment ${payment.id} under term ${term} WENT THROUGH: paid twice`, "bad");
  }

  refused(worker: Worker, { term, payment, currentTerm }: Said<"refused">): void {
    const { story } = this.scenery;
    this.unknown(worker);
    story.mark(
      "refused",
      worker.label,
      `late write of term ${term} refused: term ${currentTerm ?? "?"} leads`,
    );
    story.tell(
      `late write of payment ${payment.id} under term ${term} REFUSED by the table, ` +
        `which has term ${currentTerm ?? "?"}`,
      "good",
    );
  }

  /** The write got no answer. */
  unknown(worker: Worker): void {
    if (this.#frozen?.worker === worker) this.#lateWriteSettled = true;
  }

  #kill(worker: Worker, term: number, payment: Payment): void {
    const { fleet, story, leaseMs, after } = this.scenery;
    fleet.kill(worker);
    this.#takenAway("killed", worker, term);
    story.ended(term);
    story.tell(`${worker.label} is killed (SIGKILL) while it makes payment ${payment.id}`, "bad");
    after(leaseMs, () => {
      story.mark("restarted", worker.label);
      story.tell(`${worker.label} is started again, as a new candidate`);
      fleet.start(worker);
    });
  }

  #askToResign(worker: Worker): void {
    const { fleet, story } = this.scenery;
    this.#resigning = worker;
    story.mark("asked to resign", worker.label);
    story.tell(`${worker.label} is asked to resign`);
    fleet.say(worker, { type: "resign" });
  }

  #takenAway(kind: Gap["kind"], worker: Worker, fromTerm: number): void {
    const atMs = this.scenery.story.mark(kind, worker.label);
    this.#gaps.push({ kind, worker, fromTerm, atMs });
  }

  #closeGaps(term: number): void {
    const { story, leaseMs } = this.scenery;
    for (const gap of this.#gaps.splice(0)) {
      const { kind, worker, fromTerm, atMs } = gap;
      if (term <= fromTerm) {
        this.#gaps.push(gap);
        continue;
      }
      const ms = Math.round(story.nowMs() - atMs);
      const leases = Math.round((ms / leaseMs) * 100) / 100;
      if (kind !== "preempted") story.failovers.push({ kind, fromTerm, toTerm: term, ms, leases });
      const what =
        kind === "preempted"
          ? `${worker.label} had stopped`
          : `the leader ${kind === "resigned" ? "" : "was "}${kind}`;
      story.tell(`work continues under term ${term}, ${seconds(ms)} after ${what}`);
    }
  }
}
