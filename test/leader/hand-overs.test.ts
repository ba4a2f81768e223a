import { expect, test } from "vitest";
import { type Leadership, TableUnavailableError } from "../../src/index.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import { between, gate, Stage } from "../support/stage.js";

/** Planned ends: who goes when, to whom, and how long nobody leads meanwhile. Staged time. */

const RENEW_MS = LEASE_MS / 3;
/** Between the end of one leader and the next one's beginning: one look at `handoffPollMs`, and a step of the stage. */
const GAP_MS = 60;

test("preempt: a higher rank takes over by a hand-off, not before minTenureMs; an equal one never does", async () => {
  const minTenureMs = 10 * LEASE_MS;
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: { minTenureMs } } });
  await cast.joinAll("a", () => ({ rank: 5 }));
  await cast.joinAll("bc", (label) => ({ rank: label === "b" ? 7 : 5 }));
  await cast.reign(2);
  const [first, second] = cast.reigns;
  expect(cast.told).toBe("a1 b2");
  expect(first?.reason).toBe("preempted");
  expect((first?.untilMs ?? 0) - (first?.fromMs ?? 0)).toBeGreaterThanOrEqual(minTenureMs);
  // A hand-off, announced: nobody waited for a lease to run out, nor for a look.
  expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(GAP_MS);
  await cast.advance(20 * LEASE_MS);
  expect(cast.told).toBe("a1 b2");
});

test("the Bully's story: the highest leads, dies, the next highest leads, a higher one joins and takes over", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: true } });
  const rank = (label: string) => ({ rank: Number(label) });
  await cast.joinAll("4", rank);
  await cast.joinAll("123", rank);
  expect(cast.told).toBe("41");
  cast.kill("4");
  await cast.reign(2);
  await cast.joinAll("5", rank);
  await cast.reign(3);
  expect(cast.told).toBe("41 32 53");
  expect(cast.reigns[1]?.reason).toBe("preempted");
});

test("a higher rank that died while it was called on costs its reservation, once; then somebody leads again", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: { minTenureMs: 0 } } });
  await cast.joinAll("ab");
  await cast.joinAll("c", () => ({ rank: 9 }));
  cast.kill("c");
  await cast.until(() => cast.reigns[0]?.untilMs !== undefined || cast.reigns.length > 1);
  await cast.advance(10 * LEASE_MS);
  const alive = cast.reigns.filter(({ label }) => label !== "c");
  expect(alive.at(-1)?.untilMs).toBeUndefined();
  expect(cast.reigns.length).toBeLessThanOrEqual(3);
});

test("rotation: each leads for maxTenureMs and hands over to the next of the ring; who is alone goes on", async () => {
  const maxTenureMs = 2 * LEASE_MS;
  const cast = new Cast({ succession: { order: "ring", maxTenureMs } });
  const [a, b, c] = await cast.joinAll("abc");
  await cast.reign(9);
  const labels = cast.reigns.map(({ label }) => label).join("");
  expect(labels).toBe("abcabcabc");
  for (const [i, { reason, fromMs, untilMs = 0 }] of cast.reigns.slice(0, -1).entries()) {
    expect(reason).toBe("rotated");
    expect(untilMs - fromMs).toBeGreaterThanOrEqual(maxTenureMs);
    expect((cast.reigns[i + 1]?.fromMs ?? 0) - untilMs).toBeLessThanOrEqual(GAP_MS);
  }
  const others = [a, b, c].filter((actor) => actor?.label !== cast.reigns.at(-1)?.label);
  await Promise.all([...others.map((actor) => actor?.leave()), cast.advance(LEASE_MS)]);
  const { length } = cast.reigns;
  await cast.advance(10 * maxTenureMs);
  expect(cast.reigns).toHaveLength(length);
});

test("fairness: 100 rotations among five, and each leads 20 ± 2 times", async () => {
  const cast = new Cast({ succession: { order: "ring", maxTenureMs: 1_000 }, leaseDurationMs: 1_500 });
  await cast.joinAll("abcde");
  await cast.until(() => cast.reigns.length >= 100, 600_000);
  for (const label of "abcde") {
    const count = cast.reigns.slice(0, 100).filter((reign) => reign.label === label).length;
    expect(Math.abs(count - 20), `${label}: ${count}`).toBeLessThanOrEqual(2);
  }
});

