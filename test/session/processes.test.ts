import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { Election, type Leadership, Session } from "../../src/index.js";
import { eventually, leaseRow, localEnv, newClient, newLeaseTable } from "../support/fixture.js";
import { Program } from "../support/program.js";

/** Real processes that hold many leases under one session, on DynamoDB Local. */

const client = newClient();
const COUNT = 12;
let tableName: string;
beforeAll(async () => {
  for (const [name, value] of Object.entries(localEnv())) if (value) vi.stubEnv(name, value);
  tableName = await newLeaseTable(client);
});

const programs: Program[] = [];
const sessions: Session[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  for (const program of programs.splice(0)) await program[Symbol.asyncDispose]();
});

const LEASE = { leaseDurationMs: 6_000, renewIntervalMs: 1_000 };

async function holder(options: object = {}) {
  const prefix = `e/${randomUUID()}`;
  const given = JSON.stringify({ ...LEASE, ...options });
  const program = new Program("session-process.ts", tableName, prefix, `${COUNT}`, given);
  programs.push(program);
  return { program, prefix, id: await program.says<string>("leads") };
}

/** Waits for all of these leases, under a session of this process. */
function waits(prefix: string) {
  const session = new Session({ client, tableName, ...LEASE, stopTimeoutMs: 2_000 });
  sessions.push(session);
  return Array.from({ length: COUNT }, async (_, i) => {
    const leadership = await new Election({ session, name: `${prefix}/${i}` }).campaign();
    leadership.signal.addEventListener("abort", () => void leadership.resign(), { once: true });
    return leadership;
  });
}

const sessionRow = (id: string) => leaseRow(client, tableName, `session#${id}`);
/** On a busy machine an acquire can stay without an answer, and the next one uses one more term. */
const lowestTermOf = async (waiting: Promise<Leadership>[]) =>
  Math.min(...(await Promise.all(waiting)).map(({ term }) => term));

test("a holder that is killed: its session is sealed, and all its leases go on", async () => {
  const { program, prefix, id } = await holder();
  const waiting = waits(prefix);
  program.child.kill("SIGKILL");
  expect(await lowestTermOf(waiting)).toBe(2);
  expect(await sessionRow(id)).toMatchObject({ endReason: { S: "expired" } });
});

test("a holder that is killed and has left one will: all its leases are free at once", async () => {
  const hour = { leaseDurationMs: 3_600_000, renewIntervalMs: 2_000, lastWill: true };
  const { program, prefix, id } = await holder(hour);
  program.child.kill("SIGKILL");
  await eventually(async () => (await sessionRow(id))?.endReason?.S === "crashed");
  expect(await lowestTermOf(waits(prefix))).toBe(2);
});

test("a holder that is frozen for longer than its lease knows when it wakes up that it holds nothing", async () => {
  const { program, prefix } = await holder();
  const waiting = waits(prefix);
  program.child.kill("SIGSTOP");
  const leaderships = await Promise.all(waiting);
  program.child.kill("SIGCONT");
  expect(await program.says<number>("trusted")).toBe(0);
  expect(await program.says("ended", COUNT)).toBe("session-lost");
  for (const leadership of leaderships) leadership.throwIfLost();
});

test("a holder that closes its session: all leases are given back, and the process ends by itself", async () => {
  const { program, prefix, id } = await holder();
  program.child.kill("SIGTERM");
  expect(await program.says("closed")).toBe("released");
  expect(await program.says("over")).toBe(true);
  await program.silent;
  expect(await sessionRow(id)).toMatchObject({ endReason: { S: "resigned" } });
  for (let i = 0; i < COUNT; i++)
    expect(await leaseRow(client, tableName, `${prefix}/${i}`)).toMatchObject({
      endReason: { S: "resigned" },
    });
});

test("a blocked event loop: the thread renews the session, and with it all leases", async () => {
  const table = await newLeaseTable(client);
  const session = new Session({
    client,
    tableName: table,
    leaseDurationMs: 3_000,
    renewIntervalMs: 500,
    heartbeat: { maxStallMs: 12_000 },
  });
  sessions.push(session);
  const leaderships = await Promise.all(
    ["x", "y", "z"].map((name) => new Election({ session, name }).campaign()),
  );
  for (const startMs = performance.now(); performance.now() - startMs < 6_000; );
  for (const leadership of leaderships) leadership.throwIfLost();
  await Promise.all(leaderships.map((leadership) => leadership.resign()));
});
