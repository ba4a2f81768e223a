import { TableError, TableUnavailableError } from "../../src/errors.js";
import type { Answer, Transacted } from "../../src/protocol/verbs.js";
import type { LeaseStore, TransactRequest } from "../../src/store/lease-store.js";
import type { Host } from "./host.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

/** What can go wrong between a process and the table, as probabilities per request. */
export interface Weather {
  readonly loseRequest: number;
  readonly loseAnswer: number;
  readonly duplicate: number;
  /** The answer is lost, and the SDK sends the same request again. */
  readonly retry: number;
  readonly late: number;
  readonly fail: number;
  /** Of transactions: refused as a request, as by expired credentials, whatever became of an earlier try. */
  readonly deny: number;
  /** Of transactions: some of its items are being written by others. */
  readonly conflict: number;
}

export const CALM: Weather = {
  loseRequest: 0,
  loseAnswer: 0,
  duplicate: 0,
  retry: 0,
  late: 0,
  fail: 0,
  deny: 0,
  conflict: 0,
};

export type Verb = Exclude<keyof LeaseStore, "signer" | "answers">;

/** The wires to the one table: delay, loss, duplicates, reordering, failures, outages. */
export class Network {
  weather = CALM;
  /** Until then the table answers nobody. */
  awayUntilMs = 0;
  /** Until then it takes no history. */
  historyAwayUntilMs = 0;
  /** Until when nothing of a machine's arrives, and nothing reaches it. */
  readonly #cutUntilMs = { requests: new Map<Host, number>(), answers: new Map<Host, number>() };
  /** How much later than others the request lands that a machine sends now. */
  readonly #heldUpMs = new Map<Host, number>();
  /** What has no answer yet. Who sent it may have given up by then. */
  readonly #awaited = new Set<{ readonly host: Host; readonly verb: Verb; readonly signal: AbortSignal }>();
  /** How often days have passed. */
  #age = 0;
  readonly counted: Record<string, number> = {};
  /** The latest two requests of each verb that changed something, and whose they were. */
  readonly #done = new Map<Verb, ReadonlyArray<{ readonly host: Host; readonly args: readonly unknown[] }>>();

  constructor(
    private readonly world: World,
    private readonly table: LeaseStore,
    private readonly random: Random,
    private readonly watch: {
      sent(host: Host, verb: Verb, args: readonly unknown[]): void;
      landed(verb: Verb, args: readonly unknown[], answer: Answer, host: Host): void;
      /** What of it is read when it comes. */
      heard(host: Host, answer: Answer, sentMs: number, verb: Verb, args: readonly unknown[]): Answer;
      /** An answer reached who still waits for it. */
      shown(host: Host, verb: Verb, answer: Answer): void;
    },
  ) {}

  count(fault: string): void {
    this.counted[fault] = (this.counted[fault] ?? 0) + 1;
  }

  /** Whether its process still waits for the answer to such a request. */
  isAwaited(host: Host, verbs: ReadonlySet<Verb>): boolean {
    for (const each of this.#awaited) {
      if (each.host === host && verbs.has(each.verb) && !each.signal.aborted) return true;
    }
    return false;
  }

  cut(host: Host, way: "requests" | "answers" | "both", forMs: number): void {
    for (const each of ["requests", "answers"] as const) {
      if (way !== "both" && way !== each) continue;
      this.#cutUntilMs[each].set(host, this.world.nowMs + forMs);
    }
  }

  /** While the request is being sent that `watch.sent` tells of. */
  holdUp(host: Host, forMs: number): void {
    this.#heldUpMs.set(host, forMs);
  }

  /** As after days: no request lives that long, so none that is under way lands any more. */
  forgetAllUnderWay(): void {
    this.#age += 1;
    this.#done.clear();
  }

  /** Nothing that went by a row before is sent again. */
  forgetCopies(): void {
    this.#done.clear();
  }

  /** Copies of the latest requests of this verb that changed something land within `ms`, in any order. */
  copy(verb: Verb, ms: number): void {
    for (const { host, args } of this.#done.get(verb) ?? []) {
      this.count("copy");
      this.landAgain(host, verb, args, this.random.between(0, ms));
    }
  }

  /** It lands after a while, though nobody waits for its answer any more. */
  landAgain(host: Host, verb: Verb, args: readonly unknown[], inMs: number): void {
    const age = this.#age;
    this.world.after(inMs, () => {
      if (age === this.#age) void this.#land(host, verb, args);
    });
  }

  async #land(host: Host, verb: Verb, args: readonly unknown[]): Promise<Answer> {
    const call = this.table[verb] as (...args: unknown[]) => Promise<Answer & { done?: boolean }>;
    const answer = await call.apply(this.table, [...args]);
    if (answer.done) this.#done.set(verb, [...(this.#done.get(verb) ?? []).slice(-1), { host, args }]);
    this.watch.landed(verb, args, answer, host);
    return answer;
  }

