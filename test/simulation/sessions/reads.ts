import { TableError, TableUnavailableError } from "../../../src/errors.js";
import type { Lease } from "../../../src/protocol/lease.js";
import type { Answer } from "../../../src/protocol/verbs.js";
import type { LeaseStore } from "../../../src/store/lease-store.js";
import type { Host } from "../host.js";
import type { Verb } from "../network.js";
import type { Random } from "../random.js";
import type { World } from "../world.js";

/** What a process is told instead of what it asks for. */
export type Blindness = "throttled" | "denied";

/** Reads that are refused for long while all writes pass, that take nearly as long as they may, or that leave rows out. */
export class Reads {
  readonly #blind = new Map<Host, { readonly untilMs: number; readonly how: Blindness }>();

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly timeoutMs: number,
    private readonly slowShare: number,
    private readonly count: (what: string) => void,
    private readonly isCalm: () => boolean,
  ) {}

  blind(host: Host, forMs: number, how: Blindness): void {
    this.#blind.set(host, { untilMs: this.world.nowMs + forMs, how });
  }

  of(store: LeaseStore, host: Host): LeaseStore {
    return {
      ...store,
      read: (...args) => this.#unlessBlind(host, () => store.read(...args)),
      readMany: (...args) => this.#unlessBlind(host, () => this.#slowly(host, () => store.readMany(...args))),
    };
  }

  /** The table is busy, or a row cannot be read: then the answer is silent about it. */
  leftOut(verb: Verb, answer: Answer): Answer {
    const { leases } = answer as { leases?: ReadonlyMap<string, Lease> };
    const { random } = this;
    if (verb !== "readMany" || leases === undefined || this.isCalm() || !random.chance(0.15)) return answer;
    this.count("leftOut");
    return { ...answer, leases: new Map([...leases].filter(() => random.chance(0.5))) } as Answer;
  }

  #unlessBlind<T>(host: Host, read: () => Promise<T>): Promise<T> {
    const { untilMs = 0, how } = this.#blind.get(host) ?? {};
    if (this.world.nowMs >= untilMs) return read();
    const refused =
      how === "denied"
        ? new TableError("simulated", "access-denied", "The role may not read.")
        : new TableUnavailableError("read");
    return new Promise((_, reject) => this.world.after(5, () => host.whenRunning(() => reject(refused))));
  }

  /** The request, its answer or both take nearly as long as it may. */
  async #slowly<T>(host: Host, ask: () => Promise<T>): Promise<T> {
    const { random } = this;
    if (this.isCalm() || !random.chance(this.slowShare)) return ask();
    const slowMs = random.between(0, 0.9) * this.timeoutMs;
    const requestMs = slowMs * random.pick([0, 1, random.next()]);
    await rest(host, requestMs);
    const answer = await ask();
    await rest(host, slowMs - requestMs);
    return answer;
  }
}

export function rest(host: Host, ms: number): Promise<void> {
  return new Promise((resolve) => host.setTimer(ms, resolve));
}
