import { expect, test } from "vitest";
import { Election, InvalidOptionError, type LeaseLostError, Operator } from "../../src/index.js";
import type { SignedWill } from "../../src/last-will/executor.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { MemoryTable } from "../../src/testing/index.js";
import { Cast } from "../support/cast.js";
import { between, type Given, gate, Stage } from "../support/stage.js";
import { contentOf, FakeExecutor, plainSigner, sendSigned, withWills } from "../support/wills.js";

/** What a candidate with a last will hands over, and when (rule 11). The process that dies is staged. */

const NAME = "billing/nightly";
const TICK = "2026-01-31T03:00:00.000Z";
const LEASE_MS = 3_000;

type Meddle = Parameters<typeof between>[1];

function staged(meddle: Meddle = (_, pass) => pass(), signer = plainSigner) {
  const stage = new Stage();
  const executor = new FakeExecutor();
  /** Verbs, as they leave. */
  const sent: string[] = [];
  const watched = between(stage.table, (verb, pass) => {
    sent.push(verb);
    return meddle(verb, pass);
  });
  const store = withWills(watched, executor, signer);
  const candidate = (label: string, given: Given = {}) =>
    stage.candidate(label, { store, lastWill: true, ...given });
  return { stage, executor, sent, candidate, row: async () => (await stage.table.read(NAME)).lease };
}

/** As `crash 2 after 1/7`: the term that it ends, and the basis. */
function told({ request, basis }: SignedWill): string {
  const { verb, request: content } = contentOf(request);
  return `${verb} ${content.term}${basis ? ` after ${basis.term}/${basis.revision}` : ""}`;
}

const allTold = ({ calls }: FakeExecutor) =>
  calls.map(({ call, will }) => (will ? told(will).replace(/\/\d{6,}$/, "") : call));

const kept = ({ wills }: FakeExecutor) => [...wills.values()].map(told);

async function execute(table: LeaseStore, { wills }: FakeExecutor) {
  const [will] = wills.values();
  return sendSigned(table, (will as SignedWill).request);
}

test("lastWill needs a client: a table in memory is refused", () => {
  const options = { store: new MemoryTable(), name: NAME, lastWill: true };
  expect(() => new Election(options)).toThrow(InvalidOptionError);
  expect(() => new Election(options)).toThrow(/^lastWill: needs a client, because .* Suggestion: client: /);
});

test("the will of a leader is signed anew with each renewal, and ends its tenure", async () => {
  const { stage, executor, candidate } = staged();
  const { election, events } = candidate("a");
  await election.campaign();
  await stage.advance(2_500);
  expect(events.filter(({ type }) => type === "renewed")).toHaveLength(2);
  expect(allTold(executor)).toEqual(["crash 1 after 0", "crash 1", "crash 1", "crash 1"]);
  expect([...executor.wills.values()]).toMatchObject([{ worthMs: LEASE_MS }]);
  expect(await execute(stage.table, executor)).toMatchObject({
    done: true,
    lease: { kind: "vacant", term: 1, revision: 4, endReason: "crashed" },
  });
});

test("without lastWill nothing is signed", async () => {
  const { stage, executor, candidate } = staged();
  const { election } = candidate("a", { lastWill: false });
  await election.campaign();
  await stage.advance(2_500);
  expect(executor.calls).toEqual([]);
});

test("while renewals are far apart, a will is signed again before its signature ends", async () => {
  const { stage, executor, candidate } = staged();
  const { election, events } = candidate("a", { leaseDurationMs: 7_200_000, renewIntervalMs: 3_000_000 });
  await election.campaign();
  const before = executor.calls.length;
  for (let i = 0; i < 5; i++) await stage.advance(60_000);
  expect(events.filter(({ type }) => type === "renewed")).toEqual([]);
  expect(executor.calls.length - before).toBe(2);
  expect(kept(executor)).toEqual(["crash 1"]);
});

test("an acquire leaves only when its will is handed over", async () => {
  const { stage, executor, sent, candidate } = staged();
  const handedOver = gate();
  executor.beforeSet = () => handedOver.opened;
  const { election } = candidate("a");
  const elected = election.campaign();
  await stage.advance(300);
  expect(sent).not.toContain("acquire");
  handedOver.open();
  await stage.advance(50);
  expect(sent.filter((verb) => verb === "acquire")).toHaveLength(1);
  expect((await elected).term).toBe(1);
});

