import { expect, test } from "vitest";
import { InvalidOptionError, type Leadership, TableUnavailableError } from "../src/index.js";
import { factsOf } from "./support/lease.js";
import { between, gate, Stage } from "./support/stage.js";

const LEASE_MS = 3_000;
const NAME = "billing/nightly";

/** Works until told to stop, and then until `finish` opens. */
const workUntil = (finish: Promise<void>) => async (leadership: Leadership) => {
  await new Promise((resolve) => leadership.signal.addEventListener("abort", resolve));
  await finish;
};
const rowOf = async (stage: Stage) => factsOf((await stage.table.read(NAME)).lease);
const never = new Promise<void>(() => {});

test("work that returns by itself ends lead, with its result, and frees the lease", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  expect(await election.lead(({ term }) => `done in term ${term}`)).toBe("done in term 1");
  expect(await election.leader()).toBeUndefined();
  expect((await rowOf(stage))?.endReason).toBe("resigned");
  expect(stage.pendingTimers).toBe(0);
});

test("an error of the work itself is the caller's, and the lease is freed", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const fail = () => Promise.reject(new TypeError("a bug"));
  await expect(election.lead(fail)).rejects.toThrow("a bug");
  expect((await rowOf(stage))?.holder).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});

test("release before the work has stopped: never; the lease is renewed while work drains", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const rival = stage.candidate("b");
  const stop = new AbortController();
  const finish = gate();
  const leading = election.lead(workUntil(finish.opened), { signal: stop.signal });
  await stage.advance(500);
  stop.abort();
  void rival.election.campaign();
  await stage.advance(4 * LEASE_MS);
  expect((await rowOf(stage))?.holder).toBe(election.candidateId);
  finish.open();
  await leading;
  expect((await rowOf(stage))?.term).toBe(1);
  await stage.advance(LEASE_MS);
  expect((await rowOf(stage))?.holder).toBe(rival.election.candidateId);
});

test("work that overruns its drain is never released under: renewals stop and the lease runs out", async () => {
  const stage = new Stage();
  const a = stage.candidate("a", { stopTimeoutMs: 2_000 });
  const b = stage.candidate("b");
  const stop = new AbortController();
  const leading = a.election.lead(workUntil(never), { signal: stop.signal });
  const rejected = expect(leading).rejects.toMatchObject({ code: "WORK_NOT_STOPPED", term: 1 });
  await stage.advance(500);
  stop.abort();
  const next = b.election.campaign();
  await stage.advance(1_900);
  expect((await rowOf(stage))?.holder).toBe(a.election.candidateId);
  const renewals = a.events.filter(({ type }) => type === "renewed").length;
  await stage.advance(2 * LEASE_MS);
  expect((await next).term).toBe(2);
  expect(a.events.some(({ type }) => type === "drain-overrun")).toBe(true);
  expect(a.events.some(({ type }) => type === "resigned")).toBe(false);
  expect(a.events.filter(({ type }) => type === "renewed").length).toBeLessThanOrEqual(renewals + 1);
  await rejected;
});

test("the elector never exits: after a loss it campaigns again, under a new term, once its work has stopped", async () => {
  const stage = new Stage();
  let cut = false;
  const store = between(stage.table, (_verb, pass) =>
    cut ? Promise.reject(new TableUnavailableError("be reached")) : pass(),
  );
  const { election, events } = stage.candidate("a", { store });
  const terms: number[] = [];
  void election.lead(async (leadership) => {
    terms.push(leadership.term);
    await new Promise((resolve) => leadership.signal.addEventListener("abort", resolve));
  });
  await stage.advance(1_500);
  cut = true;
  await stage.advance(60_000);
  expect(terms).toEqual([1]);
  expect(events.filter(({ type }) => type === "ended")).toMatchObject([{ reason: "expired" }]);
  cut = false;
  await stage.advance(LEASE_MS);
  expect(terms).toEqual([1, 2]);
});

