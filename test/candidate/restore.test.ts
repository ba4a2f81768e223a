import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { Election, type Leadership, Operator, TableUnavailableError } from "../../src/index.js";
import type { Lease } from "../../src/protocol/lease.js";
import { FLOOR_SHARDS, floorPartition } from "../../src/store/schema.js";
import { MemoryTable } from "../../src/testing/index.js";
import { Cast, LEASE_MS, NAME } from "../support/cast.js";
import { incumbent } from "../support/cli.js";
import { leaseRow, newClient, newLeaseTable } from "../support/fixture.js";
import { leaseOf, vacantLease } from "../support/lease.js";
import { between, Stage } from "../support/stage.js";

/** Older rows put back, and tables made anew. */

const client = newClient();

/** A cast whose leader has term 3; and the row of term 1, as it was. */
async function third(options = {}): Promise<{ cast: Cast; old: Lease }> {
  const cast = new Cast(options);
  cast.join("a");
  await cast.reign(1);
  const old = leaseOf((await cast.row()) ?? {});
  cast.join("b");
  cast.join("c");
  for (const term of [2, 3]) {
    (await cast.reign(term - 1)).leadership.stepDown();
    await cast.reign(term);
  }
  await cast.advance(2_000);
  return { cast, old };
}

/** At no moment are two tenures trusted; returns the next one. */
async function nextOf(cast: Cast, term: number) {
  await cast.until(() => {
    const trusted = cast.reigns.filter(({ leadership }) => leadership.remainingMs() > 0);
    expect(trusted.length).toBeLessThanOrEqual(1);
    return cast.reigns.some((reign) => reign.term >= term);
  });
  return cast.reigns.at(-1);
}

const CASES: Array<[string, (old: Lease) => Lease]> = [
  ["held", (old) => old],
  ["vacant", (old) => vacantLease({ ...old, endReason: "resigned" })],
  ["expired", (old) => leaseOf({ ...old, expiresAt: 1 })],
];

test.each(CASES)(
  "an older row, %s: its leader stops at its next renewal, the others wait for a lease, and no term comes twice",
  async (_what, put) => {
    const { cast, old } = await third();
    const last = cast.reigns.at(-1);
    cast.stage.table.restore(NAME, put(old));
    const next = await nextOf(cast, 4);
    expect(next?.term).toBe(4);
    expect(last?.reason).toBe("superseded");
  },
);

test("a leader alone goes on above its own term", async () => {
  const cast = new Cast();
  cast.join("a");
  const first = await cast.reign(1);
  const old = leaseOf((await cast.row()) ?? {});
  first.leadership.stepDown();
  await cast.reign(2);
  cast.stage.table.restore(NAME, old);
  const passed = await cast.until(() => cast.reigns.length > 2);
  expect(cast.told).toBe("a1 a2 a3");
  expect(passed).toBeGreaterThanOrEqual(LEASE_MS);
});

test.each([
  ["held", (lease: Lease) => lease],
  ["vacant", (lease: Lease) => vacantLease(lease)],
])(
  "while the leader is cut off and trusts its lease, nobody takes an older row that is %s",
  async (_what, put) => {
    const { cast, old } = await third();
    const leader = cast.reigns.at(-1)?.label as string;
    cast.kill(leader);
    cast.stage.table.restore(NAME, put(old));
    const seen = (await cast.row())?.revision;
    await cast.advance(LEASE_MS - 200);
    expect((await cast.row())?.revision).toBe(seen);
    expect((await cast.reign(4)).term).toBe(4);
  },
);

test("an older row that was put back and then evicted uses up the number of the lost term: it is an older row all the same", async () => {
  const { cast, old } = await third();
  // That of term 2 has run out by the service clock, as each row of a backup has.
  const second = leaseOf({ ...old, term: 2, expiresAt: 1 });
  cast.stage.table.restore(NAME, second);
  const evicted = await new Operator({ store: cast.stage.table, name: NAME }).evict();
  expect(evicted.done).toBe(true);
  expect((await cast.row())?.term).toBe(3);
  expect((await nextOf(cast, 4))?.term).toBe(4);
});

test("a term that comes again, led by one who did not know of it, and is given back, does not end the lost one", async () => {
  const stage = new Stage();
  let isCut = false;
  const store = between(stage.table, async (_verb, pass) => {
    if (isCut) throw new TableUnavailableError("renew the lease");
    return pass();
  });
  const x = stage.candidate("x", { store }).election;
  const y = stage.candidate("y").election;
  await (await stage.candidate("a").election.campaign()).resign();
  const { lease: old } = await stage.table.read(NAME);
  const lost = await x.campaign();
  const bid = stage.candidate("c").election.campaign();
  await stage.advance(50);
  isCut = true;
  stage.table.restore(NAME, old as Lease);
  const again = await y.campaign();
  expect([lost.term, again.term]).toEqual([2, 2]);
  await again.resign();
  let next: Leadership | undefined;
  void bid.then((leadership) => {
    next = leadership;
  });
  await stage.until(() => next !== undefined);
  expect(next?.term).toBe(3);
  expect(lost.remainingMs()).toBeLessThanOrEqual(0);
  await next?.resign();
});

