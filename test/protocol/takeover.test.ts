import { expect, test } from "vitest";
import { AlreadyCampaigningError } from "../../src/index.js";
import { factsOf } from "../support/lease.js";
import { between, Stage } from "../support/stage.js";

const LEASE_MS = 3_000;

test("a follower takes over within one lease of the last renewal, plus jitter and a look", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b", { tuning: { expiry: "observation" } });
  await a.election.campaign();
  const next = b.election.campaign();
  await stage.advance(10_000);
  let elected = false;
  void next.then(() => {
    elected = true;
  });
  // From here on, a's process is dead.
  for (let passed = 0; !elected && passed < 2 * LEASE_MS; passed += 10) {
    await stage.advance(10, { frozen: [a.clock] });
  }
  expect((await next).term).toBe(2);
});

test("at no instant are two candidates trusted, whoever is frozen and thawed when", async () => {
  const stage = new Stage();
  const players = ["a", "b", "c"].map((label) => stage.candidate(label));
  const trusted = new Set<string>();
  for (const { election } of players) {
    void election.lead(async (leadership) => {
      trusted.add(election.candidateId);
      leadership.signal.addEventListener("abort", () => trusted.delete(election.candidateId));
      await new Promise((resolve) => leadership.signal.addEventListener("abort", resolve));
    });
  }
  for (const { clock } of [...players, ...players]) {
    const since = clock.wallMs();
    for (let passed = 0; passed < 2 * LEASE_MS; passed += 100) {
      await stage.advance(100, { frozen: [clock] });
      const others = players.filter((player) => player.clock !== clock);
      expect(others.filter(({ election }) => trusted.has(election.candidateId)).length).toBeLessThanOrEqual(
        1,
      );
    }
    clock.freeze(2 * LEASE_MS - (clock.wallMs() - since));
    await stage.advance(LEASE_MS);
    expect(trusted.size).toBeLessThanOrEqual(1);
  }
});

test("a newcomer does not wait a full lease for a holder long dead: the table's clock tells", async () => {
  const stage = new Stage();
  const dead = stage.candidate("dead");
  await dead.election.campaign();
  await stage.advance(LEASE_MS + 3_000, { frozen: [dead.clock] });
  const newcomer = stage.candidate("newcomer");
  const leadership = await newcomer.election.tryCampaign();
  expect(leadership?.term).toBe(2);
});

test("a newcomer that campaigns does not wait for a holder long dead either, whatever its jitter", async () => {
  const stage = new Stage();
  const dead = stage.candidate("dead");
  await dead.election.campaign();
  await stage.advance(LEASE_MS + 3_000, { frozen: [dead.clock] });
  const newcomer = stage.candidate("newcomer", { runtime: { random: () => 0.999 } });
  let term: number | undefined;
  void newcomer.election.campaign().then((leadership) => {
    term = leadership.term;
  });
  await stage.advance(10, { frozen: [dead.clock] });
  expect(term).toBe(2);
});

test("by observation only, a newcomer waits the lease out, and then takes it", async () => {
  const stage = new Stage();
  const dead = stage.candidate("dead");
  await dead.election.campaign();
  await stage.advance(60_000, { frozen: [dead.clock] });
  const newcomer = stage.candidate("newcomer", { tuning: { expiry: "observation" } });
  expect(await newcomer.election.tryCampaign()).toBeUndefined();
  await stage.advance(LEASE_MS - 20, { frozen: [dead.clock] });
  expect(await newcomer.election.tryCampaign()).toBeUndefined();
  await stage.advance(30, { frozen: [dead.clock] });
  expect((await newcomer.election.tryCampaign())?.term).toBe(2);
});

test("a takeover that never happens: tries made one by one remember what they saw", async () => {
  const stage = new Stage();
  const dead = stage.candidate("dead");
  await dead.election.campaign();
  const cron = stage.candidate("cron", { tuning: { expiry: "observation" } });
  expect(await cron.election.tryCampaign()).toBeUndefined();
  await stage.advance(5 * 60_000, { frozen: [dead.clock] });
  expect((await cron.election.tryCampaign())?.term).toBe(2);
});

test("the whole fleet killed and restarted elects", async () => {
  const stage = new Stage();
  const before = ["a", "b", "c"].map((label) => stage.candidate(label));
  for (const { election } of before) void election.campaign().catch(() => {});
  await stage.advance(2_000);
  const dead = before.map(({ clock }) => clock);
  const after = ["a", "b", "c"].map((label) => stage.candidate(label));
  const terms: number[] = [];
  for (const { election } of after) void election.campaign().then(({ term }) => terms.push(term));
  await stage.advance(LEASE_MS + 2_500, { frozen: dead });
  expect(terms).toEqual([2]);
});

test("two wrong clocks: wall clocks of two hosts are never compared", async () => {
  const stage = new Stage();
  const holder = stage.candidate("holder");
  const rival = stage.candidate("rival");
  rival.clock.stepWall(24 * 3_600_000); // a rival that believes it is tomorrow
  const leadership = await holder.election.campaign();
  void rival.election.campaign();
  await stage.advance(30_000);
  leadership.throwIfLost();
});