test("nothing is started before the first acquire has left, and the leadership begins when all of it stands", async () => {
  const answered = gate();
  const standing = gate();
  const { stage, executor, sent, candidate } = staged(async (verb, pass) => {
    if (verb === "acquire") await answered.opened;
    return pass();
  });
  executor.onStart = () => {
    sent.push("start");
    return standing.opened;
  };
  const { election, events } = candidate("a");
  const elected = election.campaign();
  await stage.advance(100);
  expect(sent.slice(-2)).toEqual(["acquire", "start"]);
  expect(sent.filter((what) => what === "start")).toHaveLength(1);
  // The exit hook has had the will since before the acquire left.
  expect(kept(executor)).toMatchObject([expect.stringMatching(/^crash 1 after 0/)]);
  answered.open();
  await stage.advance(100);
  expect([election.role, events.map(({ type }) => type).includes("elected")]).toEqual(["waiting", false]);
  standing.open();
  await stage.advance(1);
  expect(election.role).toBe("leader");
  expect((await elected).term).toBe(1);
});

test("a candidate that waits has nothing to do, and starts the executor then", async () => {
  const { stage, executor, sent, candidate } = staged();
  executor.onStart = () => void sent.push("start");
  await stage.candidate("b").election.campaign();
  void candidate("a").election.campaign();
  await stage.advance(100);
  expect(sent).toContain("start");
  expect(sent).not.toContain("acquire");
});

test("an executor that hangs delays an acquire by one request timeout, and an event says it once", async () => {
  const { stage, executor, sent, candidate } = staged();
  executor.beforeSet = () => new Promise(() => {});
  const { election, events } = candidate("a", { tuning: { requestTimeoutMs: 400 } });
  const elected = election.campaign();
  await stage.advance(390);
  expect(sent).not.toContain("acquire");
  await stage.advance(50);
  expect((await elected).term).toBe(1);
  await stage.advance(6_000);
  expect(events.filter(({ type }) => type === "last-will-unavailable")).toMatchObject([
    { part: "companion" },
  ]);
});

test("a will that cannot be signed stops no election, and each outage is told once", async () => {
  const expired = new Error("The token has expired.");
  let isSigning = false;
  const sign = (request: Parameters<typeof plainSigner.crash>[0], signal: AbortSignal) =>
    isSigning ? plainSigner.crash(request, signal) : Promise.reject(expired);
  const { stage, executor, candidate } = staged(undefined, { ...plainSigner, crash: sign });
  const { election, events } = candidate("a");
  const outages = () => events.filter(({ type }) => type === "last-will-unavailable");
  expect((await election.campaign()).term).toBe(1);
  await stage.advance(4_000);
  expect(outages()).toMatchObject([{ part: "signature", error: expired }]);
  expect(kept(executor)).toEqual([]);
  isSigning = true;
  await stage.advance(1_500);
  expect(kept(executor)).toEqual(["crash 1"]);
  isSigning = false;
  await stage.advance(4_000);
  expect(outages()).toHaveLength(2);
  expect(election.role).toBe("leader");
});

test("a part of the executor that fails is told once", async () => {
  const { stage, executor, candidate } = staged();
  const { election, events } = candidate("a");
  await election.campaign();
  const error = new Error("spawn EAGAIN");
  for (const part of ["companion", "exit-hook", "companion"] as const) executor.fail({ part, error });
  await stage.advance(1_500);
  const failed = events.filter(({ type }) => type === "last-will-unavailable");
  expect(failed).toMatchObject([
    { part: "companion", error },
    { part: "exit-hook", error },
  ]);
});

test("an acquire that lands after its process has died is ended by the will, which was refused until then", async () => {
  const onItsWay = gate();
  const { stage, executor, candidate, row } = staged(async (verb, pass) => {
    if (verb === "acquire") await onItsWay.opened;
    return pass();
  });
  const { election } = candidate("a");
  void election.campaign();
  await stage.advance(100);
  const [{ basis } = {}] = executor.wills.values();
  // The row shows the basis: the refusal is not final.
  expect(await execute(stage.table, executor)).toMatchObject({ done: false, lease: basis });
  onItsWay.open();
  await stage.time.advance(0);
  expect(await row()).toMatchObject({ kind: "held", term: 1 });
  expect(await execute(stage.table, executor)).toMatchObject({ done: true, lease: { endReason: "crashed" } });
});