test("a table made anew: terms go on above those that were seen, after a lease", async () => {
  let table = new MemoryTable();
  const store = new Proxy(table, {
    get: (_target, verb: keyof MemoryTable) => {
      const method = table[verb] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => method.apply(table, args);
    },
  });
  const cast = new Cast({ store });
  cast.join("a");
  (await cast.reign(1)).leadership.stepDown();
  await cast.reign(2);
  cast.join("b");
  await cast.advance(2_000);
  table = new MemoryTable();
  const next = await nextOf(cast, 3);
  expect(next?.term).toBe(3);
  // The term that a newcomer would have begun is used up.
  expect(table.terms(NAME).map(({ term }) => term)).toContain(1);
  expect((await store.read(NAME)).lease?.term).toBe(3);
});

/** The commands of the runbook, for an election and a table of ours. */
function commands(tableName: string, name: string) {
  const page = readFileSync("docs/restore.md", "utf8");
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text = ""]) => text.replaceAll("\\\n", " "));
  const [raise, raiseFloors, tick, ...others] = blocks.map((text) => text.trim());
  if (!raise || !tick || !raiseFloors) throw new Error("the runbook has three commands");
  expect(others).toEqual([]);
  const words = tick.split(" ");
  expect(words.splice(0, 4)).toEqual(["npx", "incumbent", "operate", "billing/nightly"]);
  const update = (text: string) => {
    expect(text.trim()).toMatch(/^aws dynamodb update-item --table-name incumbent /);
    const option = (which: string) => new RegExp(`--${which} '([^']*)'`).exec(text)?.[1];
    const json = (which: string) => JSON.parse(option(which) ?? "null") ?? undefined;
    const Key = json("key");
    expect(Key.pk.S).toBe("billing/nightly");
    return new UpdateItemCommand({
      TableName: tableName,
      Key: { ...Key, pk: { S: name } },
      ConditionExpression: option("condition-expression"),
      UpdateExpression: option("update-expression"),
      ExpressionAttributeNames: json("expression-attribute-names"),
      ExpressionAttributeValues: json("expression-attribute-values"),
    });
  };
  const setTick = async () => {
    const command = incumbent("operate", name, ...words, "--table", tableName);
    expect(await command.exited, command.err).toBe(0);
  };
  return { raise: update(raise), setTick, raiseFloors };
}

test("the runbook: after its commands the next term is above the one that was given, on an older row and on none", async () => {
  const tableName = await newLeaseTable(client);
  for (const isRowThere of [true, false]) {
    const name = `e/${randomUUID()}`;
    const newcomer = () => new Election({ client, tableName, name });
    const first = await newcomer().campaign();
    const old = await leaseRow(client, tableName, name);
    await first.resign();
    await (await newcomer().campaign()).resign();
    // The backup: a row that is held.
    if (isRowThere) await client.send(new PutItemCommand({ TableName: tableName, Item: old }));
    else
      await client.send(
        new DeleteItemCommand({ TableName: tableName, Key: { pk: { S: name }, sk: { S: "lease" } } }),
      );
    const { raise, setTick } = commands(tableName, name);
    await client.send(raise);
    await setTick();
    // Given twice, or too low, it is refused.
    await expect(client.send(raise)).rejects.toThrow(/conditional/i);
    const outcome = await newcomer().runOnce("2026-01-31", () => {});
    expect(outcome).toMatchObject({ ran: false, because: "done" });
    const leadership = await newcomer().campaign();
    expect(leadership.term).toBe(5_001);
    await leadership.resign();
  }
});

test("the runbook for names that may be forgotten: a name without a row begins above the floors", async () => {
  const tableName = await newLeaseTable(client);
  const { raiseFloors } = commands(tableName, "billing/nightly");
  expect(raiseFloors).toContain(`for shard in $(seq 0 ${FLOOR_SHARDS - 1});`);
  const option = (which: string) => new RegExp(`--${which} '(.*?)'(?= |;)`).exec(raiseFloors)?.[1] ?? "";
  const [, shard] = floorPartition("customer/7").split("#");
  const raise = new UpdateItemCommand({
    TableName: tableName,
    Key: JSON.parse(option("key").replace("'$shard'", `${shard}`)),
    ConditionExpression: option("condition-expression"),
    UpdateExpression: option("update-expression"),
    ExpressionAttributeValues: JSON.parse(option("expression-attribute-values")),
  });
  await client.send(raise);
  await expect(client.send(raise)).rejects.toThrow(/conditional/i);
  const election = new Election({ client, tableName, name: "customer/7" });
  expect(await election.tryLead(({ term }) => term)).toMatchObject({ ran: true, result: 5_001 });
});

test("the runbook without a backup: on an empty table, the next term is above the given one, and the tick is done", async () => {
  const tableName = await newLeaseTable(client);
  const { raise, setTick } = commands(tableName, "billing/nightly");
  await client.send(raise);
  await setTick();
  const election = new Election({ client, tableName, name: "billing/nightly" });
  expect(await election.runOnce("2026-01-31", () => {})).toMatchObject({ ran: false, because: "done" });
  expect(await election.runOnce("2026-02-01", ({ term }) => term)).toMatchObject({
    ran: true,
    result: 5_001,
  });
});
