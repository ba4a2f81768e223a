import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Election } from "../../src/index.js";
import { Bundled } from "../support/bundled.js";
import { eventually, leaseRow, localEnv, newClient, newLeaseTable } from "../support/fixture.js";
import { noNamespaces, PLACES, type Place } from "../support/places.js";
import { childrenOf, isRunning } from "../support/processes.js";

/** Real leaders die in each way, where applications run. They are bundled into one file, ES module and CommonJS in turn. */
const client = newClient();
let table: string;
const bundles: Bundled[] = [];
beforeAll(async () => {
  for (const format of ["esm", "cjs"] as const) bundles.push(await Bundled.from("dying-leader.ts", format));
  table = await newLeaseTable(client);
});
afterAll(() => {
  for (const bundle of bundles) bundle[Symbol.dispose]();
});

interface Leader {
  readonly child: ChildProcess;
  readonly name: string;
  readonly said: Array<Record<string, unknown>>;
  /** Resolves with its exit code. Undefined after a signal. */
  readonly exited: Promise<number | null>;
}

const leaders: Leader[] = [];
afterEach(async () => {
  for (const { child, exited } of leaders.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
});

let started = 0;
function leader(place: Place, how: string, leaseMs = 120_000): Leader {
  const name = `e/${randomUUID()}`;
  const { file } = bundles[started++ % bundles.length] as Bundled;
  const [command = "", ...args] = [...PLACES[place], process.execPath, file, table, name, how, `${leaseMs}`];
  // Its input stays open: that is what the init waits for.
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"], env: localEnv() });
  const said: Leader["said"] = [];
  createInterface({ input: child.stdout }).on("line", (line) => said.push(JSON.parse(line)));
  const leader = { child, name, said, exited: once(child, "exit").then(([code]) => code) };
  leaders.push(leader);
  return leader;
}

const has = (leader: Leader, what: string, times = 1) =>
  eventually(() => leader.said.filter((line) => what in line)[times - 1]?.[what] as number | undefined);
const row = ({ name }: Leader) => leaseRow(client, table, name);

/** The row is free, and says of which death: 20 times as soon as the lease would have run out. */
async function crashed(leader: Leader): Promise<void> {
  await has(leader, "leads");
  await eventually(async () => (await row(leader))?.endReason?.S === "crashed");
  expect(await row(leader)).toMatchObject({ term: { N: "1" } });
  expect(await row(leader)).not.toHaveProperty("holder");
  expect(leader.said.filter((line) => "unavailable" in line)).toEqual([]);
}

const EXITS = ["exit", "exception", "rejection"];
const KILLS = ["SIGKILL", "SIGTERM", "abort"];

const deaths: Array<[Place, string[]]> = [
  ["a plain process", [...EXITS, ...KILLS, "SIGKILL of its companion, then its own"]],
  // The kernel kills everything in the namespace with PID 1. So only a death that runs code is noticed.
  ["PID 1", EXITS],
  ["beside an init", [...EXITS, ...KILLS, "SIGKILL of its companion, then its own"]],
];

describe.each(deaths)("%s", (place, hows) => {
  const skipped = place === "a plain process" ? undefined : noNamespaces;
  test.skipIf(skipped)(`its lease is given back after each of these: ${hows.join("; ")}`, async () => {
    // Three at a time.
    const left = [...hows];
    const worker = async () => {
      for (let how = left.shift(); how !== undefined; how = left.shift()) {
        const dying = leader(place, how);
        await crashed(dying).catch((cause) => {
          throw new Error(`${how}: ${JSON.stringify(dying.said)}`, { cause });
        });
      }
    };
    await Promise.all([worker(), worker(), worker()]);
  });
});

test("what notices a death starts when the first acquire has left, and the companion before the leadership begins", async () => {
  const first = leader("a plain process", "waits");
  const order = () => first.said.map(({ sends, starts, leads }) => sends ?? starts ?? (leads && "leads"));
  await eventually(() => order().includes("thread") && order().includes("leads"));
  // A founding is a transaction.
  const told = ["TransactWriteItems", "companion", "leads"];
  expect(order().filter((what) => told.includes(`${what}`))).toEqual(told);
  expect(order().indexOf("thread")).toBeGreaterThan(order().indexOf("TransactWriteItems"));
});

test("the hook keeps the exit code", async () => {
  const [exits, throws] = [leader("a plain process", "exit"), leader("a plain process", "exception")];
  expect([await exits.exited, await throws.exited]).toEqual([3, 1]);
});

test.skipIf(noNamespaces)(
  "PID 1 is killed: nothing is left that could notice, and the lease runs out",
  async () => {
    const first = leader("PID 1", "waits");
    await has(first, "leads");
    for (const pid of childrenOf(first.child.pid as number)) process.kill(pid, "SIGKILL");
    // The namespace has ended, with all that was in it.
    await first.exited;
    expect(await row(first)).toHaveProperty("holder");
    expect(await row(first)).not.toHaveProperty("endReason");
  },
);

test("an exit beside another thread: its work goes on until the process has ended, so the companion sends the will", async () => {
  await crashed(leader("a plain process", "exit beside a busy thread"));
  if (noNamespaces) return;
  // No companion outlives PID 1, and the hook must not send while the thread runs.
  const first = leader("PID 1", "exit beside a busy thread");
  await has(first, "leads");
  expect(await first.exited).toBe(3);
  expect(await row(first)).toHaveProperty("holder");
});

test("where no companion can start, one event says so, and the election goes on", async () => {
  const first = leader("a plain process", "has no companion", 1_000);
  await has(first, "renewed", 3);
  expect(first.said.filter((line) => "unavailable" in line)).toEqual([{ unavailable: "companion" }]);
});

test("a lease that was given back has no will: the process dies, and its companion ends without a word", async () => {
  const first = leader("a plain process", "resigns");
  await has(first, "outcome");
  const before = await row(first);
  expect(before?.endReason?.S).toBe("resigned");
  first.child.kill("SIGKILL");
  const companion = await has(first, "companion");
  await eventually(() => !isRunning(companion));
  expect(await row(first)).toEqual(before);
});

test("an exit event that somebody else emits ends nothing: the process lives, and leads", async () => {
  const first = leader("a plain process", "an exit event that somebody else emits");
  expect(await has(first, "lives")).toBeGreaterThan(0);
  expect(await row(first)).toHaveProperty("holder");
});

test.each(["a plain process", "PID 1"] as const)("%s: frozen is not dead", async (place) => {
  if (place === "PID 1" && noNamespaces) return;
  const first = leader(place, "waits", 2_000);
  // Its first term, unless the machine is so busy that an answer took a lease.
  const led = Number(await has(first, "leads"));
  const [pid] = place === "PID 1" ? childrenOf(first.child.pid as number) : [first.child.pid];
  const second = new Election({ client, tableName: table, name: first.name, leaseDurationMs: 60_000 });
  // Its history is written beside its work. If it froze before, history would not name it.
  await eventually(async () => (await second.history()).some(({ term }) => term === led));
  process.kill(pid as number, "SIGSTOP");
  // It takes a whole lease to be elected after it, and nothing was sent meanwhile.
  await using leadership = await second.campaign();
  expect(leadership.term).toBe(led + 1);
  const firstTerm = await eventually(async () =>
    (await second.history()).find(({ term, endReason }) => term === led && endReason),
  );
  expect(firstTerm.endReason).toBe("expired");
  // Then it dies, and its will comes too late.
  process.kill(pid as number, "SIGKILL");
  const companion = await has(first, "companion");
  if (place === "PID 1") await first.exited;
  else await eventually(() => !isRunning(companion));
  leadership.throwIfLost();
  expect(await row(first)).toMatchObject({ term: { N: `${led + 1}` }, holder: { S: second.candidateId } });
});
