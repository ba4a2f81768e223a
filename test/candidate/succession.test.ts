import { expect, test } from "vitest";
import { type Succession, TableError } from "../../src/index.js";
import { lifetimeMs, MAX_DELETED } from "../../src/protocol/membership.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import { between } from "../support/stage.js";

/** The line of succession, on a stage: one table, and candidates whose time is ours to pass. */

const RENEW_MS = LEASE_MS / 3;
const SLOT_MS = LEASE_MS / 30;

test.each<[string, Succession, string, Record<string, number>]>([
  ["arrival", "arrival", "bcde", {}],
  ["rank", { order: "rank", rank: 0 }, "dbec", { b: 2, c: 0, d: 3, e: 1 }],
  ["ring", "ring", "bcde", {}],
  ["one's own order", { order: (a, b) => b.label.localeCompare(a.label) }, "edcb", {}],
])(
  "by %s, the successors are known while the leader lives, and lead in that order when it dies",
  async (_, succession, line, ranks) => {
    const cast = new Cast({ succession });
    const actors = await cast.joinAll("abcde", (label) => ({ rank: ranks[label] ?? 0 }));
    expect(cast.told).toBe("a1");
    expect(await cast.line()).toBe(line);
    const standby = await actors[4]?.election.leader();
    expect(standby?.standby).toMatch(new RegExp(`^${line[0]}-`));
    for (const [i, label] of [..."a", ...line.slice(0, 2)].entries()) {
      cast.kill(label);
      await cast.reign(i + 2);
      // Until everybody is in step with the new one.
      await cast.advance(10 * RENEW_MS);
    }
    expect(cast.told).toBe(
      `a1 ${[...line]
        .slice(0, 3)
        .map((label, i) => `${label}${i + 2}`)
        .join(" ")}`,
    );
  },
);

test("a standby takes over within one lease of the last renewal and a look, without a herd behind it", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [, ...others] = await cast.joinAll("abcdefghijkl");
  const { renewedAt = 0 } = (await cast.row()) ?? {};
  cast.kill("a");
  await cast.reign(2);
  const { electedAt = 0 } = (await cast.row()) ?? {};
  expect(cast.told).toBe("a1 b2");
  expect(electedAt - renewedAt).toBeLessThanOrEqual(LEASE_MS * 1.1);
  await cast.advance(LEASE_MS);
  const tries = others.flatMap(({ events }) =>
    events.filter(({ type }) => type === "refused" || type === "elected"),
  );
  expect(tries).toHaveLength(1);
});

/** Whose rows there are, by order of arrival as far as that is told. */
async function registered(cast: Cast): Promise<string[]> {
  const { candidates } = await cast.stage.table.readCandidates(NAME);
  return [...candidates].sort((a, b) => a.arrival - b.arrival).map(({ candidateId }) => candidateId);
}

/** When somebody leads again, in milliseconds after the first `dead` of the line died together. */
async function gapMs(dead: number): Promise<{ readonly label: string; readonly ms: number }> {
  const cast = new Cast({
    succession: "arrival",
    tuning: { expiry: "observation" },
    runtime: { random: () => 0.5 },
  });
  await cast.joinAll("abcdef");
  // Just after a renewal: only places tell them apart then.
  const { revision } = (await cast.row()) ?? {};
  for (let now = revision; now === revision; now = (await cast.row())?.revision) await cast.advance(10);
  cast.kill(..."abcdef".slice(0, dead));
  const ms = await cast.until(() => cast.reigns.length > 1);
  return { label: cast.reigns[1]?.label ?? "", ms };
}

test("a dead standby delays the next by its slot only, and more dead ones block nobody", async () => {
  const alive = await gapMs(1);
  expect(alive.label).toBe("b");
  const withoutStandby = await gapMs(2);
  expect(withoutStandby.label).toBe("c");
  expect(withoutStandby.ms - alive.ms).toBeGreaterThanOrEqual(SLOT_MS - 50);
  expect(withoutStandby.ms - alive.ms).toBeLessThanOrEqual(SLOT_MS + 50);
  for (const dead of [3, 4, 5]) {
    const { label, ms } = await gapMs(dead);
    expect("abcdef".slice(dead)).toContain(label);
    // Those further back look less often.
    expect(ms).toBeLessThanOrEqual(LEASE_MS + 2 * RENEW_MS + 6 * SLOT_MS);
  }
});

test("a frozen standby delays, and when it thaws it stands behind the one who took its place", async () => {
  const cast = new Cast({ succession: "arrival" });
  await cast.joinAll("abc");
  cast.kill("a", "b");
  await cast.reign(2);
  expect(cast.told).toBe("a1 c2");
  cast.thaw("b");
  await cast.advance(3 * LEASE_MS);
  expect(cast.told).toBe("a1 c2");
  expect(await cast.line()).toBe("b");
});

