import { expect, test } from "vitest";
import type { Election, Leadership } from "../../src/index.js";
import { factsOf } from "../support/lease.js";
import { between, gate, type Player, Stage } from "../support/stage.js";

const NAME = "billing/nightly";
const TICK = "2026-01-31T03:00:00Z";
const LEASE_MS = 3_000;

type Bid = (election: Election, work: () => void, signal: AbortSignal) => Promise<unknown>;

const BIDS: Array<[string, Bid]> = [
  ["lead", (election, work, signal) => election.lead(work, { signal })],
  ["campaign", (election, _work, signal) => election.campaign({ signal })],
  ["tryCampaign", (election, _work, signal) => election.tryCampaign({ signal })],
  ["runOnce", (election, work, signal) => election.runOnce(TICK, work, { signal })],
  ["runOnce with wait", (election, work, signal) => election.runOnce(TICK, work, { signal, wait: true })],
  ["tryLead", (election, work, signal) => election.tryLead(work, { signal })],
];

test.each(BIDS)(
  "%s gives back what it wins after its caller has aborted, and begins nothing",
  async (call, bid) => {
    const stage = new Stage();
    const caller = new AbortController();
    const enough = new Error("enough");
    // The acquire lands, and its answer comes when nobody wants it any more.
    const store = between(stage.table, async (verb, pass) => {
      const answer = await pass();
      if (verb === "acquire") caller.abort(enough);
      return answer;
    });
    const { election, events } = stage.candidate("a", { store, succession: "arrival" });
    let begun = 0;
    const settled = bid(election, () => begun++, caller.signal).then(
      (value) => ["resolved", value],
      (error: unknown) => ["rejected", error],
    );
    await stage.advance(100);
    expect(await settled).toEqual(call === "lead" ? ["resolved", undefined] : ["rejected", enough]);
    expect(begun).toBe(0);
    const { lease } = await stage.table.read(NAME);
    expect(lease).toMatchObject({ kind: "vacant", term: 1, endReason: "resigned" });
    expect(factsOf(lease)?.ticks).toBeUndefined();
    expect(stage.table.terms(NAME).flatMap(({ lastTick }) => lastTick ?? [])).toEqual([]);
    expect(events.filter(({ type }) => type === "ended" || type === "resigned")).toMatchObject([
      { type: "ended", reason: "resigned" },
      { type: "resigned", outcome: "released" },
    ]);
    // Nothing goes on: no heartbeat, no row of a candidate that stands.
    const pending = stage.pendingTimers;
    await stage.advance(3 * LEASE_MS);
    expect([pending, stage.pendingTimers]).toEqual([0, 0]);
    expect((await stage.table.readCandidates(NAME)).candidates).toEqual([]);
    // And the election is free, for the same candidate too.
    expect((await election.tryCampaign())?.term).toBe(2);
  },
);

test.each(BIDS)(
  "%s stops before the acquire, too, when its caller aborts while it looks",
  async (call, bid) => {
    const stage = new Stage();
    const caller = new AbortController();
    const enough = new Error("enough");
    let acquires = 0;
    const store = between(stage.table, async (verb, pass) => {
      if (verb === "read") caller.abort(enough);
      if (verb === "acquire") acquires += 1;
      return pass();
    });
    const { election } = stage.candidate("a", { store });
    const settled = bid(election, () => {}, caller.signal);
    if (call === "lead") expect(await settled).toBeUndefined();
    else await expect(settled).rejects.toBe(enough);
    expect(acquires).toBe(0);
  },
);

