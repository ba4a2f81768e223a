import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, beforeAll, expect, test } from "vitest";
import { eventually, localEnv, newClient, newLeaseTable, newTable } from "../support/fixture.js";

const client = newClient();
let leases: string;
let ledger: string;
beforeAll(async () => {
  leases = await newLeaseTable(client);
  ledger = await newTable(client);
});

interface Said {
  type: string;
  term?: number;
  code?: string;
  reason?: string;
  lateByMs?: number;
}

class Worker {
  readonly said: Said[] = [];
  readonly child: ChildProcess;

  constructor(election: string) {
    this.child = spawn(
      process.execPath,
      ["--import", "tsx", "test/support/worker.ts", leases, election, ledger],
      {
        stdio: ["pipe", "pipe", "inherit"],
        env: localEnv(),
      },
    );
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
    workers.push(this);
  }

  heard(type: string, term?: number): Said | undefined {
    return this.said.find((what) => what.type === type && (term === undefined || what.term === term));
  }

  /** Resolves when it has ended, and all that it said is heard. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const closed = once(this.child, "close");
    this.child.kill(signal);
    await closed;
  }
}

const workers: Worker[] = [];
afterEach(async () => {
  for (const { child } of workers.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
});

async function registerOf(election: string): Promise<number[]> {
  const key = { id: { S: election } };
  const { Item } = await client.send(
    new GetItemCommand({ TableName: ledger, Key: key, ConsistentRead: true }),
  );
  return (Item?.terms?.L ?? []).map(({ N }) => Number(N));
}

const ascending = (numbers: number[]) => numbers.every((n, i) => i === 0 || n >= (numbers[i - 1] ?? 0));

/**
 * Who writes first in a term after this one. On a busy machine a lease of 2 s may run out by itself, so terms are compared
 * with each other: they rise.
 */
const leaderAfter = (term: number, among = workers) =>
  eventually(() => {
    const writes = among.flatMap((worker) =>
      worker.said
        .filter(({ type }) => type === "wrote")
        .map((wrote) => ({ worker, term: wrote.term as number })),
    );
    return writes.filter((wrote) => wrote.term > term).sort((a, b) => a.term - b.term)[0];
  });
/** The highest term that anybody has told of. */
const lastTerm = () => Math.max(...workers.flatMap(({ said }) => said.map(({ term = 0 }) => term)));

test("two processes, one leader; SIGKILL, and the other leads under the next term", async () => {
  const election = `e/${randomUUID()}`;
  const both = [new Worker(election), new Worker(election)];
  const { worker: first } = await leaderAfter(0);
  const before = lastTerm();
  await first.kill("SIGKILL");
  await leaderAfter(
    before,
    both.filter((worker) => worker !== first),
  );
  const elected = both.flatMap(({ said }) => said.filter(({ type }) => type === "elected"));
  expect(new Set(elected.map(({ term }) => term)).size).toBe(elected.length);
  expect(ascending(await registerOf(election))).toBe(true);
});

test("frozen past its lease and thawed: told once that it is lost, writes nothing late, and campaigns again", async () => {
  const election = `e/${randomUUID()}`;
  const both = [new Worker(election), new Worker(election)];
  const { worker: frozen, term } = await leaderAfter(0);
  const other = both.find((worker) => worker !== frozen) as Worker;
  frozen.child.kill("SIGSTOP");
  await leaderAfter(term, [other]);
  await eventually(async () => (await registerOf(election)).filter((written) => written > term).length > 20);
  frozen.child.kill("SIGCONT");
  const ended = await eventually(() => frozen.heard("ended", term));
  expect(ended).toMatchObject({ reason: expect.stringMatching(/^(expired|superseded)$/) });
  // It stands by again: when the other one goes, it leads.
  const before = lastTerm();
  await other.kill("SIGTERM");
  await leaderAfter(before, [frozen]);
  expect(other.heard("left")).toBeDefined();
  expect(frozen.said.filter((what) => what.type === "ended" && what.term === term)).toHaveLength(1);
  expect(ascending(await registerOf(election))).toBe(true);
});

test("the whole fleet killed at once and restarted elects", async () => {
  const election = `e/${randomUUID()}`;
  for (let i = 0; i < 3; i++) new Worker(election);
  await leaderAfter(0);
  await Promise.all(workers.map((worker) => worker.kill("SIGKILL")));
  const before = lastTerm();
  for (let i = 0; i < 3; i++) new Worker(election);
  await leaderAfter(before);
  expect(ascending(await registerOf(election))).toBe(true);
});

test("SIGTERM: the work stops, the lease is given back, and another leads", async () => {
  const election = `e/${randomUUID()}`;
  const first = new Worker(election);
  await leaderAfter(0);
  const second = new Worker(election);
  const before = lastTerm();
  await first.kill("SIGTERM");
  expect(first.said.findLast(({ type }) => type === "resigned")).toMatchObject({ outcome: "released" });
  expect(first.child.exitCode).toBe(0);
  await leaderAfter(before, [second]);
});