test("a line of nobody but the dead costs its slots; then the living lead", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [a] = await cast.joinAll("ab");
  const row = await cast.row();
  // As a stale leader, a bug or a vandal might leave it.
  const line = Array.from({ length: 16 }, (_, i) => `ghost-${i}`);
  await cast.stage.table.renew({
    election: NAME,
    candidateId: a?.id ?? "",
    term: 1,
    revision: (row?.revision ?? 0) + 1_000,
    renewIntervalMs: RENEW_MS,
    value: undefined,
    expiresAt: row?.expiresAt,
    at: row?.renewedAt,
    line,
  });
  cast.kill("a");
  const { label, fromMs } = await cast.reign(2);
  expect(label).toBe("b");
  expect(fromMs).toBeLessThan(20_000);
  await cast.advance(2 * RENEW_MS);
  expect(await cast.line()).toBe("");
});

test("who crashed leaves the line when its row has not been refreshed, who left at once", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [, , c] = await cast.joinAll("abcd");
  expect(await cast.line()).toBe("bcd");
  await c?.leave();
  await cast.advance(2 * RENEW_MS);
  expect(await cast.line()).toBe("bd");
  cast.kill("b");
  await cast.advance(4 * LEASE_MS);
  expect(await cast.line()).toBe("d");
});

test("who leaves deletes its row", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [a, b, c] = await cast.joinAll("abc");
  await Promise.all([c?.leave(), cast.advance(100)]);
  expect(await registered(cast)).toEqual([a?.id, b?.id]);
});

test("who stands again before its deletion has arrived keeps its row", async () => {
  const { stage } = new Cast();
  const late: (() => Promise<unknown>)[] = [];
  const store = between(stage.table, (verb, pass) => {
    if (verb !== "deleteCandidate") return pass();
    late.push(pass);
    return new Promise(() => {});
  });
  const { election } = stage.candidate("a", { store, succession: "arrival" });
  const rows = async () => (await stage.table.readCandidates(NAME)).candidates;
  const first = election.campaign();
  await stage.advance(100);
  const { signal } = await first;
  await stage.table.evict({ election: NAME, term: 1, at: undefined });
  await stage.until(() => signal.aborted && late.length === 1);
  const [{ heartbeat = 0 } = {}] = await rows();
  void election.campaign();
  await stage.advance(2 * LEASE_MS);
  await late[0]?.();
  expect((await rows()).map((row) => [row.candidateId, row.heartbeat > heartbeat])).toEqual([
    [election.candidateId, true],
  ]);
});

test("a refresh that arrives after its candidate has left costs order, for one lifetime and no longer", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: true } });
  let leaving = false;
  let late: (() => Promise<unknown>) | undefined;
  const store = between(cast.stage.table, (verb, pass) => {
    if (!leaving || verb !== "writeCandidate" || late) return pass();
    late = pass;
    return new Promise(() => {});
  });
  await cast.joinAll("abc", (label) =>
    label === "c" ? { rank: 1, eligible: false, store } : { rank: 2 - "ab".indexOf(label) },
  );
  leaving = true;
  await cast.until(() => late !== undefined);
  await Promise.all([cast.actor("c").leave(), cast.advance(LEASE_MS)]);
  expect(await registered(cast)).not.toContain(cast.actor("c").id);
  await late?.();
  expect(await registered(cast)).toContain(cast.actor("c").id);
  const labels = async () => (await cast.actor("a").election.candidates()).map(({ label }) => label).join("");
  await cast.advance(lifetimeMs(LEASE_MS) + 2 * RENEW_MS);
  expect(await labels()).toBe("ab");
  expect(cast.told).toBe("a1");
  cast.kill("a");
  expect((await cast.reign(2)).label).toBe("b");
});

test("the leader deletes the rows of those who are long dead, some at each renewal, and nobody else's", async () => {
  const cast = new Cast({ succession: "arrival" });
  const actors = await cast.joinAll("abc");
  const ghosts = Array.from({ length: 3 * MAX_DELETED }, (_, i) => `ghost-${i}`);
  const expiresAt = cast.stage.time.wallMs() - 3_600_000;
  const ghost = {
    label: "ghost",
    arrival: 1,
    rank: 0,
    eligible: true,
    heartbeat: 1,
    refreshIntervalMs: LEASE_MS,
  };
  for (const candidateId of ghosts)
    await cast.stage.table.writeCandidate(NAME, { candidateId, expiresAt, ...ghost });
  // Without an end of its own it is never surely dead.
  await cast.stage.table.writeCandidate(NAME, { candidateId: "endless", ...ghost, arrival: 9 });
  await cast.advance(2 * RENEW_MS);
  const early = await registered(cast);
  expect(early.length).toBeLessThan(ghosts.length);
  expect(early.length).toBeGreaterThan(3 + 1);
  await cast.advance(4 * RENEW_MS);
  expect(await registered(cast)).toEqual([...actors.map(({ id }) => id), "endless"]);
  await cast.advance(3 * LEASE_MS);
  expect(cast.told).toBe("a1");
  expect(await cast.line()).toBe("bc");
});

