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

  async kill(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
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

const leaderOf = (term: number) => workers.find((worker) => worker.heard("wrote", term));
const ascending = (numbers: number[]) => numbers.every((n, i) => i === 0 || n >= (numbers[i - 1] ?? 0));

test("two processes, one leader; SIGKILL, and the other leads under the next term", async () => {
  const election = `e/${randomUUID()}`;
  new Worker(election);
  new Worker(election);
  const first = await eventually(() => leaderOf(1));
  expect(workers.filter((worker) => worker.heard("elected"))).toEqual([first]);
  await first.kill("SIGKILL");
  const second = await eventually(() => leaderOf(2));
  expect(second).not.toBe(first);
  expect(ascending(await registerOf(election))).toBe(true);
});

test("frozen past its lease and thawed: told once that it is lost, writes nothing late, and campaigns again", async () => {
  const election = `e/${randomUUID()}`;
  new Worker(election);
  new Worker(election);
  const frozen = await eventually(() => leaderOf(1));
  frozen.child.kill("SIGSTOP");
  const other = await eventually(() => leaderOf(2));
  await eventually(async () => (await registerOf(election)).filter((term) => term === 2).length > 20);
  frozen.child.kill("SIGCONT");
  await eventually(() => frozen.heard("ended", 1));
  expect(frozen.heard("ended", 1)).toMatchObject({ reason: expect.stringMatching(/^(expired|superseded)$/) });
  // It stands by again: when the other one goes, it leads.
  await other.kill("SIGTERM");
  await eventually(() => frozen.heard("wrote", 3));
  expect(other.heard("left")).toBeDefined();
  expect(frozen.said.filter(({ type, term }) => type === "ended" && term === 1)).toHaveLength(1);
  expect(ascending(await registerOf(election))).toBe(true);
});

test("the whole fleet killed at once and restarted elects", async () => {
  const election = `e/${randomUUID()}`;
  for (let i = 0; i < 3; i++) new Worker(election);
  await eventually(() => leaderOf(1));
  await Promise.all(workers.map((worker) => worker.kill("SIGKILL")));
  for (let i = 0; i < 3; i++) new Worker(election);
  await eventually(() => leaderOf(2));
  expect(ascending(await registerOf(election))).toBe(true);
});

test("SIGTERM: the work stops, the lease is given back, and another leads", async () => {
  const election = `e/${randomUUID()}`;
  new Worker(election);
  const first = await eventually(() => leaderOf(1));
  new Worker(election);
  await first.kill("SIGTERM");
  expect(first.heard("resigned", 1)).toMatchObject({ outcome: "released" });
  expect(first.child.exitCode).toBe(0);
  await eventually(() => leaderOf(2));
});
