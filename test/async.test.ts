import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { endOrAbort, retry, sleep, TimedOut, withTimeout } from "../src/async.js";
import { ManualClock } from "../src/testing/index.js";

const refuse = () => {
  throw new Error("at once");
};

const refuseLater = () => Promise.reject(new Error("later"));

test.each([
  ["answers", () => Promise.resolve(1)],
  ["rejects", refuseLater],
  ["throws at once", refuse],
])("a task that %s leaves neither timer nor listener", async (_what, task) => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  await withTimeout(clock, 1_000, task, signal).catch(() => {});
  expect([clock.pendingTimers, getEventListeners(signal, "abort")]).toEqual([0, []]);
});

test("a task that ignores its signal holds nobody up", async () => {
  const clock = new ManualClock();
  const waiting = withTimeout(clock, 1_000, () => new Promise(() => {}));
  const ended = expect(waiting).rejects.toThrow(TimedOut);
  await clock.advance(1_000);
  await ended;
});

test("a sleep that is aborted leaves neither timer nor listener", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const sleeping = sleep(clock, 1_000, stop.signal);
  stop.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  expect([clock.pendingTimers, getEventListeners(stop.signal, "abort")]).toEqual([0, []]);
});

test("endOrAbort does not wait beyond the abort, rejects as what runs, and leaves no listener", async () => {
  const stop = new AbortController();
  const { signal } = stop;
  await endOrAbort(Promise.resolve(), signal);
  await expect(endOrAbort(refuseLater(), signal)).rejects.toThrow("later");
  const waiting = endOrAbort(new Promise(() => {}), signal);
  stop.abort(new Error("enough"));
  await waiting;
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await endOrAbort(new Promise(() => {}), signal);
  await endOrAbort(Promise.resolve(), undefined);
});

test("retry: so many tries, the last error; none after an error that will not pass", async () => {
  const clock = new ManualClock();
  const options = { clock, random: () => 0.5, tries: 3, maxMs: 100 };
  let tries = 0;
  const failing = () => {
    tries += 1;
    return Promise.reject(new Error(`try ${tries}`));
  };
  const ended = expect(retry(failing, options)).rejects.toThrow("try 3");
  await clock.advance(1_000);
  await ended;
  tries = 0;
  await expect(retry(failing, { ...options, isTransient: () => false })).rejects.toThrow("try 1");
  tries = 0;
  const second = retry(() => (tries === 1 ? Promise.resolve("yes") : failing()), options);
  await clock.advance(1_000);
  expect(await second).toBe("yes");
});
