import { expect, test } from "vitest";
import type { Clock } from "../../src/clock.js";
import { Election, type Leadership, Operator, Session } from "../../src/index.js";
import { ManualClock } from "../../src/testing/index.js";
import { factsOf } from "../support/lease.js";
import { Stage } from "../support/stage.js";

/** Planned ends under sessions: who waits knows the moment, and nobody leads for a moment only. */

const LEASE_MS = 3_000;
const INTERVAL_MS = LEASE_MS / 3;
const NAME = "billing/nightly";

function fleet() {
  const stage = new Stage();
  const begun: Array<{ readonly label: string; readonly atMs: number }> = [];
  const ended: number[] = [];
  const processes: Array<{ readonly clock: ManualClock }> = [];
  const member = (label: string, hasSession = true) => {
    const clock = new ManualClock(stage.time.wallMs());
    processes.push({ clock });
    const given = { leaseDurationMs: LEASE_MS, runtime: { clock: clock as Clock }, onEvent: () => {} };
    const election = hasSession
      ? new Election({ session: new Session({ store: stage.table, label, ...given }), name: NAME })
      : new Election({ store: stage.table, label, name: NAME, ...given });
    const stop = new AbortController();
    const work = async ({ signal }: Leadership) => {
      begun.push({ label, atMs: stage.time.monotonicMs() });
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ended.push(stage.time.monotonicMs());
    };
    const life = election.lead(work, { signal: stop.signal });
    return { stop, life };
  };
  const advance = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      await stage.advance(10);
      for (const { clock } of processes) await clock.advance(10);
    }
  };
  const row = async () => factsOf((await stage.table.read(NAME)).lease);
  return { stage, member, advance, begun, ended, row };
}

for (const [from, to] of [
  [true, true],
  [true, false],
  [false, true],
] as const) {
  const form = (hasSession: boolean) => (hasSession ? "a session" : "no session");
  test(`an announced end hands over within moments, from ${form(from)} to ${form(to)}`, async () => {
    const { member, advance, begun, ended, row } = fleet();
    const first = member("first", from);
    await advance(2 * INTERVAL_MS);
    member("second", to);
    await advance(4 * INTERVAL_MS);
    expect(await row()).toMatchObject({ isAwaited: true });
    expect(begun.map(({ label }) => label)).toEqual(["first"]);
    first.stop.abort();
    await advance(3 * INTERVAL_MS);
    await first.life;
    expect(begun.map(({ label }) => label)).toEqual(["first", "second"]);
    expect((begun[1]?.atMs ?? 0) - (ended[0] ?? 0)).toBeLessThanOrEqual(80);
  });
}

test("nobody waits, so an end under a session is not announced", async () => {
  const { member, advance, ended, stage } = fleet();
  const only = member("only");
  await advance(4 * INTERVAL_MS);
  const atMs = stage.time.monotonicMs();
  only.stop.abort();
  await advance(200);
  await only.life;
  expect((ended[0] ?? 0) - atMs).toBeLessThanOrEqual(100);
});

test("a step-down request is followed at the next heartbeat of the session, and the others go first", async () => {
  const { stage, member, advance, begun } = fleet();
  member("first");
  await advance(2 * INTERVAL_MS);
  member("second");
  await advance(4 * INTERVAL_MS);
  await new Operator({ store: stage.table, name: NAME }).requestStepDown();
  // A heartbeat shows the nudge, a look the request; then the notice.
  await advance(3.5 * INTERVAL_MS);
  expect(begun.map(({ label }) => label)).toEqual(["first", "second"]);
});

test("an evicted leader that knows it acknowledges that, and another one leads long before the row lease is over", async () => {
  const { stage, member, advance, begun, row } = fleet();
  member("first");
  await advance(2 * INTERVAL_MS);
  member("second");
  await advance(4 * INTERVAL_MS);
  await new Operator({ store: stage.table, name: NAME }).evict();
  await advance(3 * INTERVAL_MS);
  expect(begun.map(({ label }) => label)).toEqual(["first", "second"]);
  expect(await row()).toMatchObject({ term: 3 });
});

test("a pause takes the lease back at the next heartbeat, and whoever waits leads soon after the end of the pause", async () => {
  const { stage, member, advance, begun, row } = fleet();
  member("first");
  await advance(2 * INTERVAL_MS);
  const operator = new Operator({ store: stage.table, name: NAME });
  await operator.pause();
  await advance(2 * INTERVAL_MS);
  expect((await row())?.holder).toBeUndefined();
  await advance(10 * INTERVAL_MS);
  await operator.resume();
  await advance(1.5 * INTERVAL_MS);
  expect(begun.length).toBe(2);
});
