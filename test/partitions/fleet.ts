import { deferred } from "../../src/async.js";
import {
  type ElectionEvent,
  type Leadership,
  Partitions,
  Session,
  type SessionMemberOptions,
} from "../../src/index.js";
import type { MemberOptions, RunOptions } from "../../src/partitions/options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";

/** One member of the fleet, and what it works on. */
export interface Crew {
  readonly partitions: Partitions;
  readonly session: Session | undefined;
  readonly clock: ManualClock;
  readonly events: ElectionEvent[];
  readonly working: Map<number, Leadership>;
  readonly done: Promise<void>;
  leave(): void;
  /** Nothing of it runs any more, and nothing is given back. */
  kill(): void;
}

/** Members on one table and one staged time. It notes each start of work, and fails if two members work on one partition. */
export class Fleet {
  readonly time = new ManualClock();
  readonly table = new MemoryTable({ serviceTimeMs: () => this.time.wallMs() });
  readonly crews: Crew[] = [];
  readonly starts: Array<{ partition: number; id: string; atMs: number }> = [];
  readonly requests: string[] = [];

  constructor(private readonly options: Partial<MemberOptions> & { count: number }) {}

  /** How long work takes to stop. */
  drainMs = 0;

  /** @param options `hasSession`: its leases are held under one session. */
  join(label: string, options: Partial<MemberOptions> & RunOptions & { hasSession?: boolean } = {}): Crew {
    const { signal: _, onWorkError, hasSession = false, ...own } = options;
    const clock = new ManualClock(this.time.wallMs());
    const events: ElectionEvent[] = [];
    const working = new Map<number, Leadership>();
    const stop = new AbortController();
    let isDead = false;
    const table = { store: this.#storeFor(() => isDead), label, runtime: { clock } };
    const onEvent = (event: ElectionEvent) => events.push(event);
    const session = hasSession ? new Session({ ...table, onEvent }) : undefined;
    const group = { name: "orders", onEvent, ...this.options, ...own };
    const partitions = new Partitions(
      session ? ({ session, ...group } as SessionMemberOptions) : { ...table, ...group },
    );
    const done = partitions.run((partition, leadership) => this.#work(crew, partition, leadership), {
      signal: stop.signal,
      ...(onWorkError && { onWorkError }),
    });
    done.catch(() => {});
    const crew: Crew = {
      partitions,
      session,
      clock,
      events,
      working,
      done,
      leave: () => stop.abort(),
      kill: () => {
        isDead = true;
        working.clear();
        this.crews.splice(this.crews.indexOf(crew), 1);
      },
    };
    this.crews.push(crew);
    return crew;
  }

  async #work(
    { partitions, working, clock }: Crew,
    partition: number,
    leadership: Leadership,
  ): Promise<void> {
    const others = this.crews.filter((crew) => crew.working.has(partition));
    if (others.length > 0) throw new Error(`${partition} is worked on already`);
    working.set(partition, leadership);
    this.starts.push({ partition, id: partitions.candidateId, atMs: this.time.monotonicMs() });
    const { promise: told, resolve } = deferred<void>();
    leadership.signal.addEventListener("abort", () => resolve(), { once: true });
    await told;
    if (this.drainMs > 0) await new Promise<void>((stopped) => clock.setTimer(this.drainMs, stopped));
    working.delete(partition);
  }

  /** Requests are counted. Those of the dead never land. */
  #storeFor(isDead: () => boolean): LeaseStore {
    const { table, requests } = this;
    return new Proxy(table as LeaseStore, {
      get(target, verb) {
        const method = Reflect.get(target, verb);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (isDead()) return new Promise(() => {});
          requests.push(String(verb));
          return method.apply(target, args);
        };
      },
    });
  }

  /** In steps, so that the clocks of all go together. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.time.advance(stepMs);
      for (const { clock } of [...this.crews]) await clock.advance(stepMs);
    }
  }

  /** How many partitions each member works on. */
  get loads(): Record<string, number> {
    return Object.fromEntries(
      this.crews.map(({ partitions, working }) => [
        partitions.candidateId.replace(/-[^-]*$/, ""),
        working.size,
      ]),
    );
  }

  get held(): number {
    return this.crews.reduce((sum, { working }) => sum + working.size, 0);
  }

  /** Passes time until it is so. Returns how long it took. */
  async until(condition: () => boolean, mostMs = 120_000): Promise<number> {
    const fromMs = this.time.monotonicMs();
    while (!condition()) {
      if (this.time.monotonicMs() - fromMs > mostMs)
        throw new Error(`not within ${mostMs} ms: ${JSON.stringify(this.loads)}`);
      await this.pass(50);
    }
    return this.time.monotonicMs() - fromMs;
  }

  get isLevel(): boolean {
    const loads = Object.values(this.loads);
    return Math.max(...loads) - Math.min(...loads) <= 1;
  }
}