test("the same hostname is not the same identity", async () => {
  const stage = new Stage();
  const one = stage.candidate("web-1");
  const two = stage.candidate("web-1");
  expect(one.election.candidateId).not.toBe(two.election.candidateId);
  await one.election.campaign();
  expect(await two.election.tryCampaign()).toBeUndefined();
});

test("the token does not restart after the lease row is deleted, and nobody leads beside an unknown holder", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  const leadership = await a.election.campaign();
  await stage.advance(100);
  stage.table.deleteLease("billing/nightly");
  const next = b.election.campaign();
  let elected = false;
  void next.then(() => {
    elected = true;
  });
  for (let passed = 0; !elected && passed < 10_000; passed += 10) {
    await stage.advance(10);
    if (elected) expect(leadership.remainingMs()).toBe(0);
  }
  expect((await next).term).toBe(2);
  expect(leadership.signal.reason).toMatchObject({ reason: "deleted" });
});

test("an evicted leader is fenced off at once and told why; nobody leads while it may still trust its lease", async () => {
  const stage = new Stage();
  const { election, events } = stage.candidate("a");
  const rival = stage.candidate("b");
  const leadership = await election.campaign();
  await stage.advance(100);
  await stage.table.evict({ election: "billing/nightly", term: 1, at: undefined });
  const next = rival.election.campaign();
  let elected = false;
  void next.then(() => {
    elected = true;
  });
  await expect(
    leadership.transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }]),
  ).rejects.toMatchObject({ code: "FENCED_OUT", term: 1, currentTerm: 2 });
  expect(leadership.signal.reason).toMatchObject({ reason: "evicted" });
  expect(stage.table.items("ledger")).toEqual([]);
  await stage.advance(LEASE_MS - 200);
  expect(elected).toBe(false);
  await stage.advance(2 * LEASE_MS);
  expect((await next).term).toBe(3);
  expect(events.filter((event) => event.type === "ended")).toHaveLength(1);
});

test("a transaction caught on its way by a freeze longer than the lease is refused by the fence, and told so", async () => {
  const stage = new Stage();
  let first = true;
  const a = stage.candidate("a", {
    store: between(stage.table, (verb, pass) => {
      if (verb !== "transact" || !first) return pass();
      first = false;
      return new Promise(() => {});
    }),
  });
  const b = stage.candidate("b");
  const leadership = await a.election.campaign();
  const outcome = leadership
    .transact([{ Put: { TableName: "ledger", Item: { id: "1" } } }])
    .catch((error: unknown) => error);
  const next = b.election.campaign();
  await stage.advance(3 * LEASE_MS, { frozen: [a.clock] });
  expect((await next).term).toBe(2);
  a.clock.block(3 * LEASE_MS);
  await stage.advance(2_000);
  expect(await outcome).toMatchObject({ code: "FENCED_OUT", term: 1, currentTerm: 2 });
  expect(stage.table.items("ledger")).toEqual([]);
});

test("a row that came and went between two looks: the absence is observed anew, and no term is used twice", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  const b = stage.candidate("b");
  await (await a.election.campaign()).resign();
  await stage.advance(100);
  stage.table.deleteLease("billing/nightly");
  let blind = false;
  const watching = stage.candidate("c", {
    store: between(stage.table, (verb, pass) => (blind && verb === "read" ? new Promise(() => {}) : pass())),
  });
  const terms: number[] = [];
  void watching.election.campaign().then(({ term }) => terms.push(term));
  await stage.advance(50);
  blind = true; // c's looks get no answer, while another candidate leads for a while …
  const other = b.election.campaign();
  await stage.until(() => b.events.some(({ type }) => type === "elected"));
  await (await other).resign();
  await stage.advance(20);
  stage.table.deleteLease("billing/nightly"); // … and its row is deleted as well
  blind = false;
  await stage.advance(3 * LEASE_MS);
  expect(terms).toEqual([3]);
});

test("terms that left no history cannot be used again by who read the history beside them", async () => {
  const stage = new Stage();
  let blind = false;
  let met = false;
  const slow = stage.candidate("slow", {
    store: between(stage.table, async (verb, pass) => {
      if (blind) return new Promise(() => {});
      if (verb !== "readHistory" || met) return pass();
      met = true;
      // Between its look at the row and its look at the history, the first leader came and went …
      const first = await stage.candidate("first").election.campaign();
      await first.resign();
      const answer = await pass();
      blind = true;
      return answer;
    }),
  });
  const terms: number[] = [];
  void slow.election.campaign().then(({ term }) => terms.push(term));
  await stage.until(() => blind);
  // … then terms 2 and 3, of which history knows nothing, and term 4; then the row is deleted.
  for (const term of [2, 3, 4]) {
    const before = await stage.table.read("billing/nightly");
    expect(before.lease?.term).toBe(term - 1);
    await stage.table.acquire({
      election: "billing/nightly",
      candidateId: `leader-${term}`,
      attemptId: `try-${term}`,
      basis: { term: term - 1, revision: before.lease?.revision ?? 0 },
      term,
      leaseDurationMs: LEASE_MS,
      renewIntervalMs: LEASE_MS / 3,
      value: undefined,
      expiresAt: undefined,
      at: undefined,
    });
  }
  await stage.table.recordTerm("billing/nightly", { term: 4, leaseDurationMs: LEASE_MS });
  stage.table.deleteLease("billing/nightly");
  blind = false;
  await stage.advance(4 * LEASE_MS);
  expect(terms).toEqual([5]);
});

