import { expect, test } from "vitest";
import type { ElectionEvent, Leadership } from "../../src/index.js";
import type { ManualClock } from "../../src/testing/index.js";
import { type Process, Stage } from "../support/stage.js";

/** Rule 8a: no work begins for a caller that has aborted, under a session that was closed, or under a leadership that has ended. */

const NAME = "billing/nightly";
/** Microtasks from the election on. Work begins within them in each case. */
const STEPS = Array.from({ length: 48 }, (_, i) => i);
const WAYS = ["lead", "lead unannounced", "tryLead", "runOnce"] as const;

type Act = (clock: ManualClock, process: Process | undefined) => void;

/** What becomes of a call when `act` happens so many microtasks after the election. */
async function outcomeOf(
  how: (typeof WAYS)[number],
  isUnder: boolean,
  steps: number,
  act: Act,
  stop: AbortSignal,
) {
  const stage = new Stage();
  let hasActed = false;
  let begun: { readonly hasActed: boolean; readonly isTrusted: boolean } | undefined;
  const later = (left: number) => {
    if (left > 0) return queueMicrotask(() => later(left - 1));
    hasActed = true;
    act(clock, process);
  };
  const onEvent = ({ type }: ElectionEvent) => {
    if (type === "elected" && !begun && !hasActed) later(steps);
  };
  const process = isUnder ? stage.session("a") : undefined;
  const player = process ?? stage.candidate("a", { name: NAME, onEvent });
  const { clock } = player;
  const election = "elect" in player ? player.elect(NAME, { onEvent }) : player.election;
  const work = async (leadership: Leadership) => {
    begun ??= { hasActed, isTrusted: leadership.remainingMs() > 0 && !leadership.signal.aborted };
    return "worked";
  };
  const calls = {
    lead: () => election.lead(work, { signal: stop }),
    "lead unannounced": () => election.lead(work, { signal: stop, announce: false }),
    tryLead: () => election.tryLead(work, { signal: stop }),
    runOnce: () => election.runOnce(1, work, { signal: stop }),
  };
  let outcome: { readonly value?: unknown; readonly error?: unknown } | undefined;
  void calls[how]().then(
    (value: unknown) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  await stage.until(() => outcome !== undefined);
  const leader = await stage.candidate("reader").election.leader();
  return { begun, outcome, leader };
}

const cases = WAYS.flatMap((how) => [false, true].map((isUnder) => ({ how, isUnder })));

test.each(cases)("the caller of $how aborts, under a session: $isUnder", async ({ how, isUnder }) => {
  const seen = { begun: 0, notBegun: 0 };
  for (const steps of STEPS) {
    const stop = new AbortController();
    const reason = new Error("stop");
    const act = () => stop.abort(reason);
    const { begun, outcome, leader } = await outcomeOf(how, isUnder, steps, act, stop.signal);
    expect(leader).toBeUndefined();
    if (begun) {
      seen.begun += 1;
      expect({ steps, begun }).toEqual({ steps, begun: { hasActed: false, isTrusted: true } });
    } else {
      seen.notBegun += 1;
      expect(outcome).toEqual(how.startsWith("lead") ? { value: undefined } : { error: reason });
    }
  }
  expect(seen.begun).toBeGreaterThan(0);
  expect(seen.notBegun).toBeGreaterThan(0);
});

test.each(WAYS)("its session is closed during %s", async (how) => {
  const seen = { begun: 0, notBegun: 0 };
  for (const steps of STEPS) {
    const act: Act = (_, process) => void process?.session.close();
    const { begun, outcome } = await outcomeOf(how, true, steps, act, new AbortController().signal);
    if (begun) {
      seen.begun += 1;
      expect({ steps, begun }).toEqual({ steps, begun: { hasActed: false, isTrusted: true } });
    } else {
      seen.notBegun += 1;
      if (how.startsWith("lead")) expect(outcome).toEqual({ value: undefined });
      else expect(outcome).toMatchObject({ error: { code: "SESSION_CLOSED" } });
    }
  }
  expect(seen.begun).toBeGreaterThan(0);
  expect(seen.notBegun).toBeGreaterThan(0);
});

test.each(cases)(
  "the process freezes for longer than its lease in $how, under a session: $isUnder",
  async ({ how, isUnder }) => {
    const seen = { before: 0, after: 0 };
    for (const steps of STEPS) {
      const act: Act = (clock) => clock.freeze(60_000);
      const { begun } = await outcomeOf(how, isUnder, steps, act, new AbortController().signal);
      if (begun) seen[begun.hasActed ? "after" : "before"] += 1;
      expect(begun?.isTrusted ?? true).toBe(true);
    }
    expect(seen.before).toBeGreaterThan(0);
    // It leads again, under a later term.
    if (how.startsWith("lead")) expect(seen.before + seen.after).toBe(STEPS.length);
  },
);