test("a planned end is announced: the work goes on until the next one watches, and stands still for one poll", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [a] = await cast.joinAll("abc");
  const { leadership } = cast.reigns[0] as (typeof cast.reigns)[0];
  leadership.stepDown();
  await cast.advance(RENEW_MS);
  // Told to the others, and not yet to the work.
  expect((await cast.row())?.announcement).toBeDefined();
  leadership.throwIfLost();
  await cast.reign(2);
  const [first, second] = cast.reigns;
  expect(cast.told).toBe("a1 b2");
  expect(first?.reason).toBe("stepped-down");
  expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(GAP_MS);
  await cast.advance(10 * LEASE_MS);
  expect(cast.told).toBe("a1 b2");
  expect(await cast.line()).toBe("ac");
  expect(a?.events.filter(({ type }) => type === "ended")).toHaveLength(1);
});

test.each(["random", "arrival", "ring"] as const)(
  "by order %s, the caller's abort hands over within a poll",
  async (succession) => {
    const cast = new Cast({ succession });
    const [a] = await cast.joinAll("abc");
    void a?.leave();
    await cast.reign(2);
    const [first, second] = cast.reigns;
    expect(first?.reason).toBe("resigned");
    expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(GAP_MS);
  },
);

test("to a named successor: it leads, though others stand before it in the line", async () => {
  const cast = new Cast({ succession: "arrival" });
  const actors = await cast.joinAll("abcde");
  cast.reigns[0]?.leadership.stepDown({ to: actors[3]?.id });
  await cast.reign(2);
  const [first, second] = cast.reigns;
  expect(cast.told).toBe("a1 d2");
  expect(first?.reason).toBe("handed-off");
  expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(GAP_MS);
  // Bound to that term: nothing of it is left for the next hand-over.
  const row = await cast.row();
  for (const trace of ["reservation", "announcement"] as const) {
    expect(row?.[trace], trace).toBeUndefined();
  }
});

test.each([
  ["has died", true],
  ["never was", false],
])("a named successor that %s costs its reservation; then the line leads", async (_, existed) => {
  const cast = new Cast({ succession: "arrival" });
  await cast.joinAll("abcd");
  const to = existed ? cast.actor("d").id : "nobody-0";
  if (existed) cast.kill("d");
  cast.reigns[0]?.leadership.stepDown({ to });
  await cast.until(() => cast.reigns[0]?.untilMs !== undefined);
  expect((await cast.row())?.reservation?.candidateId).toBe(to);
  const tookMs = await cast.until(() => cast.reigns.length > 1);
  expect(cast.told).toBe("a1 b2");
  expect(tookMs).toBeLessThanOrEqual(5 * RENEW_MS);
});

test("resign({ to }) keeps the lease for that candidate alone until it has surely looked", async () => {
  const stage = new Stage();
  const options = { succession: "arrival" } as const;
  const [a, b, c] = ["a", "b", "c"].map((label) => stage.candidate(label, options));
  if (!a || !b || !c) throw new Error("unreachable");
  const leadership = await a.election.campaign();
  const led: string[] = [];
  for (const [label, { election }] of Object.entries({ b, c }))
    void election.campaign().then(() => led.push(label));
  await stage.advance(10 * RENEW_MS);
  expect(await leadership.resign({ to: c.election.candidateId })).toBe("released");
  const { lease } = await stage.table.read(NAME);
  expect(lease).toMatchObject({
    endReason: "handed-off",
    reservation: { candidateId: c.election.candidateId },
  });
  await stage.until(() => led.length > 0);
  expect(led).toEqual(["c"]);
});

test("resign({ reserveForMs }) keeps the lease for the group, whoever of it comes; others only after it has lapsed", async () => {
  const stage = new Stage();
  const reserveForMs = 10 * LEASE_MS;
  const [eu1, eu2, us] = ["eu", "eu", "us"].map((group) => stage.candidate(group, { group }));
  if (!eu1 || !eu2 || !us) throw new Error("unreachable");
  await (await eu1.election.campaign()).resign({ reserveForMs });
  expect((await stage.table.read(NAME)).lease).toMatchObject({
    reservation: { group: "eu", forMs: reserveForMs },
  });
  expect(await us.election.tryCampaign()).toBeUndefined();
  const second = await eu2.election.tryCampaign();
  expect(second?.term).toBe(2);
  await second?.resign({ reserveForMs });
  let term: number | undefined;
  void us.election.campaign().then((leadership) => {
    term = leadership.term;
  });
  await stage.advance(reserveForMs - 50);
  expect(term).toBeUndefined();
  await stage.advance(2_500);
  expect(term).toBe(3);
});

