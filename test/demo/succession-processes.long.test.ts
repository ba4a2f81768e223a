import { expect, test } from "vitest";
import { Operator } from "../../src/index.js";
import { Contest } from "../support/candidates.js";
import { eventually } from "../support/fixture.js";

/**
 * What people know from other election systems, one test each: real processes on DynamoDB Local, killed for real.
 * Processes join one by one and are killed only when they are in step, so the right next one can be told.
 */

test("Bully: the highest leads; when it dies the next highest; a higher one that joins takes over", async () => {
  const contest = await Contest.of({
    succession: { order: "rank", rank: 0, preempt: { minTenureMs: 0 } },
  });
  await contest.joinAll("4123", (label) => ({ rank: Number(label) }));
  await contest.standbyIs("3");
  await contest.kill("4");
  expect(await contest.leads(2)).toBe("3");
  await contest.join("5", { rank: 5 });
  expect(await contest.leads(3)).toBe("5");
  expect(await contest.endOf(2)).toBe("preempted");
});

test("Ring: leadership passes to the next in the ring, round and round", async () => {
  const contest = await Contest.of({ succession: { order: "ring", maxTenureMs: 3_000 } });
  await contest.joinAll("abc");
  const first = Math.max(...contest.candidates.flatMap(({ said }) => said.map(({ term }) => term ?? 0)));
  const labels: string[] = [];
  for (let term = first; term < first + 4; term++) labels.push(await contest.leads(term));
  const from = "abc".indexOf(labels[0] as string);
  expect(labels).toEqual([0, 1, 2, 3].map((i) => "abc"[(from + i) % 3]));
  expect(await contest.endOf(first + 1)).toBe("rotated");
});

test("Pre-election: the successor is known while the leader lives, and takes over first", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  await contest.joinAll("abc");
  const leader = await contest.view.leader();
  expect(leader).toMatchObject({ candidateId: contest.get("a").id, standby: contest.get("b").id });
  await contest.kill("a");
  expect(await contest.leads(2)).toBe("b");
});

test("Raft: terms, leadership transfer, and nobody disturbs a healthy leader", async () => {
  const contest = await Contest.of({ succession: "random" });
  const a = contest.start("a");
  expect(await contest.leads(1)).toBe("a");
  const [, c] = [contest.start("b"), contest.start("c")];
  await eventually(() => c.id !== "");
  const operator = new Operator(contest.where);
  expect((await operator.requestStepDown({ to: c.id })).done).toBe(true);
  expect(await contest.leads(2)).toBe("c");
  expect(await contest.endOf(1)).toBe("handed-off");
  await contest.kill("c");
  expect("ab").toContain(await contest.leads(3));
  expect(a.said.filter(({ type }) => type === "ended")).toHaveLength(1);
});

test("ZAB, replica sets: the one with the freshest data leads, as it is when the leader dies", async () => {
  const contest = await Contest.of({ succession: { order: "rank", rank: 0 } });
  await contest.joinAll("abc", (label) => ({ rank: { a: 30, b: 20, c: 10 }[label] ?? 0 }));
  await contest.standbyIs("b");
  contest.get("c").setRank(25);
  await contest.standbyIs("c");
  await contest.settles();
  await contest.kill("a");
  expect(await contest.leads(2)).toBe("c");
});

test("ZooKeeper: first come, first served, and no herd when the leader dies", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  await contest.joinAll("abcde");
  expect(await contest.line()).toEqual(["b", "c", "d", "e"]);
  await contest.kill("a");
  expect(await contest.leads(2)).toBe("b");
  // Terms begun are tries that won; there were at most two that did not.
  expect(contest.refusals).toBeLessThanOrEqual(2);
});

test("etcd: the leader's address is one read away, and who observes is told of each leader in order", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  const stop = new AbortController();
  const seen: Array<[number, string | undefined]> = [];
  const observing = (async () => {
    for await (const { leader } of contest.view.observe({ signal: stop.signal })) {
      if (leader) seen.push([leader.term, leader.value]);
    }
  })();
  await contest.joinAll("abc", (label) => ({ value: `http://${label}` }));
  expect((await contest.view.leader())?.value).toBe("http://a");
  await contest.kill("a");
  await contest.leads(2);
  await contest.get("b").end("SIGTERM");
  await contest.leads(3);
  await eventually(() => seen.length >= 3);
  expect(seen).toEqual([
    [1, "http://a"],
    [2, "http://b"],
    [3, "http://c"],
  ]);
  stop.abort();
  await observing;
});

test("Kubernetes: candidates are listed with what they are; the preferred one is asked for, who is not eligible never leads", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  await contest.joinAll("abcd", (label) => ({ value: `v${label}`, eligible: label !== "b" }));
  const listed = (await contest.view.candidates()).map(({ label, role, value }) => [label, role, value]);
  expect(listed).toEqual([
    ["a", "leader", "va"],
    ["b", "observer", "vb"],
    ["c", "standby", "vc"],
    ["d", "waiting", "vd"],
  ]);
  await new Operator(contest.where).requestStepDown({ to: contest.get("d").id });
  expect(await contest.leads(2)).toBe("d");
  await Promise.all(["a", "c", "d"].map((label) => contest.kill(label)));
  await contest.join("e");
  // Only the newcomer may.
  expect(await contest.leads(3)).toBe("e");
});

test("Master and workers: who died is no longer listed, and everybody gets its turn", async () => {
  const contest = await Contest.of({ succession: { order: "ring", maxTenureMs: 2_500 } });
  await contest.joinAll("abc");
  await contest.kill("b");
  await eventually(async () => (await contest.view.candidates()).every(({ label }) => label !== "b"));
  const since = Math.max(...contest.candidates.flatMap(({ said }) => said.map(({ term }) => term ?? 0)));
  const turns = [await contest.leads(since + 1), await contest.leads(since + 2)];
  expect(turns.sort()).toEqual(["a", "c"]);
});

test("a standby killed together with the leader: the next of the line leads", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  await contest.joinAll("abcd");
  await Promise.all([contest.kill("a"), contest.kill("b")]);
  expect("cd").toContain(await contest.leads(2));
});

test("history tells of all of them why it ended, of the killed too", async () => {
  const contest = await Contest.of({ succession: "arrival" });
  await contest.joinAll("abcd");
  await contest.kill("a");
  await contest.leads(2);
  await eventually(async () => (await contest.view.leader())?.term === 2);
  const operator = new Operator({ ...contest.where, by: "ana" });
  await operator.requestStepDown();
  await contest.leads(3);
  const ends = () => contest.view.history();
  await eventually(async () => (await ends())[1]?.endReason !== undefined);
  expect((await ends()).map(({ term, endReason }) => [term, endReason])).toEqual([
    [3, undefined],
    [2, "stepped-down"],
    [1, "expired"],
  ]);
});
