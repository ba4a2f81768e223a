import { expect, test } from "vitest";
import { type Election, type Leadership, WorkNotStoppedError } from "../../src/index.js";
import type { Work } from "../../src/leader/run-work.js";
import { between, gate, Stage } from "../support/stage.js";

/** Rule 8c: what becomes of work that does not stop in time, and of the call that runs it. */

const NAME = "billing/nightly";
const TICK = "2026-01-31T03:00:00Z";
const LEASE_MS = 3_000;
const STOP_MS = 2_000;

const CALLS: Array<
  [string, (election: Election, work: Work<void>, signal?: AbortSignal) => Promise<unknown>]
> = [
  ["lead", (election, work, signal) => election.lead(work, { signal })],
  ["tryLead", (election, work, signal) => election.tryLead(work, { signal })],
  ["runOnce", (election, work, signal) => election.runOnce(TICK, work, { signal })],
];

/** Work that ignores its signal until `finish` opens. */
async function overrunning(
  call: (typeof CALLS)[number][1],
  end: (stage: Stage, leadership: Leadership, abort: () => void) => unknown = (_, __, abort) => abort(),
) {
  const stage = new Stage();
  const verbs: string[] = [];
  const store = between(stage.table, (verb, pass) => {
    verbs.push(verb);
    return pass();
  });
  const a = stage.candidate("a", { store, stopTimeoutMs: STOP_MS });
  const finish = gate();
  const caller = new AbortController();
  let leadership: Leadership | undefined;
  let error: unknown;
  const work = async (elected: Leadership) => {
    leadership = elected;
    await finish.opened;
  };
  void call(a.election, work, caller.signal).catch((reason: unknown) => {
    error = reason;
  });
  await stage.until(() => leadership !== undefined);
  await stage.advance(500);
  end(stage, leadership as unknown as Leadership, () => caller.abort());
  const tookMs = await stage.until(() => error !== undefined, 20_000);
  if (!(error instanceof WorkNotStoppedError)) throw error;
  return { stage, a, verbs, finish, error, tookMs };
}

test.each(CALLS)(
  "%s rejects once stopTimeoutMs is over, and its lease is never released",
  async (_, call) => {
    const { stage, a, verbs, error, tookMs } = await overrunning(call);
    expect(tookMs).toBeLessThanOrEqual(STOP_MS + 20);
    expect(tookMs).toBeGreaterThan(STOP_MS - 50);
    expect(error).toMatchObject({ election: NAME, term: 1, stopTimeoutMs: STOP_MS });
    expect(error.message).toContain("end this process");
    await stage.advance(3 * LEASE_MS);
    expect(verbs).not.toContain("resign");
    expect((await stage.table.read(NAME)).lease).toMatchObject({ kind: "held", term: 1 });
    expect(a.election.role).toBe("idle");
  },
);

test.each(CALLS)("%s: no bid begins while the old work runs, and each says why", async (_, call) => {
  const { stage, a, finish, error } = await overrunning(call);
  await stage.advance(3 * LEASE_MS);
  for (const bid of [
    a.election.lead(() => {}),
    a.election.campaign(),
    a.election.tryCampaign(),
    a.election.tryLead(() => {}),
    a.election.runOnce("2026-02-28T03:00:00Z", () => {}),
  ]) {
    await expect(bid).rejects.toBe(error);
  }
  finish.open();
  await error.stopped;
  expect((await a.election.tryCampaign())?.term).toBe(2);
});

test.each(CALLS)("%s: work that stops while the lease is still there gives it back late", async (_, call) => {
  const { stage, a, finish, error } = await overrunning(call);
  finish.open();
  await error.stopped;
  expect((await stage.table.read(NAME)).lease).toMatchObject({ kind: "vacant", term: 1 });
  expect(a.events.filter(({ type }) => type === "resigned")).toMatchObject([{ outcome: "released" }]);
  expect(stage.pendingTimers).toBe(0);
});

test("a run that returns late, with the lease still there, counts: it does not run again", async () => {
  const [, call] = CALLS[2] as (typeof CALLS)[number];
  const { stage, finish, error } = await overrunning(call);
  finish.open();
  await error.stopped;
  const { election } = stage.candidate("b");
  let begun = 0;
  expect(await election.runOnce(TICK, () => begun++)).toMatchObject({ because: "done" });
  expect(begun).toBe(0);
});

const LOSSES: Array<[string, (stage: Stage) => unknown]> = [
  ["is evicted", (stage) => stage.table.evict({ election: NAME, term: 1, at: undefined })],
  ["loses its row", (stage) => stage.table.deleteLease(NAME)],
];

test.each(LOSSES)(
  "also after a loss: a leader that %s does not wait for its work without end",
  async (_, lose) => {
    for (const [, call] of CALLS) {
      const { a, error, tookMs } = await overrunning(call, lose);
      // Noticed by a renewal at the latest.
      expect(tookMs).toBeGreaterThanOrEqual(STOP_MS);
      expect(tookMs).toBeLessThanOrEqual(STOP_MS + LEASE_MS);
      await expect(a.election.tryCampaign()).rejects.toBe(error);
    }
  },
);

test("a candidate whose work overruns has left the line: nobody hands over to it", async () => {
  const stage = new Stage();
  const a = stage.candidate("a", { stopTimeoutMs: STOP_MS, succession: "arrival" });
  const caller = new AbortController();
  const leading = a.election.lead(() => new Promise(() => {}), { signal: caller.signal });
  const rejected = expect(leading).rejects.toBeInstanceOf(WorkNotStoppedError);
  await stage.advance(500);
  caller.abort();
  await stage.advance(STOP_MS + 100);
  await rejected;
  expect((await stage.table.readCandidates(NAME)).candidates).toEqual([]);
});
