import { expect, test } from "vitest";
import type { Clock } from "../../src/clock.js";
import { Election, type Leadership, Operator, Session } from "../../src/index.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import type { Read } from "../../src/protocol/verbs.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { ManualClock, MemoryTable } from "../../src/testing/index.js";
import { between } from "../support/stage.js";

/**
 * Processes with sessions and one without, on staged time, under random faults. At each step nobody is trusted beside another one, and
 * when the faults are over every lease finds a leader. `SEEDS=200 npx vitest run` runs more.
 */

const LEASE_MS = 3_000;
const STEP_MS = 10;
const NAMES = ["a", "b", "c", "d"];
const FAULTS_MS = 40_000;
/** A row lease, for a deleted row; and once more for what is deleted while others wait. */
const CALM_MS = 2 * 16 * LEASE_MS + 20_000;

function randomOf(seed: number): () => number {
  let state = seed + 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Process {
  readonly label: string;
  readonly clock: ManualClock;
  readonly session: Session | undefined;
  readonly leading: Map<string, Leadership>;
  readonly lives: Promise<unknown>[];
  /** In true time. Meanwhile no code of it runs. */
  stoppedUntilMs: number;
  isSuspended: boolean;
}

class Fleet {
  readonly time = new ManualClock();
  readonly table = new MemoryTable({ serviceTimeMs: () => this.time.wallMs() });
  readonly processes: Process[] = [];
  readonly story: string[] = [];
  readonly terms = new Map<string, number>();
  isFaulty = true;
  #started = 0;

  constructor(readonly random: () => number) {}

  start(hasSession: boolean): void {
    this.#started += 1;
    const label = `p${this.#started}`;
    const clock = new ManualClock(this.time.wallMs());
    const store = this.#network();
    const runtime = { clock: clock as Clock, random: this.random };
    const given = { leaseDurationMs: LEASE_MS, stopTimeoutMs: 5_000, onEvent: () => {} };
    const session = hasSession ? new Session({ store, label, runtime, ...given }) : undefined;
    const leading = new Map<string, Leadership>();
    const lives = NAMES.map((name) => {
      const succession = name === "d" ? "arrival" : "random";
      const election = session
        ? new Election({ session, name, succession })
        : new Election({ store, name, label, runtime, succession, ...given });
      return election
        .lead(async (leadership) => {
          this.#begins(name, leadership.term, label);
          leading.set(name, leadership);
          await new Promise<void>((resolve) => {
            const end = () => clock.setTimer(this.random() * 300, resolve);
            if (leadership.signal.aborted) end();
            leadership.signal.addEventListener("abort", end);
          });
          leading.delete(name);
        })
        .catch((error: unknown) => this.tell(`${label} ${name}: ${error}`));
    });
    this.processes.push({ label, clock, session, leading, lives, stoppedUntilMs: 0, isSuspended: false });
  }

  tell(what: string): void {
    this.story.push(`${this.time.monotonicMs()} ${what}`);
  }

  #begins(name: string, term: number, label: string): void {
    this.tell(`${label} leads ${name} in term ${term}`);
    expect(term, `${name}: terms go on\n${this.story.join("\n")}`).toBeGreaterThan(this.terms.get(name) ?? 0);
    this.terms.set(name, term);
  }

  /** Requests and answers are late, and some are lost. Reads that may be stale are answered with a row of up to two seconds ago. */
  #network(): LeaseStore {
    const old = new Map<string, { readonly answer: Read; readonly atMs: number }>();
    const { table, random, time } = this;
    const replica = new Proxy(table as LeaseStore, {
      get: (_, verb: keyof LeaseStore) => {
        if (verb !== "read")
          return (...args: never[]) => (table[verb] as (..._: never[]) => unknown)(...args);
        return async (name: string, { consistent }: { consistent: boolean }) => {
          const answer = await table.read(name);
          const stale = old.get(name);
          const isOld = stale !== undefined && time.monotonicMs() - stale.atMs < 2_000;
          if (!isOld) old.set(name, { answer, atMs: time.monotonicMs() });
          return !consistent && isOld && random() < 0.3 ? { ...stale.answer, dateMs: answer.dateMs } : answer;
        };
      },
    });
    return between(replica, async (_, pass) => {
      await this.#delay();
      if (this.isFaulty && this.random() < 0.01) return new Promise(() => {});
      const answer = await pass();
      await this.#delay();
      if (this.isFaulty && this.random() < 0.02) return new Promise(() => {});
      return answer;
    });
  }

  #delay(): Promise<void> {
    const ms = this.isFaulty && this.random() < 0.02 ? this.random() * 4_000 : this.random() * 15;
    return new Promise((resolve) => this.time.setTimer(ms, resolve));
  }

  async step(): Promise<void> {
    await this.time.advance(STEP_MS);
    for (const process of this.processes) {
      const { clock, isSuspended, stoppedUntilMs } = process;
      if (stoppedUntilMs <= this.time.monotonicMs()) await clock.advance(STEP_MS);
      else if (isSuspended) clock.freeze(STEP_MS);
      else clock.block(STEP_MS);
    }
    for (const name of NAMES) {
      const trusted = this.processes.filter(({ leading }) => (leading.get(name)?.remainingMs() ?? 0) > 0);
      const labels = trusted.map(({ label }) => label);
      expect(labels.length, `${name}: ${labels}\n${this.story.join("\n")}`).toBeLessThanOrEqual(1);
    }
  }

  fault(): void {
    const { random } = this;
    const process = this.processes[Math.floor(random() * this.processes.length)] as Process;
    const name = NAMES[Math.floor(random() * NAMES.length)] as string;
    const operator = new Operator({ store: this.table, name, runtime: { clock: this.time as Clock } });
    const { session, label } = process;
    const faults: Array<() => void> = [
      () => {
        process.stoppedUntilMs = this.time.monotonicMs() + random() * 3 * LEASE_MS;
        process.isSuspended = random() < 0.5;
        this.tell(`${label} stands still until ${process.stoppedUntilMs}`);
      },
      () => void operator.evict().catch(() => {}),
      () => void operator.requestStepDown().catch(() => {}),
      () => {
        void operator.pause().catch(() => {});
        this.time.setTimer(random() * 5_000, () => void operator.resume().catch(() => {}));
      },
      () => {
        if (random() < 0.3) this.table.deleteLease(name);
      },
      () => {
        if (session?.id !== undefined && random() < 0.3) {
          this.table.deleteLease(sessionRowName(session.id));
          this.tell(`the session of ${label} is deleted`);
        }
      },
      () => {
        this.tell(`${label} is killed`);
        this.processes.splice(this.processes.indexOf(process), 1);
        this.start(session !== undefined);
      },
      () => {
        if (session === undefined) return;
        this.tell(`${label} closes its session`);
        void session.close();
        this.start(true);
      },
    ];
    const index = Math.floor(random() * faults.length);
    this.tell(`fault ${index} on ${label}, ${name}`);
    faults[index]?.();
  }
}

async function history(seed: number): Promise<void> {
  const random = randomOf(seed);
  const fleet = new Fleet(random);
  fleet.start(true);
  fleet.start(true);
  fleet.start(false);
  for (let ms = 0; ms < FAULTS_MS; ms += STEP_MS) {
    if (random() < 0.006) fleet.fault();
    await fleet.step();
  }
  fleet.isFaulty = false;
  for (const process of fleet.processes) process.stoppedUntilMs = 0;
  for (const name of NAMES) {
    const runtime = { clock: fleet.time as Clock };
    void new Operator({ store: fleet.table, name, runtime }).resume();
  }
  let ms = 0;
  const isLed = (name: string) => fleet.processes.some(({ leading }) => leading.has(name));
  for (; ms < CALM_MS && !NAMES.every(isLed); ms += STEP_MS) await fleet.step();
  expect(
    NAMES.filter((name) => !isLed(name)),
    fleet.story.join("\n"),
  ).toEqual([]);
}

const seeds = Number(process.env.SEEDS ?? 3);
const first = Number(process.env.SEED ?? 1);
test.each(Array.from({ length: seeds }, (_, i) => first + i))(
  "nobody is trusted beside another, and all find a leader: history %i",
  history,
  600_000,
);
