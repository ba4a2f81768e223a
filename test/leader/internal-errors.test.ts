import { expect, test } from "vitest";
import { InternalError, type Leadership, LeaseLostError } from "../../src/index.js";
import type { Held } from "../../src/protocol/lease.js";
import type { Written } from "../../src/protocol/verbs.js";
import { LEASE_MS, NAME } from "../support/cast.js";
import { between, Stage, type Verb } from "../support/stage.js";

/** Answers that cannot be: each is noticed, and a leadership that goes by it ends safely. */

type Spoil = (lease: Held) => object;

/** A candidate whose answers to one verb are spoilt, once that is switched on; and what it sent since. */
function deceived(verb: Verb, spoil: Spoil) {
  const stage = new Stage();
  const sent: Verb[] = [];
  let isOn = false;
  const store = between(stage.table, async (asked, pass) => {
    if (isOn) sent.push(asked);
    const answer = await pass();
    if (!isOn || asked !== verb) return answer;
    const { lease } = answer as Written;
    return { ...(answer as object), lease: { ...lease, ...spoil(lease as Held) } };
  });
  const player = stage.candidate("a", { store });
  const on = () => {
    isOn = true;
  };
  return { stage, ...player, sent, on, row: async () => (await stage.table.read(NAME)).lease };
}

async function led(scene: ReturnType<typeof deceived>): Promise<Leadership> {
  const campaign = scene.election.campaign();
  await scene.stage.advance(100);
  return campaign;
}

const RENEWALS: Array<[string, string, Spoil]> = [
  ["another term", "term", ({ term }) => ({ term: term + 1 })],
  ["an older revision", "revision", ({ revision }) => ({ revision: revision - 1 })],
  ["another holder", "holder", () => ({ holder: "b-1" })],
  ["an end that was not written", "expiresAt", () => ({ expiresAt: 1 })],
  ["no holder", "kind", () => ({ kind: "vacant", holder: undefined })],
];

test.each(RENEWALS)(
  "a renewal that was done, and whose row has %s: the leadership ends at once, and its lease runs out untouched",
  async (_what, fact, spoil) => {
    const scene = deceived("renew", spoil);
    const { stage, events, sent } = scene;
    const leadership = await led(scene);
    scene.on();
    await stage.advance(LEASE_MS / 3 + 50);
    expect(leadership.remainingMs()).toBe(0);
    expect(() => leadership.throwIfLost()).toThrow(LeaseLostError);
    const { reason } = leadership.signal as { reason: LeaseLostError };
    expect(reason).toMatchObject({ code: "LEASE_LOST", reason: "internal-error" });
    expect(reason.cause).toBeInstanceOf(InternalError);
    expect((reason.cause as Error).message).toContain(`\`${fact}\``);
    expect(events).toContainEqual(expect.objectContaining({ type: "internal-error", error: reason.cause }));
    expect(events.filter(({ type }) => type === "ended")).toMatchObject([{ reason: "internal-error" }]);
    // Neither renewed nor given back, also if its work asks for it.
    expect(await leadership.resign()).toBe("lost");
    await stage.advance(2 * LEASE_MS);
    expect(sent.filter((verb) => verb === "renew" || verb === "resign")).toEqual(["renew"]);
    expect(await scene.row()).toMatchObject({ kind: "held", holder: leadership.candidateId });
    const next = stage.candidate("b").election.campaign();
    await stage.advance(2 * LEASE_MS);
    expect((await next).term).toBe(2);
    await (await next).resign();
  },
);

