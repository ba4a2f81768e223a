import { describe, expect, test } from "vitest";
import { type Leader, Operator, TableUnavailableError } from "../../src/index.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import { between, gate, type Player } from "../support/stage.js";

/** What an election tells of itself: who stands, who led, who leads. */

const RENEW_MS = LEASE_MS / 3;

describe("candidates()", () => {
  test("lists who stands, in order of arrival, with what each tells of itself and its part", async () => {
    const cast = new Cast({ succession: { order: "rank", rank: 0 } });
    await cast.joinAll("abcd", (label) => ({
      rank: "abcd".indexOf(label),
      value: `http://${label}`,
      ...(label === "c" && { eligible: false, group: "eu" }),
    }));
    const listed = await cast.actor("b").election.candidates();
    expect(listed.map(({ label, role, rank, value }) => [label, role, rank, value])).toEqual([
      ["a", "leader", 0, "http://a"],
      ["b", "waiting", 1, "http://b"],
      ["c", "observer", 2, "http://c"],
      ["d", "standby", 3, "http://d"],
    ]);
    expect(listed[2]).toMatchObject({ candidateId: cast.actor("c").id, eligible: false, group: "eu" });
    const arrivals = listed.map(({ arrival }) => arrival);
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
    expect(new Set(arrivals).size).toBe(4);
  });

  test("who left is gone at once, who died when its row should have been refreshed", async () => {
    const cast = new Cast({ succession: "arrival" });
    await cast.joinAll("abc");
    const labels = async () =>
      (await cast.actor("a").election.candidates()).map(({ label }) => label).join("");
    await Promise.all([cast.actor("b").leave(), cast.advance(100)]);
    expect(await labels()).toBe("ac");
    cast.kill("c");
    await cast.advance(5 * LEASE_MS);
    expect(await labels()).toBe("a");
  });

  test("a candidate started again under its label is another one", async () => {
    const cast = new Cast({ succession: "arrival" });
    await cast.joinAll("ab");
    cast.kill("b");
    await cast.advance(5 * LEASE_MS);
    await cast.joinAll("b");
    const listed = await cast.actor("a").election.candidates();
    expect(listed.map(({ candidateId }) => candidateId)).toEqual([cast.actor("a").id, cast.actor("b").id]);
  });
});

describe("history()", () => {
  test("tells who led from when to when and why it ended, latest first: of crashed and evicted leaders too", async () => {
    const cast = new Cast({ succession: "arrival" });
    await cast.joinAll("abcde");
    const operator = new Operator({ store: cast.stage.table, name: NAME });
    cast.kill("a");
    await cast.reign(2);
    await cast.advance(10 * RENEW_MS);
    await operator.evict(); // b, in term 2; term 3 is used up by it
    await cast.reign(4);
    await cast.advance(10 * RENEW_MS);
    await operator.requestStepDown({ to: cast.actor("e").id });
    await cast.reign(5);
    await cast.advance(2 * RENEW_MS);

    const history = await cast.actor("e").election.history();
    const labels = history.map(({ term, candidateId, endReason }) => [term, candidateId[0], endReason]);
    expect(labels).toEqual([
      [5, "e", undefined],
      [4, cast.reigns[2]?.label, "handed-off"],
      [2, "b", "evicted"],
      [1, "a", "expired"],
    ]);
    for (const [i, { electedAt = 0, lastRenewedAt = 0, endedAt }] of history.entries()) {
      expect(lastRenewedAt).toBeGreaterThanOrEqual(electedAt);
      if (i === 0) expect(endedAt).toBeUndefined();
      else expect(endedAt).toBeGreaterThanOrEqual(lastRenewedAt);
    }
    // Of one that crashed: when its lease had run out.
    const crashed = history.at(-1);
    expect((crashed?.endedAt ?? 0) - (crashed?.lastRenewedAt ?? 0)).toBeGreaterThanOrEqual(LEASE_MS);
  });

  test("the end of the latest term is told before there is another one", async () => {
    const cast = new Cast();
    const [a] = await cast.joinAll("a");
    await Promise.all([a?.leave(), cast.advance(LEASE_MS)]);
    const [latest] = (await a?.election.history()) ?? [];
    expect(latest).toMatchObject({ term: 1, endReason: "resigned", endedAt: expect.any(Number) });
  });

  test("of a leader that crashed and has no successor: its lease has run out, so it does not lead", async () => {
    const cast = new Cast();
    await cast.joinAll("a");
    cast.kill("a");
    await cast.advance(10 * LEASE_MS);
    const { election } = cast.stage.candidate("reader");
    expect(await election.leader()).toBeUndefined();
    expect((await election.history())[0]).toMatchObject({ term: 1, endReason: "expired" });
  });

  test("limits how many, and refuses limits that cannot be", async () => {
    const cast = new Cast();
    const { election } = cast.stage.candidate("a");
    for (let i = 0; i < 5; i++) await (await election.tryCampaign())?.resign();
    expect((await election.history({ limit: 2 })).map(({ term }) => term)).toEqual([5, 4]);
    for (const limit of [0, -1, 1.5, 10_001, Number.NaN, "10" as unknown as number]) {
      await expect(election.history({ limit })).rejects.toMatchObject({
        code: "INVALID_OPTION",
        option: "limit",
      });
    }
  });

  test("of an election that never was: empty", async () => {
    const { election } = new Cast().stage.candidate("a");
    expect(await election.history()).toEqual([]);
    expect(await election.candidates()).toEqual([]);
  });
});