test("a second bid in any moment between the winning and the handing out is refused", async () => {
  for (const bid of [
    (election: Election) => election.campaign(),
    (election: Election) => election.tryCampaign(),
  ]) {
    const stage = new Stage();
    const { election } = stage.candidate("a");
    const handedOut: Leadership[] = [];
    const first = bid(election).then((leadership) => leadership && handedOut.push(leadership));
    const others: Array<Promise<unknown>> = [];
    // Everything here is done in microtasks; a bid is made in each of the gaps between them.
    for (let gap = 0; gap < 300; gap++) {
      await Promise.resolve();
      others.push(
        election.tryCampaign().then(
          (leadership) => leadership && handedOut.push(leadership),
          (error: unknown) => expect(error).toMatchObject({ code: "ALREADY_CAMPAIGNING" }),
        ),
      );
    }
    await Promise.all([first, ...others]);
    expect(handedOut.map(({ term }) => term)).toEqual([1]);
  }
});

/** How often candidates wrote their row so far. */
function counting(stage: Stage): { player: Player; writes(): number; cut(): void } {
  let writes = 0;
  let isCut = false;
  const store = between(stage.table, (verb, pass) => {
    if (verb === "writeCandidate") writes += 1;
    const isOwnRow = verb === "writeCandidate" || verb === "deleteCandidate";
    return isCut && !isOwnRow ? new Promise(() => {}) : pass();
  });
  const player = stage.candidate("a", { store, succession: "arrival" });
  return {
    player,
    writes: () => writes,
    cut: () => {
      isCut = true;
    },
  };
}

test.each([
  ["lost, because the table is away", (_stage: Stage, cut: () => void) => cut()],
  [
    "lost, because it is evicted",
    (stage: Stage) => void stage.table.evict({ election: NAME, term: 1, at: undefined }),
  ],
  ["lost, because the row is deleted", (stage: Stage) => stage.table.deleteLease(NAME)],
  ["resigned", (_stage: Stage, _cut: () => void, leadership: Leadership) => void leadership.resign()],
] as const)("a leadership by hand that is %s refreshes its candidate's row no more", async (_why, end) => {
  const stage = new Stage();
  const { player, writes, cut } = counting(stage);
  const campaign = player.election.campaign();
  await stage.advance(100);
  const leadership = await campaign;
  await stage.advance(3 * LEASE_MS);
  expect(writes()).toBeGreaterThan(2);
  end(stage, cut, leadership);
  await stage.until(() => leadership.signal.aborted);
  await stage.advance(100);
  expect((await stage.table.readCandidates(NAME)).candidates).toEqual([]);
  const written = writes();
  await stage.advance(10 * LEASE_MS);
  expect(writes()).toBe(written);
  expect(stage.pendingTimers).toBe(0);
});

test.each(["lead", "runOnce"] as const)(
  "%s: work told to stop by its caller has stopTimeoutMs, whenever that was",
  async (call) => {
    for (const afterMs of [0, 10, 500, 2_900]) {
      const stage = new Stage();
      const a = stage.candidate("a", { stopTimeoutMs: 2_000 });
      const caller = new AbortController();
      const begun = gate();
      const never = () => {
        begun.open();
        return new Promise(() => {});
      };
      const { signal } = caller;
      const running =
        call === "lead"
          ? a.election.lead(never, { signal, announce: false })
          : a.election.runOnce(TICK, never, { signal });
      const rejected = expect(running).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
      await begun.opened;
      await stage.advance(afterMs);
      caller.abort();
      await stage.advance(1_900);
      expect(a.events.some(({ type }) => type === "drain-overrun")).toBe(false);
      await stage.advance(200);
      expect(a.events.some(({ type }) => type === "drain-overrun")).toBe(true);
      await rejected;
      // Nothing renews it: it runs out, and another leads.
      const b = stage.candidate("b").election.campaign();
      await stage.advance(3 * LEASE_MS);
      expect((await b).term).toBe(2);
    }
  },
);

test("work that stops in time leaves no timer of its drain behind", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const caller = new AbortController();
  const untilTold = (leadership: Leadership) =>
    new Promise((resolve) => leadership.signal.addEventListener("abort", resolve));
  const leading = election.lead(untilTold, { signal: caller.signal, announce: false });
  await stage.advance(100);
  caller.abort();
  await leading;
  expect(stage.pendingTimers).toBe(0);
});
