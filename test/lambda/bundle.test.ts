import { expect, test } from "vitest";
import { checkTicks, type RecordRow } from "../bundle/checker.js";
import type { Delivery } from "../bundle/function.js";
import type { Mood, Outcome } from "../bundle/messages.js";
import { type TickStory, tickAt } from "../bundle/scenario.js";

/** The checker of `npm run test:bundle` finds what it is there to find. */

const leader = (term: number, region: string): Outcome => ({
  kind: "answered",
  result: { role: "leader", term, result: region },
});
const done: Outcome = { kind: "answered", result: { role: "done" } };
const delivery = (region: string, outcomes: Outcome[], mood?: Mood): Delivery => ({
  function: region,
  tick: "",
  mood,
  outcomes,
});

function story(index: number, deliveries: Delivery[], more: Partial<TickStory> = {}): TickStory {
  return { tick: tickAt(index), kind: "plain", victim: undefined, deliveries, late: [], rounds: 1, ...more };
}

const row = (index: number, term: number, region: string): RecordRow => ({
  tick: tickAt(index),
  term,
  region,
});
const eastFirst = story(0, [delivery("east", [leader(1, "east")]), delivery("west", [done])]);

test("nothing to find in two good ticks, one of them after a failure", () => {
  const failed: Outcome = { kind: "failed", type: "Error", message: "tick failed as it was told to" };
  const deliveries = [delivery("east", [failed, done], "fails"), delivery("west", [leader(3, "west")])];
  const second = story(1, deliveries, { kind: "fails", victim: "east" });
  expect(checkTicks([eastFirst, second], [row(0, 1, "east"), row(1, 3, "west")])).toEqual([]);
});

test("a machine that stood still is no failure of the job's", () => {
  const lost: Outcome = {
    kind: "failed",
    type: "LeaseLostError",
    message: 'Leadership of "x" (term 2) is over',
  };
  const second = story(1, [delivery("east", [lost, done]), delivery("west", [leader(3, "west")])]);
  expect(checkTicks([eastFirst, second], [row(0, 1, "east"), row(1, 3, "west")])).toEqual([]);
});

test.each<[string, TickStory[], RecordRow[], RegExp]>([
  ["a tick that nobody completed", [story(0, [delivery("east", [done])])], [], /0 invocations completed it/],
  [
    "a tick completed twice",
    [story(0, [delivery("east", [leader(1, "east")]), delivery("west", [leader(2, "west")])])],
    [row(0, 1, "east"), row(0, 2, "west")],
    /2 invocations completed it, not 1[\s\S]*2 runs recorded it, not 1/,
  ],
  [
    "a record of another term",
    [eastFirst],
    [row(0, 2, "east")],
    /recorded by east in term 2, answered by east in term 1/,
  ],
  [
    "a term that went back",
    [eastFirst, story(1, [delivery("east", [leader(1, "east")])])],
    [row(0, 1, "east"), row(1, 1, "east")],
    /term 1 after term 1/,
  ],
  [
    "a move without a reason",
    [eastFirst, story(1, [delivery("west", [leader(2, "west")])])],
    [row(0, 1, "east"), row(1, 2, "west")],
    /moved from east to west/,
  ],
  [
    "a late delivery that ran",
    [{ ...eastFirst, late: [delivery("west", [leader(2, "west")])] }],
    [row(0, 1, "east")],
    /delivered late, and not done/,
  ],
  [
    "a failure that nobody asked for",
    [story(0, [delivery("east", [{ kind: "killed", because: "timeout" }, leader(1, "east")])])],
    [row(0, 1, "east")],
    /east failed unasked/,
  ],
  [
    "a suffering that did not happen",
    [story(0, [delivery("east", [leader(1, "east")], "overruns")], { kind: "overruns", victim: "east" })],
    [row(0, 1, "east")],
    /was to show "overruns", and did not/,
  ],
])("finds %s", (_name, stories, records, violation) => {
  expect(checkTicks(stories, records).join("\n")).toMatch(violation);
});