test("a leader that is cut off tells its work before anybody else can lead", async () => {
  const stage = new Stage();
  let cut = false;
  const store = between(stage.table, (_verb, pass) => (cut ? new Promise(() => {}) : pass()));
  const a = stage.candidate("a", { store });
  const b = stage.candidate("b");
  const leadership = await a.election.campaign();
  const next = b.election.campaign();
  let elected = false;
  void next.then(() => {
    elected = true;
  });
  await stage.advance(5_000);
  cut = true;
  await stage.until(() => leadership.signal.aborted);
  expect(elected).toBe(false);
  await stage.until(() => elected, 2 * LEASE_MS);
});

test("healthy() = false stops the work, gives the lease back to others, and bars the next campaign", async () => {
  const stage = new Stage();
  let healthy: boolean | "throws" = true;
  const a = stage.candidate("a", {
    healthy: () => {
      if (healthy === "throws") throw new Error("check failed");
      return healthy;
    },
  });
  const b = stage.candidate("b");
  void a.election.lead(workUntil(Promise.resolve()));
  await stage.advance(500);
  healthy = "throws";
  const next = b.election.campaign();
  await stage.advance(2 * LEASE_MS);
  const leadership = await next;
  expect(leadership.term).toBe(2);
  expect(a.events).toContainEqual(expect.objectContaining({ type: "ended", reason: "unhealthy", term: 1 }));
  await leadership.resign();
  await stage.advance(2 * LEASE_MS);
  expect(await b.election.leader()).toBeUndefined();
  healthy = true;
  await stage.advance(2 * LEASE_MS);
  expect((await b.election.leader())?.candidateId).toBe(a.election.candidateId);
});

test("a health check that never answers is a no, and cannot hold the heartbeat up for ever", async () => {
  const stage = new Stage();
  let answer: Promise<boolean> = Promise.resolve(true);
  const a = stage.candidate("a", { healthy: () => answer });
  void a.election.lead(workUntil(Promise.resolve()));
  await stage.advance(500);
  answer = new Promise(() => {});
  await stage.advance(2 * LEASE_MS);
  expect(a.events).toContainEqual(expect.objectContaining({ type: "ended", reason: "unhealthy" }));
  expect((await rowOf(stage))?.holder).toBeUndefined();
});

test("asked to step down, a leader drains, releases, and lets another go first", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  void a.election.lead(workUntil(Promise.resolve()));
  await stage.advance(500);
  const b = stage.candidate("b");
  void b.election.lead(workUntil(Promise.resolve()));
  await stage.advance(500);
  const before = await rowOf(stage);
  await stage.table.requestStepDown({ election: NAME, term: 1, by: "operator" });
  expect((await rowOf(stage))?.revision).toBe(before?.revision);
  await stage.advance(2 * LEASE_MS);
  expect(await rowOf(stage)).toMatchObject({ holder: b.election.candidateId, term: 2 });
  expect((await rowOf(stage))?.stepDown).toBeUndefined();
  expect(a.events).toContainEqual(expect.objectContaining({ type: "ended", reason: "stepped-down" }));
});

