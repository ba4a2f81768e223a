import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, expect, test } from "vitest";
import { incumbent, incumbentWith } from "../support/cli.js";
import { eventually, newClient } from "../support/fixture.js";
import { childrenOf, isAlive } from "../support/processes.js";

/** The demo's orders of succession, and the classic story, with the built command. */

const folder = mkdtempSync(join(tmpdir(), "incumbent-succession-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** On a table server of its own: what is left in the run's is looked at elsewhere. */
const ownDemo = (...args: string[]) => incumbentWith(process.env, "demo", ...args);

test("the classic story: the highest leads and is killed, the next takes over, a higher one joins and takes over", async () => {
  const demo = incumbent("demo", "--story", "--json");
  expect(await demo.exited, demo.err).toBe(0);
  const told = JSON.parse(demo.out);
  expect(told).toMatchObject({
    ok: true,
    terms: [
      { term: 1, candidateId: expect.stringMatching(/^node-4-/), endReason: "expired" },
      { term: 2, candidateId: expect.stringMatching(/^node-3-/), endReason: "preempted" },
      { term: 3, candidateId: expect.stringMatching(/^node-5-/) },
    ],
  });
  expect(told.takeoverMs).toBeGreaterThan(0);
  expect(told.handoverMs).toBeGreaterThanOrEqual(0);
  // Told while it happens, a line each, in this order.
  const lines = [
    "Starting DynamoDB Local",
    "DynamoDB Local answers",
    "node-4 starts, with rank 4",
    "node-4 leads: term 1",
    "node-3 is next",
    "node-4 renews its lease, and the others learn when it does (1 of 8)",
    "(8 of 8)",
    "node-4 is killed",
    "node-3 leads: term 2",
    "node-5 starts, with rank 5",
    "node-5 has joined",
    "node-5 leads: term 3",
  ];
  const at = lines.map((line) => demo.err.indexOf(line));
  expect(at).toEqual([...at].sort((a, b) => a - b));
  expect(at).not.toContain(-1);
  // Nothing is left on somebody else's server.
  const { TableNames } = await newClient().send(new ListTablesCommand({}));
  expect(TableNames?.filter((name) => name.startsWith("incumbent-story"))).toEqual([]);
});

test.each([
  ["rank", 3],
  ["ring", 2],
])(
  "payments in order %s by %i workers: a leader killed, one frozen, one resigned, each payment once",
  async (order, candidates) => {
    const args = ["--payments", "40", "--order", order, "--candidates", String(candidates), "--json"];
    const demo = ownDemo(...args, "--timeline", join(folder, `${order}.svg`));
    expect(await demo.exited, demo.err).toBe(0);
    const shown = JSON.parse(demo.out);
    expect(shown).toMatchObject({
      ok: true,
      order,
      candidates,
      appliedOnce: 40,
      duplicates: 0,
      staleWritesRefused: 1,
    });
    expect(shown.failovers.map(({ kind }: { kind: string }) => kind)).toEqual([
      "killed",
      "frozen",
      "resigned",
    ]);
    if (order === "rank") {
      const ledBy = (term: number) =>
        shown.terms.find((one: { term: number; rank: number }) => one.term === term);
      // The highest is the one that is killed, frozen and asked to resign, so it came back each time.
      for (const { fromTerm } of shown.failovers)
        expect(ledBy(fromTerm)).toMatchObject({ worker: "worker-3", rank: 3 });
      expect(demo.err).toContain("worker-3 has the highest rank");
      expect(demo.err).toContain("stops its work and hands over to a worker of higher rank");
    }
    const workers = new Set(shown.terms.map(({ worker }: { worker: string }) => worker));
    expect(workers.size).toBeLessThanOrEqual(candidates);
  },
);

test.each([
  ["SIGTERM", 143],
  ["SIGKILL", null],
] as const)("the story ended by %s leaves nothing running", async (signal, code) => {
  const demo = ownDemo("--story");
  await eventually(() => demo.out.includes("node-3 is next"));
  const children = childrenOf(demo.child.pid as number).filter(isAlive);
  demo.child.kill(signal);
  expect(await demo.exited).toBe(code);
  // Four nodes, the table server and a guard.
  expect(children.length).toBeGreaterThanOrEqual(6);
  await eventually(() => !children.some(isAlive));
});

test.each([
  [["--order", "alphabet"], "--order: must be one of random, arrival, rank, ring"],
  [["--order", ""], "--order: must be one of"],
  [["--candidates", "1"], "--candidates: must be a whole number from 2 to 12"],
  [["--candidates", "13"], "--candidates: must be a whole number from 2 to 12"],
  [["--story", "--order", "rank"], "--order: cannot go with --story"],
  [["--story", "--candidates", "4"], "--candidates: cannot go with --story"],
  [["--story", "--without-fencing"], "--without-fencing: cannot go with --story"],
  [["--story", "--lease-ms", "5"], "--lease-ms: must be a whole number from 1000 to 60000"],
])("%j is refused in one line", async (args, line) => {
  const demo = incumbent("demo", ...args);
  expect({ code: await demo.exited, out: demo.out }).toEqual({ code: 2, out: "" });
  expect(demo.err.trim().split("\n")).toHaveLength(1);
  expect(demo.err).toContain(line);
});
