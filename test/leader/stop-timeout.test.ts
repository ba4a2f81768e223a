import { describe, expect, test } from "vitest";
import { Operator } from "../../src/index.js";
import type { Leadership } from "../../src/leader/leadership.js";
import { between, type Given, gate, Stage, type Verb } from "../support/stage.js";

/** Rule 8c: `stopTimeoutMs` bounds announcement, drain and release together. */

const STOP_MS = 8_000;
/** Renewals every 10 s: the notice for the followers would be longer than the whole time to stop. */
const SLOW = { leaseDurationMs: 30_000, stopTimeoutMs: STOP_MS } as const;

/** A leader, a caller that aborts, and a table of which some verbs stop answering at that moment. */
async function stopping(
  { silent = [], ...given }: Given & { silent?: readonly Verb[] },
  drainMs: number | undefined,
  how: (leadership: Leadership, abort: () => void) => unknown = (_, abort) => abort(),
) {
  const stage = new Stage();
  let isSilent = false;
  const store = between(stage.table, (verb, pass) =>
    isSilent && silent.includes(verb) ? new Promise(() => {}) : pass(),
  );
  const a = stage.candidate("a", { ...SLOW, store, ...given });
  // Somebody listens to announcements.
  const standby = stage.candidate("b", { ...SLOW, succession: given.succession });
  const caller = new AbortController();
  let leadership: Leadership | undefined;
  let toldMs: number | undefined;
  let overMs: number | undefined;
  const leading = a.election.lead(
    async (elected) => {
      leadership = elected;
      await new Promise<void>((resolve) => elected.signal.addEventListener("abort", () => resolve()));
      toldMs = a.clock.monotonicMs() - askedMs;
      if (drainMs === undefined) return new Promise<void>(() => {});
      await new Promise<void>((resolve) => a.clock.setTimer(drainMs, resolve));
    },
    { signal: caller.signal },
  );
  let error: unknown;
  void leading
    .catch((reason: unknown) => {
      error = reason;
    })
    .then(() => {
      overMs = a.clock.monotonicMs() - askedMs;
    });
  await stage.until(() => leadership !== undefined);
  void standby.election.lead(() => new Promise(() => {}));
  // By then its renewals have told of the standby, also where a line does.
  await stage.advance(25_000);
  const askedMs = a.clock.monotonicMs();
  isSilent = true;
  how(leadership as unknown as Leadership, () => caller.abort());
  return {
    ...{ stage, a },
    toldMs: () => toldMs ?? Number.POSITIVE_INFINITY,
    error: () => error,
    overMs: () => overMs ?? Number.POSITIVE_INFINITY,
    saw: (wanted: string) => a.events.some(({ type }) => type === wanted),
  };
}

describe.each([
  ["the caller aborts", undefined],
  ["it steps down", (leadership: Leadership) => leadership.stepDown()],
  ["it hands over", (leadership: Leadership) => leadership.stepDown({ to: "b" })],
] as const)("%s", (_how, how) => {
  test("the announcement leaves half of the time to the work and the release", async () => {
    const { stage, toldMs, saw } = await stopping({}, undefined, how);
    await stage.advance(STOP_MS / 2 + 10);
    expect(toldMs()).toBeGreaterThan(STOP_MS / 2 - 100);
    expect(toldMs()).toBeLessThanOrEqual(STOP_MS / 2);
    await stage.advance(STOP_MS / 2 - 20);
    expect(saw("drain-overrun")).toBe(false);
    await stage.advance(20);
    expect(saw("drain-overrun")).toBe(true);
    expect(saw("resigned")).toBe(false);
  });
});

test("a pause by an operator counts from the renewal that tells of it", async () => {
  const { stage, a, saw } = await stopping({}, undefined, () => {});
  await new Operator({ store: stage.table, name: "billing/nightly" }).pause();
  const before = a.events.filter(({ type }) => type === "renewed").length;
  await stage.until(() => a.events.filter(({ type }) => type === "renewed").length > before);
  await stage.advance(STOP_MS - 50);
  expect(saw("drain-overrun")).toBe(false);
  await stage.advance(100);
  expect(saw("drain-overrun")).toBe(true);
});

test("the followers are told of the shorter announcement", async () => {
  const { stage } = await stopping({}, undefined);
  await stage.advance(50);
  const { lease } = await stage.table.read("billing/nightly");
  const inMs = lease?.kind === "held" ? lease.announcement?.inMs : undefined;
  expect(inMs).toBeGreaterThan(STOP_MS / 2 - 100);
  expect(inMs).toBeLessThanOrEqual(STOP_MS / 2);
});