test("a campaign after a resign, a loss or an abort elects again, and never without a lease", async () => {
  const stage = new Stage();
  const { election, clock } = stage.candidate("a");
  await (await election.campaign()).resign();
  const second = await election.campaign();
  clock.freeze(LEASE_MS);
  expect(() => second.throwIfLost()).toThrow("expired");
  await expect(election.campaign({ signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
  const third = await election.campaign();
  third.throwIfLost(1_000);
  expect(await rowOf(stage)).toMatchObject({ holder: election.candidateId, term: third.term });
});

test("listeners can neither delay nor break an election, and hear events in order", async () => {
  const stage = new Stage();
  const heard: string[] = [];
  const { election } = stage.candidate("a", {
    onEvent: (event) => {
      heard.push(event.type);
      throw new Error("a broken listener");
    },
  });
  const leadership = await election.campaign();
  await stage.advance(2_500);
  await leadership.resign();
  expect(heard).toEqual(["elected", "renewed", "renewed", "ended", "resigned"]);
});

test("history: each term with its holder, and how and when it ended; only older terms carry a ttl", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  await (await a.election.campaign()).resign();
  await b.election.campaign();
  await stage.advance(2 * LEASE_MS, { frozen: [b.clock] }); // b dies
  await a.election.tryCampaign();
  await stage.advance(100, { frozen: [b.clock] });
  expect(stage.table.terms(NAME)).toMatchObject([
    { term: 1, holder: a.election.candidateId, endReason: "resigned", ttl: expect.any(Number) },
    { term: 2, holder: b.election.candidateId, endReason: "expired", ttl: expect.any(Number) },
    { term: 3, holder: a.election.candidateId },
  ]);
  expect(stage.table.terms(NAME).at(-1)?.ttl).toBeUndefined();
  expect(Object.keys((await rowOf(stage)) ?? {})).not.toContain("ttl");
});

const NOES: ReadonlyArray<[string, () => boolean | Promise<boolean>, (error: unknown) => boolean]> = [
  ["says no", () => false, (error) => error === undefined],
  [
    "throws",
    () => {
      throw new Error("the pool is closed");
    },
    (error) => (error as Error).message === "the pool is closed",
  ],
  [
    "rejects",
    () => Promise.reject(new Error("no answer")),
    (error) => (error as Error).message === "no answer",
  ],
  ["hangs", () => new Promise(() => {}), (error) => (error as Error).message.startsWith("no answer within")],
  [
    "answers 1",
    () => 1 as never,
    (error) => error instanceof InvalidOptionError && error.option === "healthy",
  ],
];

test.each(NOES)(
  "one try says that it is unhealthy, not that others lead, when healthy() %s",
  async (_, healthy, isWhy) => {
    const stage = new Stage();
    const a = stage.candidate("a", { healthy });
    const tried = a.election.tryLead(() => "work");
    await stage.advance(LEASE_MS);
    expect(await tried).toEqual({ ran: false, because: "unhealthy", leader: undefined });
    const ticked = a.election.runOnce("2026-01-31T03:00:00Z", () => "work");
    await stage.advance(LEASE_MS);
    expect(await ticked).toEqual({ ran: false, because: "unhealthy", leader: undefined });
    const told = a.events.flatMap((event) => (event.type === "unhealthy" ? [event.error] : []));
    expect(told).toHaveLength(2);
    expect(told.every(isWhy)).toBe(true);
  },
);

test("an unhealthy candidate says who leads while somebody does", async () => {
  const stage = new Stage();
  const b = stage.candidate("b");
  const leadership = await b.election.campaign();
  const a = stage.candidate("a", { healthy: () => false });
  const tried = await a.election.tryLead(() => "work");
  expect(tried).toMatchObject({ because: "held", leader: { candidateId: b.election.candidateId } });
  await leadership.resign();
});

test("work that throws ends lead, unless it is told to retry: then others go first, and it waits longer each time", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const stop = new AbortController();
  const begins: number[] = [];
  const failing = () => {
    begins.push(a.clock.monotonicMs());
    throw new TypeError("a bug");
  };
  const leading = a.election.lead(failing, { onWorkError: "retry", signal: stop.signal });
  await stage.until(() => begins.length === 1);
  expect((await rowOf(stage))?.endReason).toBe("resigned");
  const b = stage.candidate("b");
  const second = await b.election.campaign();
  expect(second.term).toBe(2);
  await stage.advance(2 * LEASE_MS);
  await second.resign();
  await stage.until(() => begins.length === 9, 200_000);
  const failures = a.events.flatMap((event) => (event.type === "work-failed" ? [event] : []));
  expect(failures.map(({ term }) => term)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(failures.every(({ error }) => error instanceof TypeError)).toBe(true);
  const waits = begins.slice(2).map((at, i) => at - (begins[i + 1] as number));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1.5 * 1_000);
  expect(waits.at(-1)).toBeGreaterThan(2 * (waits[0] as number));
  // The wait is over at once when its caller aborts.
  stop.abort();
  expect(await leading).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});

test("work that failed long after it began is retried as after a first failure", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const stop = new AbortController();
  const ends: number[] = [];
  const begins: number[] = [];
  const failing = async (leadership: Leadership) => {
    begins.push(a.clock.monotonicMs());
    await new Promise((resolve) => a.clock.setTimer(2 * LEASE_MS, () => resolve(undefined)));
    leadership.throwIfLost();
    ends.push(a.clock.monotonicMs());
    throw new TypeError("a bug");
  };
  const leading = a.election.lead(failing, { onWorkError: "retry", signal: stop.signal });
  await stage.until(() => begins.length === 12, 200_000);
  const waits = ends.map((end, i) => (begins[i + 1] as number) - end);
  expect(Math.max(...waits)).toBeLessThan(LEASE_MS);
  const rejected = expect(leading).rejects.toThrow("a bug");
  stop.abort();
  await stage.until(() => ends.length === 12);
  await rejected;
});

