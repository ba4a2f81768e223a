import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Clock } from "../src/clock.js";
import { Election, Session } from "../src/index.js";
import { onAbort } from "../src/on-abort.js";
import { ManualClock, MemoryTable } from "../src/testing/index.js";

/** Many elections share the signal that stops a process. Node warns of a leak when a signal has more than ten listeners. */

const COUNT = 40;
const warnings: Error[] = [];
const onWarning = (warning: Error) => void warnings.push(warning);
const told = async () => {
  await new Promise((resolve) => setImmediate(resolve));
  return warnings.map(({ name }) => name);
};

beforeEach(() => {
  warnings.length = 0;
  process.on("warning", onWarning);
});
afterEach(() => {
  process.off("warning", onWarning);
});

test.each(["with a heartbeat each", "under one session"])(
  "elections %s lead, wait and stop by one signal, which has one listener",
  async (how) => {
    const time = new ManualClock();
    const runtime = { clock: time as Clock };
    const store = new MemoryTable({ serviceTimeMs: () => time.wallMs() });
    const given = { store, runtime, onEvent: () => {} };
    const process = () => {
      const session = how === "under one session" ? new Session(given as never) : undefined;
      const options = session ? { session } : given;
      return Array.from({ length: COUNT }, (_, i) => new Election({ ...options, name: `e/${i}` } as never));
    };
    const stop = new AbortController();
    const { signal } = stop;
    let working = 0;
    let most = 0;
    const lives = [...process(), ...process()].map((election) =>
      election.lead(
        async (leadership) => {
          working += 1;
          await new Promise<void>((end) =>
            leadership.signal.addEventListener("abort", () => end(), { once: true }),
          );
        },
        { signal },
      ),
    );
    const all = Promise.all(lives);
    let isOver = false;
    void all.then(() => {
      isOver = true;
    });
    const pass = async (until: () => boolean) => {
      for (let step = 0; step < 2_000 && !until(); step++) {
        await time.advance(50);
        most = Math.max(most, getEventListeners(signal, "abort").length);
      }
      expect(until()).toBe(true);
    };
    await pass(() => working >= COUNT);
    let steps = 0;
    await pass(() => steps++ > 100);
    expect(most).toBe(1);
    expect(await told()).toEqual([]);
    stop.abort();
    await pass(() => isOver);
    await all;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  },
);

test("a leak of the user's own is told of as before", async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < COUNT; i++) onAbort(signal, () => {});
  expect(await told()).toEqual([]);
  for (let i = 0; i < 10; i++) signal.addEventListener("abort", () => {});
  expect(await told()).toEqual(["MaxListenersExceededWarning"]);
});

test("each callback is called once, but not those that were forgotten, and nothing is left", () => {
  const stop = new AbortController();
  const called: string[] = [];
  const forget = ["a", "b", "c", "d"].map((name) => onAbort(stop.signal, () => called.push(name)));
  forget[0]?.();
  forget[0]?.();
  forget[2]?.();
  const late = onAbort(stop.signal, () => called.push("e"));
  onAbort(stop.signal, () => called.push("f"));
  late();
  stop.abort();
  expect(called.sort()).toEqual(["b", "d", "f"]);
  expect(called).toHaveLength(3);
  stop.abort();
  const other = new AbortController().signal;
  const forgetAll = ["a", "b"].map(() => onAbort(other, () => {}));
  for (const each of forgetAll) each();
  expect(getEventListeners(other, "abort")).toEqual([]);
  expect(called).toHaveLength(3);
});

test("an abort that has been is told at once, also while the others are told", () => {
  const stop = new AbortController();
  const called: string[] = [];
  onAbort(stop.signal, () => {
    called.push("a");
    onAbort(stop.signal, () => called.push("b"))();
    called.push("c");
  });
  stop.abort();
  onAbort(stop.signal, () => called.push("d"));
  onAbort(AbortSignal.abort(), () => called.push("e"));
  expect(called).toEqual(["a", "b", "c", "d", "e"]);
});

test("a callback that throws keeps no other from being called, and each error surfaces as a listener's does", async () => {
  const before = process.listeners("uncaughtException");
  const surfaced: unknown[] = [];
  const called: string[] = [];
  const stop = new AbortController();
  for (const name of ["a", "b", "c"])
    onAbort(stop.signal, () => {
      called.push(name);
      if (name !== "c") throw new Error(name);
    });
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => void surfaced.push(error.message));
  try {
    stop.abort();
    await told();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  }
  expect(called).toEqual(["a", "b", "c"]);
  expect(surfaced).toEqual(["a", "b"]);
});