  #isCut(host: Host, way: "requests" | "answers"): boolean {
    return this.world.nowMs < (this.#cutUntilMs[way].get(host) ?? 0);
  }

  /** The store as one process sees it. */
  from(host: Host): LeaseStore {
    const verb =
      (name: Verb) =>
      (...args: unknown[]) =>
        this.#ask(host, name, args);
    return {
      read: verb("read"),
      readMany: verb("readMany"),
      readHistory: verb("readHistory"),
      createPlaceholder: verb("createPlaceholder"),
      acquire: verb("acquire"),
      renew: verb("renew"),
      resign: verb("resign"),
      crash: verb("crash"),
      markAwaited: verb("markAwaited"),
      requestStepDown: verb("requestStepDown"),
      evict: verb("evict"),
      pause: verb("pause"),
      resetTicks: verb("resetTicks"),
      openSession: verb("openSession"),
      sealSession: verb("sealSession"),
      burySession: verb("burySession"),
      nudgeSession: verb("nudgeSession"),
      acknowledgeEviction: verb("acknowledgeEviction"),
      raiseFloor: verb("raiseFloor"),
      recordTerm: verb("recordTerm"),
      readTerms: verb("readTerms"),
      drawArrival: verb("drawArrival"),
      writeCandidate: verb("writeCandidate"),
      deleteCandidate: verb("deleteCandidate"),
      readCandidates: verb("readCandidates"),
      transact: verb("transact"),
      readKeyNames: verb("readKeyNames"),
    } satisfies Record<Verb, unknown> as unknown as LeaseStore;
  }

  #ask(host: Host, verb: Verb, args: unknown[]): Promise<unknown> {
    const { random, weather } = this;
    this.watch.sent(host, verb, args);
    const heldUpMs = this.#heldUpMs.get(host) ?? 0;
    this.#heldUpMs.delete(host);
    const sentMs = this.world.nowMs;
    const age = this.#age;
    const asked = new Promise<unknown>((resolve, reject) => {
      const land = (answered: boolean) => {
        if (age !== this.#age || this.world.nowMs < this.awayUntilMs || this.#isCut(host, "requests")) return;
        if (random.chance(weather.fail)) {
          this.count("fail");
          // Throttled, or a 5xx after which nobody knows: sometimes the write landed all the same.
          if (random.chance(0.7)) return this.#deliver(host, () => reject(new TableUnavailableError(verb)));
        }
        if (verb === "recordTerm" && this.world.nowMs < this.historyAwayUntilMs) {
          return this.#deliver(host, () => reject(new TableUnavailableError(verb)));
        }
        if (answered && verb === "transact") {
          const refused = this.#refuse(args[0] as TransactRequest, resolve, reject);
          if (refused) return this.#deliver(host, refused);
        }
        void this.#land(host, verb, args).then((answer) => {
          if (!answered) return;
          if (random.chance(weather.retry)) {
            this.count("retry");
            return void this.world.after(2 * this.#delayMs(), () => land(true));
          }
          if (random.chance(weather.loseAnswer)) return this.count("loseAnswer");
          this.#deliver(host, () => {
            const signal = args.at(-1) as AbortSignal;
            if (!signal.aborted) this.watch.shown(host, verb, answer);
            resolve(this.watch.heard(host, answer, sentMs, verb, args));
          });
        }, reject);
      };
      if (random.chance(weather.loseRequest)) this.count("loseRequest");
      else this.world.after(heldUpMs + this.#delayMs(), () => land(true));
      if (random.chance(weather.duplicate)) {
        this.count("duplicate");
        this.world.after(this.#delayMs() + random.between(0, 20_000), () => land(false));
      }
    });
    const awaited = { host, verb, signal: args.at(-1) as AbortSignal };
    this.#awaited.add(awaited);
    const answered = () => void this.#awaited.delete(awaited);
    asked.then(answered, answered);
    return asked;
  }

  /** A transaction that the table does not look at. Nothing of this try lands. */
  #refuse(
    { actions }: TransactRequest,
    resolve: (answer: Transacted) => void,
    reject: (error: unknown) => void,
  ): (() => void) | undefined {
    const { random, weather } = this;
    if (actions.length === 0) return undefined;
    if (random.chance(weather.deny)) {
      this.count("deny");
      return () => reject(new TableError("simulated", "credentials", "The token has expired."));
    }
    if (random.chance(weather.conflict)) {
      this.count("conflict");
      const busy = random.integer(0, actions.length - 1);
      const refusals = actions.map((_, i) => ({ code: i === busy ? "TransactionConflict" : "None" }));
      return () => resolve({ done: false, fenced: false, refusals });
    }
    return undefined;
  }

  #deliver(host: Host, callback: () => void): void {
    this.world.after(this.#delayMs(), () => {
      if (!this.#isCut(host, "answers")) host.whenRunning(callback);
    });
  }

  #delayMs(): number {
    if (this.random.chance(this.weather.late)) {
      this.count("late");
      return this.random.between(100, 25_000);
    }
    return this.random.between(1, 15);
  }
}