test("an announcement that gets no answer does not take the work's share", async () => {
  const { stage, toldMs } = await stopping({ silent: ["renew"] }, undefined);
  await stage.advance(STOP_MS / 2 + 10);
  expect(toldMs()).toBeLessThanOrEqual(STOP_MS / 2);
});

test.each([
  ["no renewal", ["renew"]],
  ["no release", ["resign"]],
  ["no history", ["recordTerm"]],
  ["no registration", ["writeCandidate", "deleteCandidate", "drawArrival"]],
  ["nothing", ["renew", "resign", "recordTerm", "writeCandidate", "deleteCandidate", "drawArrival", "read"]],
] as const)("with %s answered, lead is over by then, whenever the work stops", async (_what, silent) => {
  for (const drainMs of [0, 1_000, 3_000, 3_990]) {
    const { stage, overMs } = await stopping({ silent, succession: "arrival" }, drainMs);
    await stage.advance(STOP_MS + 20);
    expect([drainMs, overMs() <= STOP_MS + 10]).toEqual([drainMs, true]);
  }
});

test("a release that the table does not answer in time is unconfirmed", async () => {
  const { stage, a, overMs } = await stopping({ silent: ["resign"] }, 3_000);
  await stage.advance(STOP_MS + 20);
  expect(overMs()).toBeLessThanOrEqual(STOP_MS);
  expect(a.events.filter(({ type }) => type === "resigned")).toMatchObject([{ outcome: "unconfirmed" }]);
});

test("with a table that answers, the lease is given back to the end of the time", async () => {
  const { stage, a, overMs } = await stopping({}, 3_900);
  await stage.advance(STOP_MS);
  expect(overMs()).toBeLessThan(STOP_MS);
  expect(a.events.filter(({ type }) => type === "resigned")).toMatchObject([{ outcome: "released" }]);
});

test("work that stops after the time gives the lease back late, and its release is not cut", async () => {
  const { stage, a, saw } = await stopping({}, 6_000);
  await stage.advance(STOP_MS + 10);
  expect(saw("drain-overrun")).toBe(true);
  await stage.advance(3_000);
  expect(a.events.filter(({ type }) => type === "resigned")).toMatchObject([{ outcome: "released" }]);
});

test("resign() by hand has at least one request, also without any time for work to stop", async () => {
  for (const stopTimeoutMs of [0, 1, 50]) {
    const stage = new Stage();
    const slow = between(stage.table, (verb, pass) =>
      verb === "resign" ? new Promise((resolve) => stage.time.setTimer(100, () => resolve(pass()))) : pass(),
    );
    const { election } = stage.candidate("a", { stopTimeoutMs, store: slow });
    const leadership = await election.tryCampaign();
    const released = leadership?.resign();
    await stage.advance(1_000);
    expect(await released).toBe("released");
  }
});

test("a leadership by hand that drains beyond the time is still renewed until it is given back", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a", { stopTimeoutMs: 2_000 });
  const leadership = await election.tryCampaign();
  leadership?.stepDown();
  await stage.advance(20_000);
  expect(election.role).toBe("leader");
  const released = leadership?.resign();
  await stage.advance(100);
  expect(await released).toBe("released");
  expect(stage.pendingTimers).toBe(0);
});

test.each([
  ["a stop was requested: runOnce is over in time", true],
  ["no stop was requested: runOnce waits for its tries", false],
])("the tick in history does not get written, and %s", async (_, isStopped) => {
  const stage = new Stage();
  let isSilent = false;
  const store = between(stage.table, (verb, pass) =>
    isSilent && verb === "recordTerm" ? new Promise(() => {}) : pass(),
  );
  const a = stage.candidate("a", { store, stopTimeoutMs: 1_000 });
  const caller = new AbortController();
  const finish = gate();
  let result: unknown;
  void a.election
    .runOnce("2026-01-31T03:00:00Z", () => finish.opened, { signal: caller.signal })
    .then((value) => {
      result = value;
    });
  await stage.advance(500);
  isSilent = true;
  if (isStopped) caller.abort();
  await stage.advance(500);
  finish.open();
  const tookMs = await stage.until(() => result !== undefined);
  expect(result).toMatchObject({ ran: true });
  expect(tookMs <= 510).toBe(isStopped);
  // Rule 5f: the next leader records the tick, so it is not lost with the lease row.
  const next = await stage.candidate("b").election.tryCampaign();
  await stage.advance(100);
  stage.table.deleteLease("billing/nightly");
  await next?.resign();
  const again = stage.candidate("c").election.runOnce("2026-01-31T03:00:00Z", () => {}, { wait: true });
  await stage.advance(10_000);
  expect(await again).toMatchObject({ because: "done" });
});