test("an unhealthy candidate reads before it answers: the tick may be done, and others may lead", async () => {
  const stage = new Stage();
  let healthy = true;
  const a = stage.candidate("a", { healthy: () => healthy });
  const b = stage.candidate("b");
  expect(await a.election.runOnce("2026-01-31T03:00:00Z", () => 1)).toMatchObject({ ran: true });
  healthy = false;
  expect(await b.election.runOnce("2026-01-31T04:00:00Z", () => 2)).toMatchObject({ ran: true });
  expect(await a.election.runOnce("2026-01-31T04:00:00Z", () => 3)).toMatchObject({ because: "done" });
  const leadership = await b.election.campaign();
  expect(await a.election.tryLead(() => 4)).toMatchObject({
    because: "held",
    leader: { candidateId: b.election.candidateId },
  });
  await leadership.resign();
});

test("an unhealthy campaign goes on reading: it reports no recovery from a table that is dead", async () => {
  const stage = new Stage();
  let answers = true;
  const store = between(stage.table, (verb, pass) =>
    answers ? pass() : Promise.reject(new TableUnavailableError(verb)),
  );
  const a = stage.candidate("a", { store, healthy: () => false });
  const stop = new AbortController();
  const bid = a.election.campaign({ signal: stop.signal }).catch(() => {});
  await stage.advance(LEASE_MS);
  answers = false;
  await stage.advance(5 * LEASE_MS);
  expect(a.events.filter(({ type }) => type === "recovered")).toEqual([]);
  expect(a.events.filter(({ type }) => type === "unavailable").length).toBeGreaterThan(2);
  answers = true;
  await stage.advance(2 * LEASE_MS);
  expect(a.events.filter(({ type }) => type === "recovered")).toHaveLength(1);
  const leadership = await stage.candidate("b").election.campaign();
  await stage.advance(2 * LEASE_MS);
  expect(a.events).toContainEqual(expect.objectContaining({ type: "waiting", term: leadership.term }));
  stop.abort();
  await bid;
  await leadership.resign();
});

test("while it backs off after work that threw, it is not in the line: nobody hands over to it", async () => {
  const stage = new Stage();
  const a = stage.candidate("a", { succession: { order: "rank", rank: 10 } });
  const stop = new AbortController();
  let failures = 0;
  const failing = () => {
    failures += 1;
    throw new TypeError("a bug");
  };
  const failed = a.election.lead(failing, { onWorkError: "retry", signal: stop.signal });
  await stage.until(() => failures === 4, 200_000);
  await stage.advance(100);
  const b = stage.candidate("b", { succession: { order: "rank", rank: 1, preempt: { minTenureMs: 1 } } });
  expect(await b.election.candidates()).toEqual([]);
  stop.abort();
  await stage.advance(LEASE_MS);
  expect(await failed).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});
