import { expect, test } from "vitest";
import { type Player, Stage } from "./support/stage.js";

/** docs/migrating.md: workers move from an old lock to the election, one by one. */

/** As good as a lock can be: what goes wrong is the fault of the way. */
class OldLock {
  #held = false;
  #waiting: Array<() => void> = [];

  async acquire(signal: AbortSignal): Promise<() => void> {
    while (this.#held) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    }
    signal.throwIfAborted();
    this.#held = true;
    return () => {
      this.#held = false;
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }
}

class Service {
  readonly stage = new Stage();
  readonly lock = new OldLock();
  readonly worked = new Set<string>();
  most = 0;
  #working = 0;

  /** Replaces each of three workers in turn, as a rolling deploy does: the new one starts before the old one stops. */
  async deploy(before: readonly Worker[], generation: Generation): Promise<Worker[]> {
    const after: Worker[] = [];
    for (let i = 0; i < 3; i++) {
      after.push(this.#start(generation, `${generation.name}-${i}`));
      await this.stage.advance(2_000);
      before[i]?.stop.abort();
      await this.stage.advance(5_000);
      await before[i]?.done;
    }
    return after;
  }

  #start(generation: Generation, label: string): Worker {
    const stop = new AbortController();
    const work = async (signal: AbortSignal) => {
      this.worked.add(generation.name);
      this.most = Math.max(this.most, ++this.#working);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      this.#working -= 1;
    };
    const { election } = this.stage.candidate(label);
    const done = generation({ election, lock: this.lock, work, signal: stop.signal }).catch(
      (error: unknown) => {
        if (!stop.signal.aborted) throw error;
      },
    );
    return { stop, done };
  }
}

interface Worker {
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

interface Given extends Pick<Player, "election"> {
  readonly lock: OldLock;
  readonly signal: AbortSignal;
  work(signal: AbortSignal): Promise<void>;
}

type Generation = (given: Given) => Promise<unknown>;

async function inOldLock({ lock, work }: Pick<Given, "lock" | "work">, signal: AbortSignal): Promise<void> {
  const release = await lock.acquire(signal);
  try {
    await work(signal);
  } finally {
    release();
  }
}

const old: Generation = (given) => inOldLock(given, given.signal);
const both: Generation = (given) =>
  given.election.lead((leadership) => inOldLock(given, leadership.signal), { signal: given.signal });
const onlyNew: Generation = ({ election, work, signal }) =>
  election.lead((leadership) => work(leadership.signal), { signal });

test("old lock, both locks, election alone: at no moment do two work, and each generation works", async () => {
  const service = new Service();
  const first = await service.deploy([], old);
  const second = await service.deploy(first, both);
  const third = await service.deploy(second, onlyNew);
  expect([...service.worked]).toEqual(["old", "both", "onlyNew"]);
  expect(service.most).toBe(1);
  const back = await service.deploy(third, both);
  await service.deploy(back, old);
  expect(service.most).toBe(1);
});

test("old lock, then the election alone: two work", async () => {
  const service = new Service();
  await service.deploy(await service.deploy([], old), onlyNew);
  expect(service.most).toBe(2);
});
