import { expect, test } from "vitest";
import { type Leader, TableError, TableUnavailableError } from "../../src/index.js";
import { between, Stage } from "../support/stage.js";

const LEASE_MS = 3_000;

function follow(stage: Stage, options: Parameters<Stage["candidate"]>[1] = {}) {
  const { election } = stage.candidate("observer", options);
  const stop = new AbortController();
  const seen: Array<Leader | undefined> = [];
  const ended = (async () => {
    for await (const leader of election.observe({ signal: stop.signal })) seen.push(leader);
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
  for await (const leader of election.observe()) {
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
