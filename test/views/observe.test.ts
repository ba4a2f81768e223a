import { describe, expect, test } from "vitest";
import { type Leader, type LeaderChange, TableError, TableUnavailableError } from "../../src/index.js";
import { between, Stage } from "../support/stage.js";

const LEASE_MS = 3_000;

function follow(stage: Stage, options: Parameters<Stage["candidate"]>[1] = {}) {
  const { election } = stage.candidate("observer", options);
  const stop = new AbortController();
  const seen: Array<Leader | undefined> = [];
  const ended = (async () => {
    for await (const { leader } of election.observe({ signal: stop.signal })) seen.push(leader);
  })();
  return { seen, stop, ended };
}

test("observe tells who leads at once, then each change once and in order, until aborted", async () => {
  const stage = new Stage();
  const a = stage.candidate("a", { value: "http://a" });
  const b = stage.candidate("b", { value: "http://b" });
  const { seen, stop, ended } = follow(stage);
  await stage.advance(100);
  const first = await a.election.campaign();
  await stage.advance(2_000);
  await first.proclaim("http://a/2");
  await stage.advance(2_000);
  await first.resign();
  await stage.advance(2_000);
  await b.election.campaign();
  await stage.advance(2_000);
  expect(seen.map((leader) => leader && [leader.term, leader.value])).toEqual([
    undefined,
    [1, "http://a"],
    [1, "http://a/2"],
    undefined,
    [2, "http://b"],
  ]);
  expect(seen[1]).toMatchObject({ candidateId: a.election.candidateId });
  stop.abort();
  await ended;
});

test.each(["service-clock", "observation"] as const)(
  "a dead leader is no leader any more once its lease has run out, by %s",
  async (expiry) => {
    const stage = new Stage();
    const a = stage.candidate("a");
    await a.election.campaign();
    const { seen, stop, ended } = follow(stage, { tuning: { expiry } });
    await stage.advance(500, { frozen: [a.clock] });
    expect(seen.at(-1)?.term).toBe(1);
    await stage.advance(2 * LEASE_MS, { frozen: [a.clock] });
    expect(seen.at(-1)).toBeUndefined();
    stop.abort();
    await ended;
  },
);

test("observing survives outages of the table, and disturbs nobody", async () => {
  const stage = new Stage();
  const a = stage.candidate("a");
  let away = false;
  let writes = 0;
  const { seen, stop, ended } = follow(stage, {
    store: between(stage.table, (verb, pass) => {
      if (verb !== "read") writes += 1;
      return away ? Promise.reject(new TableUnavailableError("be reached")) : pass();
    }),
  });
  const leadership = await a.election.campaign();
  await stage.advance(2_000);
  away = true;
  await stage.advance(20_000);
  away = false;
  await stage.advance(5_000);
  expect(seen.map((leader) => leader?.term)).toEqual([undefined, 1].slice(-seen.length));
  leadership.throwIfLost();
  expect(writes).toBe(0);
  stop.abort();
  await ended;
});

test("a table that cannot be used ends the observation with the reason", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a", {
    store: between(stage.table, () => Promise.reject(new TableError("incumbent", "missing", "Create it."))),
  });
  await expect(election.observe().next()).rejects.toBeInstanceOf(TableError);
});

test("a loop that is left stops observing: no timer, no listener stays behind", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  for await (const { leader } of election.observe()) {
    expect(leader).toBeUndefined();
    break;
  }
  expect(stage.pendingTimers).toBe(0);
});

test("leader() is one read", async () => {
  const stage = new Stage();
  const verbs: string[] = [];
  const { election } = stage.candidate("a", {
    store: between(stage.table, (verb, pass) => {
      verbs.push(verb);
      return pass();
    }),
  });
  expect(await election.leader()).toBeUndefined();
  expect(verbs).toEqual(["read"]);
});