test("resign({ reserveForMs }) without a group keeps it for the same candidate", async () => {
  const stage = new Stage();
  const [a, b] = ["a", "b"].map((label) => stage.candidate(label));
  await (await a?.election.campaign())?.resign({ reserveForMs: 60_000 });
  await stage.advance(LEASE_MS);
  expect(await b?.election.tryCampaign()).toBeUndefined();
  expect((await a?.election.tryCampaign())?.term).toBe(2);
});

test("runOnce with reserveForMs: the group keeps the job until it misses a tick", async () => {
  const stage = new Stage();
  const tick = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  const reserveForMs = 90_000;
  const player = (group: string) => stage.candidate(group, { group }).election;
  const ran: string[] = [];
  const run = async (group: string, minute: number) => {
    // A cold start each time: nothing is remembered but by the table.
    const result = await player(group).runOnce(tick(minute), () => void ran.push(`${group}${minute}`), {
      reserveForMs,
    });
    return result.ran ? "ran" : result.because;
  };
  expect(await run("eu", 1)).toBe("ran");
  expect(await run("us", 1)).toBe("done");
  await stage.advance(60_000);
  expect(await run("us", 2)).toBe("held");
  expect(await run("eu", 2)).toBe("ran");
  // From here on eu is gone.
  await stage.advance(60_000);
  expect(await run("us", 3)).toBe("held");
  await stage.advance(60_000);
  expect(await run("us", 4)).toBe("ran");
  expect(await run("eu", 4)).toBe("done");
  expect(ran).toEqual(["eu1", "eu2", "us4"]);
});

test.each([
  ["resign", (leadership: Leadership, reserveForMs: number) => leadership.resign({ reserveForMs })],
  ["runOnce", undefined],
])("%s refuses a reserveForMs that cannot be", async (_, resign) => {
  for (const reserveForMs of [0, -1, 1.5, Number.NaN, 32 * 86_400_000]) {
    const { election } = new Stage().candidate("a");
    const outcome = async () =>
      resign
        ? resign(await election.campaign(), reserveForMs)
        : election.runOnce("1", () => {}, { reserveForMs });
    await expect(outcome()).rejects.toMatchObject({ code: "INVALID_OPTION", option: "reserveForMs" });
  }
});

test("an announcement that nobody may have heard begins anew: the notice is never shorter", async () => {
  const cast = new Cast({ succession: "arrival" });
  let away = false;
  const store = between(cast.stage.table, (verb, pass) =>
    away && verb === "renew" ? Promise.reject(new TableUnavailableError("renew the lease")) : pass(),
  );
  await cast.joinAll("ab", (label) => (label === "a" ? { store } : {}));
  away = true;
  cast.reigns[0]?.leadership.stepDown();
  await cast.advance(RENEW_MS);
  away = false;
  const tookMs = await cast.until(() => cast.reigns.length > 1);
  expect(tookMs).toBeGreaterThanOrEqual(RENEW_MS);
  const [first, second] = cast.reigns;
  expect((second?.fromMs ?? 0) - (first?.untilMs ?? 0)).toBeLessThanOrEqual(GAP_MS);
});

test("a leader that drains slowly keeps the lease meanwhile, whatever it has announced", async () => {
  const stage = new Stage();
  const finish = gate();
  const options = { succession: "arrival" } as const;
  const a = stage.candidate("a", options);
  const b = stage.candidate("b", options);
  void a.election.lead(async (leadership) => {
    leadership.stepDown({ to: b.election.candidateId });
    await finish.opened;
  });
  let term: number | undefined;
  await stage.advance(100);
  void b.election.campaign().then((leadership) => {
    term = leadership.term;
  });
  await stage.advance(5 * LEASE_MS);
  expect(term).toBeUndefined();
  finish.open();
  await stage.until(() => term !== undefined);
  expect(term).toBe(2);
});