test("lead rejects with the internal error once the work has stopped: no other term is begun", async () => {
  const scene = deceived("renew", ({ term }) => ({ term: term + 1 }));
  const terms: number[] = [];
  const life = scene.election.lead(async ({ term, signal }) => {
    terms.push(term);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  const outcome = life.catch((error: unknown) => error);
  await scene.stage.advance(100);
  scene.on();
  await scene.stage.advance(5 * LEASE_MS);
  expect(await outcome).toBeInstanceOf(InternalError);
  expect(await outcome).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(terms).toEqual([1]);
  expect(scene.stage.pendingTimers).toBe(0);
});

test.each<[string, Spoil]>([
  ["another term", ({ term }) => ({ term: term - 1 })],
  ["another candidate's try", () => ({ attemptId: "other" })],
  ["another lease", ({ leaseDurationMs }) => ({ leaseDurationMs: leaseDurationMs * 2 })],
  ["an older revision", ({ revision }) => ({ revision: revision - 1 })],
])("an acquire that was done, and whose row has %s, gives no leadership", async (_what, spoil) => {
  const scene = deceived("acquire", spoil);
  scene.on();
  const outcome = scene.election.tryCampaign().catch((error: unknown) => error);
  await scene.stage.advance(100);
  expect(await outcome).toBeInstanceOf(InternalError);
  expect(scene.events.map(({ type }) => type)).toEqual(["internal-error"]);
});

test.each<[string, Spoil]>([
  ["still has its holder", () => ({ kind: "held", holder: "a-1" })],
  ["has another term", ({ term }) => ({ term: term + 1 })],
  ["tells another end", () => ({ endReason: "evicted" })],
])(
  "a release that was done, and whose row %s, is not told as released, and not tried again",
  async (_what, spoil) => {
    const scene = deceived("resign", spoil);
    const leadership = await led(scene);
    scene.on();
    const outcome = leadership.resign();
    await scene.stage.advance(LEASE_MS);
    expect(await outcome).toBe("unconfirmed");
    expect(scene.sent.filter((verb) => verb === "resign")).toHaveLength(1);
    expect(scene.events.filter(({ type }) => type === "internal-error")).toHaveLength(1);
  },
);

test("a tick whose release cannot be is not told as done", async () => {
  const scene = deceived("resign", ({ term }) => ({ term: term + 1 }));
  scene.on();
  const outcome = scene.election.runOnce("2026-01-01", () => "paid").catch((error: unknown) => error);
  await scene.stage.advance(LEASE_MS);
  expect(await outcome).toBeInstanceOf(InternalError);
  expect(scene.stage.table.terms(NAME).flatMap(({ lastTick }) => lastTick ?? [])).toEqual([]);
});

/** Its monotonic clock goes back while a request is on its way. */
function stepping(verb: Verb) {
  const stage = new Stage();
  let backMs = 0;
  let isOn = false;
  const store = between(stage.table, async (asked, pass) => {
    if (isOn && asked === verb) backMs += 500;
    return pass();
  });
  const clock = {
    wallMs: () => player.clock.wallMs(),
    monotonicMs: () => player.clock.monotonicMs() - backMs,
    setTimer: (ms: number, callback: () => void) => player.clock.setTimer(ms, callback),
  };
  const player = stage.candidate("base");
  const { election, events } = stage.candidate("a", { store, runtime: { clock } });
  const on = () => {
    isOn = true;
  };
  return { stage, election, events, on };
}

test("an answer that comes before its request, by the monotonic clock: the leadership ends at once", async () => {
  const { stage, election, events, on } = stepping("renew");
  const campaign = election.campaign();
  await stage.advance(100);
  const leadership = await campaign;
  on();
  await stage.advance(LEASE_MS / 3 + 50);
  expect(leadership.signal.reason).toMatchObject({ reason: "internal-error" });
  expect(events.filter(({ type }) => type === "internal-error")).toHaveLength(1);
});

test("so for a transaction: nobody is told that nothing was written, nor that it was", async () => {
  const { stage, election, on } = stepping("transact");
  const campaign = election.campaign();
  await stage.advance(100);
  const leadership = await campaign;
  on();
  const put = { Put: { TableName: "ledger", Item: { id: "1" } } };
  const outcome = leadership.transact([put]).then(
    () => "written",
    (error: { code: string; cause: unknown }) => [error.code, error.cause instanceof InternalError],
  );
  await stage.advance(2 * LEASE_MS);
  expect(leadership.signal.reason).toMatchObject({ reason: "internal-error" });
  expect(await outcome).toEqual(["TRANSACTION_UNKNOWN", true]);
  expect(stage.table.items("ledger")).toEqual([{ id: "1" }]);
});