describe("how a term ended", () => {
  /** Told as `2 b, 1 a crashed`. `meddle` sees each read, and whether it is consistent. */
  function told(stage: Stage, meddle: (consistent: boolean, pass: () => Promise<unknown>) => unknown) {
    const store = new Proxy(stage.table, {
      get(table, verb) {
        if (verb === "read") {
          return (name: string, options: { consistent: boolean }) =>
            meddle(options.consistent, () => table.read(name));
        }
        const value: unknown = Reflect.get(table, verb);
        return typeof value === "function" ? value.bind(table) : value;
      },
    });
    const stop = new AbortController();
    const lines: string[] = [];
    const { election } = stage.candidate("observer", { store });
    const ended = (async () => {
      for await (const change of election.observe({ signal: stop.signal })) lines.push(inWords(change));
    })();
    const end = () => {
      stop.abort();
      return ended;
    };
    return { lines, stop: end };
  }

  function inWords({ leader, ended }: LeaderChange): string {
    const name = ({ term, candidateId }: Pick<Leader, "term" | "candidateId">) =>
      `${term} ${candidateId.split("-")[0]}`;
    return `${leader ? name(leader) : "nobody"}${ended ? `, ${name(ended)} ${ended.reason}` : ""}`;
  }

  test("a new value is no end, and a lease that ran out is confirmed by one consistent read", async () => {
    const stage = new Stage();
    const a = stage.candidate("a");
    const leadership = await a.election.campaign();
    const reads: boolean[] = [];
    const { lines, stop } = told(stage, (consistent, pass) => {
      reads.push(consistent);
      return pass();
    });
    await stage.advance(1_500);
    await leadership.proclaim("v2");
    await stage.advance(1_500);
    await stage.advance(4 * LEASE_MS, { frozen: [a.clock] });
    expect(lines).toEqual(["1 a", "1 a", "nobody, 1 a expired"]);
    expect(reads.filter((consistent) => consistent)).toHaveLength(1);
    await stop();
  });

  test("an old replica ends no term: neither one without the row nor one without its renewals", async () => {
    for (const isEmpty of [true, false]) {
      const stage = new Stage();
      const a = stage.candidate("a");
      await a.election.campaign();
      const old = await stage.table.read("billing/nightly");
      let isOld = false;
      const { lines, stop } = told(stage, (consistent, pass) => {
        if (!isOld || consistent) return pass();
        return { dateMs: stage.time.wallMs(), lease: isEmpty ? undefined : old.lease };
      });
      await stage.advance(50);
      isOld = true;
      await stage.advance(3 * LEASE_MS);
      expect(lines).toEqual(["1 a"]);
      await stop();
    }
  });

  test("a term whose end was told never leads again, though a late renewal of its holder lands", async () => {
    const stage = new Stage();
    const a = stage.candidate("a");
    await a.election.campaign();
    const { lines, stop } = told(stage, (_, pass) => pass());
    await stage.advance(3 * LEASE_MS, { frozen: [a.clock] });
    const { term, revision } = (await stage.table.read("billing/nightly")).lease ?? { term: 0, revision: 0 };
    const late = { election: "billing/nightly", candidateId: a.election.candidateId, term };
    const times = { renewIntervalMs: 1_000, value: undefined, expiresAt: undefined, at: undefined };
    await stage.table.renew({ ...late, ...times, revision: revision + 1 });
    await stage.advance(500, { frozen: [a.clock] });
    expect(lines).toEqual(["1 a", "nobody, 1 a expired"]);
    void stage.candidate("b").election.campaign();
    await stage.advance(3 * LEASE_MS, { frozen: [a.clock] });
    expect(lines).toEqual(["1 a", "nobody, 1 a expired", "2 b"]);
    await stop();
  });

  test("a deleted row, and an older one that a restore has put back", async () => {
    const stage = new Stage();
    const [a, b] = [stage.candidate("a"), stage.candidate("b")];
    await a.election.campaign();
    const old = (await stage.table.read("billing/nightly")).lease;
    await stage.advance(3 * LEASE_MS, { frozen: [a.clock] });
    const second = await b.election.tryCampaign();
    expect(second?.term).toBe(2);
    let isRestored = false;
    const { lines, stop } = told(stage, async (_, pass) =>
      isRestored ? { dateMs: stage.time.wallMs(), lease: old } : pass(),
    );
    await stage.advance(500);
    isRestored = true;
    await stage.advance(2 * LEASE_MS);
    expect(lines).toEqual(["2 b", "nobody, 2 b unknown"]);
    isRestored = false;
    await stage.advance(LEASE_MS);
    expect(lines.slice(2)).toEqual(["2 b"]);
    stage.table.deleteLease("billing/nightly");
    await stage.advance(1_100);
    expect(lines.slice(3)).toEqual(["nobody, 2 b deleted"]);
    await stop();
  });

  test("an older row that a restore has put back while nobody leads", async () => {
    const stage = new Stage();
    const [a, b] = [stage.candidate("a"), stage.candidate("b")];
    const first = await a.election.campaign();
    const { lease } = await stage.table.read("billing/nightly");
    await first.resign();
    await (await b.election.tryCampaign())?.resign();
    let isRestored = false;
    const { lines, stop } = told(stage, async (_, pass) =>
      isRestored ? { dateMs: stage.time.wallMs(), lease: { ...lease, expiresAt: undefined } } : pass(),
    );
    await stage.advance(100);
    isRestored = true;
    await stage.advance(3 * LEASE_MS);
    expect(lines).toEqual(["nobody, 2 b resigned", "1 a", "nobody, 1 a expired"]);
    await stop();
  });
});