test("a dead candidate whose row does not say how long it is good is not handed over to", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0, preempt: { minTenureMs: 0 } } });
  const dead = {
    label: "dead",
    arrival: 7,
    rank: 9,
    eligible: true,
    heartbeat: 4,
    refreshIntervalMs: LEASE_MS,
  };
  await cast.stage.table.writeCandidate(NAME, { candidateId: "dead", ...dead });
  await cast.joinAll("ab");
  await cast.advance(4 * LEASE_MS);
  expect(cast.told).toBe("a1");
  // It lives after all: its heartbeat changes, and then its rank counts.
  await cast.stage.table.writeCandidate(NAME, { candidateId: "dead", ...dead, heartbeat: 5 });
  await cast.advance(2 * RENEW_MS);
  expect(await cast.line()).toMatch(/^dead/);
});

test("a candidate that was frozen so long that its row was deleted is in the line again when it thaws", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [, , c] = await cast.joinAll("abc");
  cast.kill("c");
  await cast.advance(20 * LEASE_MS);
  expect(await registered(cast)).not.toContain(c?.id);
  cast.thaw("c");
  await cast.advance(2 * LEASE_MS);
  expect(await registered(cast)).toContain(c?.id);
  expect(await cast.line()).toBe("bc");
  expect(cast.told).toBe("a1");
});

test("a leader that may not delete asks once, and leads on", async () => {
  const cast = new Cast({ succession: "arrival" });
  let asked = 0;
  const store = between(cast.stage.table, (verb, pass) => {
    if (verb !== "deleteCandidate") return pass();
    asked += 1;
    return Promise.reject(new TableError("incumbent", "access-denied", "Grant it."));
  });
  await cast.joinAll("ab", () => ({ store }));
  cast.kill("b");
  await cast.advance(30 * LEASE_MS);
  expect(asked).toBe(1);
  expect(cast.told).toBe("a1");
});

test("who joins later stands at the end by arrival, and where its rank puts it by rank", async () => {
  const byArrival = new Cast({ succession: "arrival" });
  await byArrival.joinAll("ab");
  await byArrival.joinAll("c");
  expect(await byArrival.line()).toBe("bc");
  const byRank = new Cast({ succession: { order: "rank", rank: 0 } });
  await byRank.joinAll("ab");
  await byRank.joinAll("c", () => ({ rank: 9 }));
  expect(await byRank.line()).toBe("cb");
  // Nobody asked for preemption: a healthy leader is not disturbed.
  await byRank.advance(10 * LEASE_MS);
  expect(byRank.told).toBe("a1");
});

test("with order random no line is kept, and no row but the lease is written or read", async () => {
  const cast = new Cast();
  const [a] = await cast.joinAll("abc");
  expect((await cast.row())?.line).toBeUndefined();
  expect(await a?.election.candidates()).toEqual([]);
  cast.kill("a");
  expect((await cast.reign(2)).label).not.toBe("a");
});

test("the rank function is asked at each refresh: the freshest data leads, whoever had it before", async () => {
  const cast = new Cast({ succession: { order: "rank", rank: 0 } });
  const position: Record<string, number> = { a: 10, b: 5, c: 4 };
  const asked: Record<string, number> = {};
  await cast.joinAll("abc", (label) => ({
    rank: async () => {
      asked[label] = (asked[label] ?? 0) + 1;
      return position[label] ?? 0;
    },
  }));
  expect(await cast.line()).toBe("bc");
  position.c = 8;
  const before = { ...asked };
  await cast.advance(3 * RENEW_MS);
  for (const label of "abc") expect(asked[label]).toBeGreaterThan(before[label] ?? 0);
  expect(await cast.line()).toBe("cb");
  cast.kill("a");
  expect((await cast.reign(2)).label).toBe("c");
});

test.each<[string, () => number | Promise<number>]>([
  ["throws", () => Promise.reject(new Error("no replica"))],
  ["gives no number", () => Number.NaN],
  ["never answers", () => new Promise(() => {})],
])(
  "a rank function that %s leaves the rank as it was told last, and the candidate in the line",
  async (_, fail) => {
    let broken = false;
    const cast = new Cast({ succession: { order: "rank", rank: 0 } });
    await cast.joinAll("abc", (label) =>
      label === "c" ? { rank: () => (broken ? fail() : 7) } : { rank: 1 },
    );
    expect(await cast.line()).toBe("cb");
    broken = true;
    await cast.advance(4 * LEASE_MS);
    expect(await cast.line()).toBe("cb");
  },
);

test("not eligible: it is listed, shown the leader, and never leads, though nobody else is left", async () => {
  const cast = new Cast({ succession: "arrival" });
  const [, b] = await cast.joinAll("ab", (label) => ({ eligible: label !== "b" }));
  expect(await cast.line()).toBe("");
  expect(await b?.election.candidates()).toMatchObject([
    { label: "a", role: "leader", eligible: true },
    { label: "b", role: "observer", eligible: false },
  ]);
  cast.kill("a");
  await cast.advance(10 * LEASE_MS);
  expect(await b?.election.tryCampaign().catch((error: unknown) => error)).toMatchObject({
    code: "ALREADY_CAMPAIGNING",
  });
  expect(cast.told).toBe("a1");
});