describe("observe()", () => {
  /** An observer whose looks can be held back, as by an outage. */
  function follow(cast: Cast) {
    let away = false;
    const { election } = cast.stage.candidate("observer", {
      store: between(cast.stage.table, (_verb, pass) =>
        away ? Promise.reject(new TableUnavailableError("be reached")) : pass(),
      ),
    });
    const stop = new AbortController();
    const seen: Array<Leader | undefined> = [];
    const ended = (async () => {
      for await (const { leader } of election.observe({ signal: stop.signal })) seen.push(leader);
    })();
    return {
      ended,
      stop: () => stop.abort(),
      cut: () => {
        away = true;
      },
      mend: () => {
        away = false;
      },
      /** The terms told, each change of `value` apart. */
      get terms() {
        return seen.flatMap((leader) => leader?.term ?? []);
      },
    };
  }

  /** One tenure, from its beginning to its end, between two looks of any observer. */
  const comeAndGo = async ({ election }: Player) => (await election.tryCampaign())?.resign();

  test("leaders that came and went between two looks are told too, in order, each once", async () => {
    const cast = new Cast();
    const players = ["a", "b", "c"].map((label) => cast.stage.candidate(label));
    const observer = follow(cast);
    await cast.advance(100);
    for (const player of players) await comeAndGo(player);
    const last = await (players[0] as Player).election.tryCampaign();
    await cast.advance(2 * RENEW_MS);
    expect(last?.term).toBe(4);
    expect(observer.terms).toEqual([1, 2, 3, 4]);
    observer.stop();
    await observer.ended;
  });

  test("also when nobody leads by the time of the look", async () => {
    const cast = new Cast();
    const [a, b] = ["a", "b"].map((label) => cast.stage.candidate(label)) as [Player, Player];
    const observer = follow(cast);
    await cast.advance(100);
    await comeAndGo(a);
    await cast.advance(2 * LEASE_MS);
    expect(observer.terms).toEqual([1]);
    for (const player of [b, a]) await comeAndGo(player);
    await cast.advance(2 * LEASE_MS);
    expect(observer.terms).toEqual([1, 2, 3]);
    observer.stop();
    await observer.ended;
  });

  test("and though their history is written slowly", async () => {
    const cast = new Cast();
    const slowly = gate();
    const store = between(cast.stage.table, async (verb, pass) => {
      if (verb === "recordTerm") await slowly.opened;
      return pass();
    });
    const [first, next] = [cast.stage.candidate("first"), cast.stage.candidate("next")];
    const observer = follow(cast);
    // The observer's next look comes while that is being written.
    await cast.advance(700);
    await comeAndGo(first);
    const brief = await cast.stage.candidate("slow", { store }).election.tryCampaign();
    const gone = brief?.resign();
    void next.election.campaign();
    await cast.advance(500);
    slowly.open();
    await cast.advance(3 * LEASE_MS);
    await gone;
    expect(observer.terms).toEqual([1, 2, 3]);
    observer.stop();
    await observer.ended;
  });

  test("an outage is survived; leaders of that time are told after it", async () => {
    const cast = new Cast({ succession: { order: "ring", maxTenureMs: LEASE_MS } });
    const observer = follow(cast);
    await cast.joinAll("abc");
    const before = cast.reigns.length;
    observer.cut();
    await cast.reign(before + 4);
    expect(Math.max(...observer.terms)).toBeLessThanOrEqual(before + 1);
    observer.mend();
    await cast.advance(2 * LEASE_MS);
    const terms = cast.reigns.map(({ term }) => term);
    expect(observer.terms).toEqual(terms.slice(0, observer.terms.length));
    expect(observer.terms.length).toBeGreaterThanOrEqual(before + 4);
    observer.stop();
    await observer.ended;
  });

  test("of a hundred rotations none is missed, none told twice", async () => {
    const cast = new Cast({ succession: { order: "ring", maxTenureMs: 500 }, leaseDurationMs: 1_500 });
    const observer = follow(cast);
    await cast.joinAll("abc");
    await cast.until(() => cast.reigns.length >= 100, 600_000);
    await cast.advance(LEASE_MS);
    expect(observer.terms.slice(0, 100)).toEqual(cast.reigns.slice(0, 100).map(({ term }) => term));
    observer.stop();
    await observer.ended;
  });

  test("the standby is shown beside the leader", async () => {
    const cast = new Cast({ succession: "arrival" });
    const [a, b] = await cast.joinAll("ab");
    const { election } = cast.stage.candidate("reader");
    expect(await election.leader()).toMatchObject({ candidateId: a?.id, standby: b?.id });
  });

  test("ends on abort, also while it waits, or the table is away, or nobody ever led", async () => {
    for (const cut of [false, true]) {
      const cast = new Cast();
      const observer = follow(cast);
      await cast.advance(100);
      if (cut) observer.cut();
      await cast.advance(LEASE_MS);
      observer.stop();
      await observer.ended;
      expect(cast.stage.pendingTimers).toBe(0);
    }
  });
});