test("an eventually consistent read that shows an older row is ignored, and does not restart the wait", async () => {
  const stage = new Stage();
  const dead = stage.candidate("dead");
  await dead.election.campaign();
  const old = await stage.table.read("billing/nightly");
  await stage.advance(1_200);
  let reads = 0;
  const { election } = stage.candidate("b", {
    tuning: { expiry: "observation" },
    store: between(stage.table, async (verb, pass) => {
      const answer = await pass();
      return verb === "read" && ++reads % 2 === 0 ? old : answer;
    }),
  });
  const leadership = election.campaign();
  let elected = false;
  void leadership.then(() => {
    elected = true;
  });
  const passed = await (async () => {
    for (let ms = 0; ; ms += 10) {
      if (elected || ms > 3 * LEASE_MS) return ms;
      await stage.advance(10, { frozen: [dead.clock] });
    }
  })();
  expect(passed).toBeLessThanOrEqual(LEASE_MS + LEASE_MS / 30 + 50);
});

test("by the table's clock, nobody takes a lease before its holder's trust has ended, whatever the seconds' phase", async () => {
  for (let phase = 0; phase < 1_000; phase += 130) {
    const stage = new Stage();
    await stage.advance(phase - (phase % 10));
    let cut = false;
    const a = stage.candidate("a", {
      store: between(stage.table, (_verb, pass) => (cut ? new Promise(() => {}) : pass())),
    });
    const leadership = await a.election.campaign();
    await stage.advance(1_010);
    cut = true;
    // A newcomer each time: it knows nothing but the row and the table's clock.
    for (;;) {
      await stage.advance(100);
      const won = await stage.candidate("newcomer").election.tryCampaign();
      if (!won) continue;
      expect(leadership.remainingMs()).toBe(0);
      break;
    }
  }
});

test("a campaign aborted while its acquire is under way leaves no lease behind", async () => {
  const stage = new Stage();
  const caller = new AbortController();
  const store = between(stage.table, async (verb, pass) => {
    const answer = await pass();
    if (verb === "acquire") caller.abort(new Error("shutting down"));
    return answer;
  });
  const { election } = stage.candidate("a", { store });
  await expect(election.campaign({ signal: caller.signal })).rejects.toThrow("shutting down");
  expect(await election.leader()).toBeUndefined();
  expect(factsOf((await stage.table.read("billing/nightly")).lease)?.holder).toBeUndefined();
  expect(stage.pendingTimers).toBe(0);
});

test("abort before start: nothing is sent", async () => {
  const stage = new Stage();
  let requests = 0;
  const store = between(stage.table, (_verb, pass) => {
    requests += 1;
    return pass();
  });
  const { election } = stage.candidate("a", { store });
  const signal = AbortSignal.abort(new Error("already over"));
  await expect(election.campaign({ signal })).rejects.toThrow("already over");
  await expect(election.tryCampaign({ signal })).rejects.toThrow("already over");
  expect(await election.lead(() => "never", { signal })).toBeUndefined();
  expect(requests).toBe(0);
});

test("two bids of one Election are refused, and disturb neither the first bid nor its lease", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const release = new AbortController();
  const first = election.lead(
    (leadership) => new Promise((resolve) => leadership.signal.addEventListener("abort", resolve)),
    { signal: release.signal },
  );
  await stage.advance(100);
  await expect(election.lead(() => {})).rejects.toBeInstanceOf(AlreadyCampaigningError);
  await expect(election.tryCampaign()).rejects.toBeInstanceOf(AlreadyCampaigningError);
  expect((await election.leader())?.term).toBe(1);
  release.abort();
  await stage.advance(2_000);
  await first;
  const leadership = await election.campaign();
  await expect(election.campaign()).rejects.toBeInstanceOf(AlreadyCampaigningError);
  leadership.throwIfLost();
});

test("one read per renewal while following, and the write is noticed soon after it", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  let reads = 0;
  const b = stage.candidate("b", {
    store: between(stage.table, (verb, pass) => {
      if (verb === "read") reads += 1;
      return pass();
    }),
  });
  await a.election.campaign();
  await stage.advance(330); // an arbitrary phase
  void b.election.campaign();
  await stage.advance(12_000); // the bracket narrows
  reads = 0;
  const renewalsBefore = a.events.filter(({ type }) => type === "renewed").length;
  await stage.advance(30_000);
  const renewals = a.events.filter(({ type }) => type === "renewed").length - renewalsBefore;
  expect(renewals).toBe(30);
  expect(reads).toBeGreaterThanOrEqual(renewals - 1);
  expect(reads).toBeLessThanOrEqual(renewals + 1);
});
