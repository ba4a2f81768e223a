import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { deferred } from "../../src/async.js";
import { Bid } from "../../src/candidate/bid.js";

const refuseLater = async () => {
  await Promise.resolve();
  throw new Error("later");
};

test("a bid waits for a promise: its value, undefined for a rejection after the abort, or its error", async () => {
  const stop = new AbortController();
  const bid = new Bid(stop.signal);
  expect(await bid.unlessAborted(Promise.resolve(1))).toBe(1);
  await expect(bid.unlessAborted(refuseLater())).rejects.toThrow("later");
  const { promise, resolve } = deferred<number>();
  const waiting = bid.unlessAborted(promise);
  stop.abort(new Error("enough"));
  resolve(2);
  expect(await waiting).toBe(2);
  expect(await bid.unlessAborted(refuseLater())).toBeUndefined();
});

test("its signal aborts with the caller's reason, also a signal that is made after the abort or after a rest", () => {
  const stop = new AbortController();
  const bid = new Bid(stop.signal);
  const before = bid.signal;
  bid.rest();
  const after = bid.signal;
  expect(after).not.toBe(before);
  stop.abort(new Error("enough"));
  expect(after.reason).toEqual(new Error("enough"));
  bid.rest();
  expect(bid.signal.reason).toEqual(new Error("enough"));
  expect(new Bid(stop.signal).isAborted).toBe(true);
});

test("the first abort counts, and nothing listens to the caller's signal after the end", () => {
  const stop = new AbortController();
  const bid = new Bid(stop.signal);
  bid.abort(new Error("closed"));
  stop.abort(new Error("enough"));
  expect(() => bid.throwIfAborted()).toThrow("closed");
  const other = new AbortController();
  const ended = new Bid(other.signal);
  ended.end();
  expect(getEventListeners(other.signal, "abort")).toEqual([]);
  expect(ended.isAborted).toBe(false);
});
