import type { Clock } from "../../src/clock.js";
import { Election, type ElectionEvent, Session, type SessionOptions } from "../../src/index.js";
import type { CandidateOptions, UnderSessionOptions } from "../../src/options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";

/** What a test gives a staged candidate, beside what the stage gives it. */
export type Given = Partial<CandidateOptions> & { store?: LeaseStore };

/** One table, true time, and candidates that each have clocks of their own. */
export class Stage {
  /** True time, which is also the table's. */
  readonly time = new ManualClock();
  readonly table = new MemoryTable({ keys: { ledger: ["id"] }, serviceTimeMs: () => this.time.wallMs() });
  readonly #clocks = new Set<ManualClock>([this.time]);

  /** Clocks of a host of its own. */
  clock(): ManualClock {
    const clock = new ManualClock(this.time.wallMs());
    this.#clocks.add(clock);
    return clock;
  }

  /** A session on a host of its own, and the elections under it. */
  session(label: string, options: Partial<SessionOptions> & { store?: LeaseStore } = {}): Process {
    const clock = this.clock();
    const events: ElectionEvent[] = [];
    const onEvent = (event: ElectionEvent) => void events.push(event);
    const runtime = { clock: clock as Clock };
    const given = { store: this.table, label, leaseDurationMs: 3_000, runtime, onEvent, ...options };
    const session = new Session(given as SessionOptions);
    const elect: Process["elect"] = (name = "billing/nightly", own = {}) =>
      new Election({ session, name, ...own });
    return { session, elect, clock, events };
  }

  candidate(label: string, { runtime, ...options }: Given = {}): Player {
    const clock = this.clock();
    const events: ElectionEvent[] = [];
    const election = new Election({
      store: this.table,
      name: "billing/nightly",
      label,
      leaseDurationMs: 3_000,
      runtime: { clock: clock as Clock, ...runtime },
      onEvent: (event) => events.push(event),
      ...options,
    });
    return { election, clock, events };
  }

  /** Lets time pass for everybody but the `frozen`, whose clocks a test moves itself. */
  async advance(ms: number, { frozen = [] }: { frozen?: readonly ManualClock[] } = {}): Promise<void> {
    const stepMs = 10;
    for (let passed = 0; passed < ms; passed += stepMs) {
      for (const clock of this.#clocks) if (!frozen.includes(clock)) await clock.advance(stepMs);
    }
  }

  async until(condition: () => boolean, limitMs = 60_000): Promise<number> {
    for (let passed = 0; ; passed += 10) {
      if (condition()) return passed;
      if (passed >= limitMs) throw new Error(`not so within ${limitMs} ms of staged time: ${condition}`);
      await this.advance(10);
    }
  }

  get pendingTimers(): number {
    return [...this.#clocks].reduce((sum, clock) => sum + clock.pendingTimers, 0);
  }
}

export interface Player {
  readonly election: Election;
  readonly clock: ManualClock;
  readonly events: ElectionEvent[];
}

export interface Process {
  readonly session: Session;
  readonly elect: (name?: string, own?: Partial<UnderSessionOptions>) => Election;
  readonly clock: ManualClock;
  readonly events: ElectionEvent[];
}

export type Verb = Exclude<keyof LeaseStore, "signer" | "answers" | symbol>;

/** A store between a candidate and the table: `meddle` decides what becomes of each request. */
export function between(
  store: LeaseStore,
  meddle: (verb: Verb, pass: () => Promise<unknown>) => Promise<unknown>,
): LeaseStore {
  return new Proxy(store, {
    get(target, verb: Verb) {
      return (...args: unknown[]) =>
        meddle(verb, () => (target[verb] as (...args: unknown[]) => Promise<unknown>).apply(target, args));
    },
  });
}

/** A promise and its switch. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