test("after an acquire without an answer the will stays until the row shows what became of it", async () => {
  let isLost = true;
  const { stage, executor, candidate } = staged(async (verb, pass) => {
    if (verb !== "acquire" || !isLost) return pass();
    isLost = false;
    return new Promise(() => {});
  });
  const { election } = candidate("a", { tuning: { requestTimeoutMs: 200 } });
  void election.campaign();
  await stage.advance(150);
  expect(kept(executor)).toMatchObject([expect.stringMatching(/^crash 1 after 0/)]);
  // It reads the row, which still shows the basis, and tries again.
  await stage.until(() => election.role === "leader");
  expect(allTold(executor)).toEqual(["crash 1 after 0", "crash 1 after 0", "crash 1"]);
});

test("a candidate that acquires again after its trust has run out keeps the will for what the row shows", async () => {
  const acquires: string[] = [];
  const { stage, executor, candidate } = staged(async (verb, pass) => {
    if (verb === "acquire") acquires.push(verb);
    // The lease is never renewed, and nothing is heard of the second acquire.
    return verb === "renew" || acquires.length > 1 ? new Promise(() => {}) : pass();
  });
  const { election } = candidate("a");
  const ends = election.lead(
    ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
  );
  ends.catch(() => {});
  await stage.until(() => acquires.length === 2);
  expect(kept(executor)).toEqual(["crash 1", expect.stringMatching(/^crash 2 after 1\//)]);
});

test("the will of an acquire that was refused is taken back", async () => {
  const { stage, executor, candidate } = staged();
  const b = stage.candidate("b");
  const onItsWay = gate();
  executor.beforeSet = () => onItsWay.opened;
  const { election } = candidate("a");
  const tried = election.tryCampaign();
  await stage.advance(100);
  const leads = b.election.campaign();
  await stage.advance(100);
  onItsWay.open();
  await stage.advance(200);
  expect((await leads).term).toBe(1);
  expect(await tried).toBeUndefined();
  expect(kept(executor)).toEqual([]);
});

test("a tick's resignation leaves only when it is itself the will, and both are one request", async () => {
  const { stage, executor, sent, candidate, row } = staged();
  const { election } = candidate("a");
  const handedOver = gate();
  executor.beforeSet = async ({ request }) => {
    if (contentOf(request).verb === "resign") await handedOver.opened;
  };
  const run = election.runOnce(TICK, () => "done");
  await stage.advance(300);
  expect(sent).not.toContain("resign");
  expect(kept(executor)).toEqual(["crash 1"]);
  handedOver.open();
  await stage.advance(50);
  expect(await run).toMatchObject({ ran: true, lastTick: TICK });
  const will = executor.calls.findLast(({ call }) => call === "set")?.will as SignedWill;
  const { verb, request } = contentOf(will.request);
  expect(verb).toBe("resign");
  expect(await row()).toMatchObject({
    revision: request.revision,
    endReason: "resigned",
    ticks: { completed: [TICK] },
  });
  // It has become nothing but a copy.
  expect(kept(executor)).toEqual([]);
  expect(await sendSigned(stage.table, will.request)).toMatchObject({ done: false });
});

test("a process that dies while a tick's resignation is under way still completes the tick", async () => {
  const { stage, executor, candidate, row } = staged((verb, pass) =>
    verb === "resign" ? new Promise(() => {}) : pass(),
  );
  const { election } = candidate("a");
  void election.runOnce(TICK, () => "done").catch(() => {});
  await stage.advance(100);
  expect(kept(executor)).toEqual(["resign 1"]);
  expect(await execute(stage.table, executor)).toMatchObject({ done: true });
  expect(await row()).toMatchObject({ endReason: "resigned", ticks: { completed: [TICK] } });
});

test("if a tick's resignation cannot be handed over, there is no will meanwhile, and it leaves", async () => {
  const { stage, executor, candidate, row } = staged((verb, pass) =>
    verb === "resign" ? new Promise(() => {}) : pass(),
  );
  executor.beforeSet = async ({ request }) => {
    if (contentOf(request).verb === "resign") throw new Error("EPIPE");
  };
  const { election } = candidate("a");
  void election.runOnce(TICK, () => "done").catch(() => {});
  await stage.advance(100);
  expect(kept(executor)).toEqual([]);
  expect(await row()).toMatchObject({ kind: "held", term: 1 });
});

test("a slow signature of an older will does not come after the will that replaced it", async () => {
  const slow = gate();
  let crashes = 0;
  const { stage, executor, candidate } = staged(
    (verb, pass) => (verb === "resign" ? new Promise(() => {}) : pass()),
    {
      ...plainSigner,
      crash: async (request, signal) => {
        crashes += 1;
        if (crashes === 2) await slow.opened;
        return plainSigner.crash(request, signal);
      },
    },
  );
  const { election } = candidate("a");
  void election.runOnce(TICK, () => "done").catch(() => {});
  await stage.advance(100);
  expect(kept(executor)).toEqual(["resign 1"]);
  slow.open();
  await stage.advance(10);
  expect(kept(executor)).toEqual(["resign 1"]);
});

test("after a lease was given back there is no will, and no listener", async () => {
  const { stage, executor, candidate } = staged();
  const { election } = candidate("a");
  const leadership = await election.campaign();
  await stage.advance(50);
  const [old] = [...executor.wills.values()] as [SignedWill];
  expect([kept(executor), executor.listening]).toEqual([["crash 1"], 1]);
  const resigned = leadership.resign();
  await stage.advance(50);
  expect(await resigned).toBe("released");
  expect([kept(executor), executor.listening, stage.pendingTimers]).toEqual([[], 0, 0]);
  expect(await sendSigned(stage.table, old.request)).toMatchObject({ done: false });
});

const LOSSES: Array<[string, (stage: Stage, successor: () => Promise<unknown>) => Promise<unknown>]> = [
  [
    "a hand-over",
    async (stage, successor) => {
      await new Operator({ store: stage.table, name: NAME }).requestStepDown();
      await stage.advance(2_000);
      await successor();
    },
  ],
  ["an eviction", async (stage) => new Operator({ store: stage.table, name: NAME }).evict()],
];

test.each(LOSSES)("after %s an old will changes nothing, and the executor has none", async (_, lose) => {
  const { stage, executor, candidate, row } = staged();
  const { election } = candidate("a");
  const leadership = await election.campaign();
  await stage.advance(50);
  const [old] = [...executor.wills.values()] as [SignedWill];
  leadership.signal.addEventListener("abort", () => void leadership.resign());
  await lose(stage, async () => {
    const next = stage.candidate("b").election.campaign();
    await stage.advance(2_000);
    expect((await next).term).toBe(2);
  });
  await stage.advance(2_000);
  expect(leadership.signal.aborted).toBe(true);
  expect(kept(executor)).toEqual([]);
  const before = await row();
  expect(await sendSigned(stage.table, old.request)).toMatchObject({ done: false });
  expect(await row()).toEqual(before);
});

test("work that overruns its time to stop keeps its will: the row still names its process", async () => {
  const { stage, executor, candidate } = staged();
  const { election, events } = candidate("a", { stopTimeoutMs: 500 });
  const stop = new AbortController();
  const lead = election.lead(() => new Promise(() => {}), { signal: stop.signal, announce: false });
  lead.catch(() => {});
  await stage.advance(100);
  stop.abort();
  await stage.advance(LEASE_MS);
  expect(events.map(({ type }) => type)).toContain("drain-overrun");
  await expect(lead).rejects.toMatchObject({ code: "WORK_NOT_STOPPED" });
  expect(kept(executor)).toEqual(["crash 1"]);
  expect(await execute(stage.table, executor)).toMatchObject({ done: true });
});

test("when the process exits, its tenures end with `crashed` before anything is sent", async () => {
  const { stage, executor, candidate } = staged();
  const { election, events } = candidate("a");
  const leadership = await election.campaign();
  executor.exit();
  expect(leadership.signal.aborted).toBe(true);
  expect(() => leadership.throwIfLost()).toThrow(
    expect.objectContaining({ code: "LEASE_LOST", reason: "crashed" }),
  );
  expect((leadership.signal.reason as LeaseLostError).reason).toBe("crashed");
  expect(election.role).toBe("idle");
  await stage.advance(50);
  expect(events.filter(({ type }) => type === "ended")).toMatchObject([{ term: 1, reason: "crashed" }]);
  // The exit thread sends it now.
  expect(kept(executor)).toEqual(["crash 1"]);
});

test("the next leader starts at its next poll, and the history says that the last one crashed", async () => {
  const { stage, executor, candidate } = staged();
  const a = candidate("a", { succession: "arrival" });
  await a.election.campaign();
  await stage.advance(100);
  const b = stage.candidate("b", { succession: "arrival" });
  void b.election.campaign();
  await stage.until(() => b.election.role === "standby");
  await stage.advance(5_000);
  executor.exit();
  await execute(stage.table, executor);
  const tookMs = await stage.until(() => b.election.role === "leader");
  // One renewal interval, at which it polls. Without a will it would be a lease.
  expect(tookMs).toBeLessThanOrEqual(LEASE_MS / 3 + 100);
  await stage.advance(100);
  expect(await b.election.history()).toMatchObject([
    { term: 2, endReason: undefined },
    { term: 1, candidateId: a.election.candidateId, endReason: "crashed" },
  ]);
});

test("a stale read takes no will back", async () => {
  let isHealthy = true;
  let first: unknown;
  let reads = 0;
  const { stage, executor, candidate } = staged(async (verb, pass) => {
    if (verb === "acquire") {
      isHealthy = false;
      return new Promise(() => {});
    }
    const answer = await pass();
    if (verb !== "read") return answer;
    first ??= answer;
    if (!isHealthy) reads += 1;
    // After an acquire without an answer consistent reads and others take turns.
    return reads > 0 && reads % 2 === 0 ? first : answer;
  });
  const b = stage.candidate("b");
  const leadership = await b.election.campaign();
  const { election } = candidate("a", { healthy: () => isHealthy, tuning: { requestTimeoutMs: 200 } });
  void election.campaign();
  await stage.advance(50);
  const resigned = leadership.resign();
  await stage.advance(LEASE_MS);
  expect(await resigned).toBe("released");
  await stage.advance(LEASE_MS);
  expect(reads).toBeGreaterThan(2);
  expect(kept(executor)).toEqual([expect.stringMatching(/^crash 2 after 1/)]);
});

test("a tick's resignation without an answer stays the will, whatever is read meanwhile", async () => {
  let isHealthy = true;
  const { stage, executor, candidate } = staged((verb, pass) =>
    verb === "resign" ? new Promise(() => {}) : pass(),
  );
  const { election } = candidate("a", { healthy: () => isHealthy });
  const run = election.runOnce(TICK, () => "done").catch((error: unknown) => error);
  await stage.advance(2 * LEASE_MS);
  expect(await run).toMatchObject({ code: "TABLE_UNAVAILABLE" });
  isHealthy = false;
  const tried = election.tryCampaign();
  await stage.advance(50);
  expect(await tried).toBeUndefined();
  expect(kept(executor)).toEqual(["resign 1"]);
});

test("a slow signature does not bring a will back that was taken back", async () => {
  const slow = gate();
  let crashes = 0;
  const { stage, executor, candidate } = staged(undefined, {
    ...plainSigner,
    crash: async (request, signal) => {
      crashes += 1;
      if (crashes === 2) await slow.opened;
      return plainSigner.crash(request, signal);
    },
  });
  const leadership = await candidate("a").election.campaign();
  const resigned = leadership.resign();
  await stage.advance(50);
  expect(await resigned).toBe("released");
  slow.open();
  await stage.advance(10);
  expect(kept(executor)).toEqual([]);
});

test("an executor that hangs at a tick's resignation leaves it time to be sent", async () => {
  const { stage, executor, candidate, row } = staged();
  executor.beforeSet = async ({ request }) => {
    if (contentOf(request).verb === "resign") await new Promise(() => {});
  };
  const run = candidate("a").election.runOnce(TICK, () => "done");
  await stage.advance(LEASE_MS);
  expect(await run).toMatchObject({ ran: true });
  expect(await row()).toMatchObject({ endReason: "resigned", ticks: { completed: [TICK] } });
});

test("who has crashed is not in the next leader's line, though its row still looks alive", async () => {
  const cast = new Cast({ succession: "arrival" });
  const executor = new FakeExecutor();
  const store = withWills(cast.stage.table, executor);
  await cast.joinAll("abc", (label) => (label === "a" ? { store, lastWill: true } : {}));
  expect(await cast.line()).toBe("bc");
  executor.exit();
  cast.kill("a");
  await execute(cast.stage.table, executor);
  // The standby is first, and waits for nobody's slot.
  expect(await cast.reign(2)).toMatchObject({ label: "b" });
  await cast.advance(2 * (LEASE_MS / 3));
  const { candidates } = await cast.stage.table.readCandidates(NAME);
  expect(candidates.map(({ label }) => label)).toContain("a");
  expect(await cast.line()).toBe("c");
});
