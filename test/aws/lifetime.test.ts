import {
  DescribeTableCommand,
  PutItemCommand,
  ResourceNotFoundException,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { expect, inject, test } from "vitest";
import { eventually, newClient, newLeaseTable, newTable } from "../support/fixture.js";
import { Program } from "../support/program.js";
import { isLeft, LEFT_AFTER_MS, remove, runTables } from "./leftovers.js";
import { PACE, RUN_WITHIN_MS } from "./plan.js";
import { isRunTable, newTableName, removeTable, TABLE_PREFIX, unfitness } from "./run-table.js";
import { MAX_TICKS } from "./ticks.js";
import { TOKEN_WAIT_MS } from "./tokens.js";
import { newWorkspace, remove as removeAll, removeOldRows } from "./workspace.js";

/** The table of a run: its name, what may be used, and that none is left. */

const client = newClient();
const isThere = (TableName: string) =>
  client.send(new DescribeTableCommand({ TableName })).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ResourceNotFoundException) return false;
      throw error;
    },
  );

function newRunTable(): Promise<string> {
  return newTable(client, "pk", newTableName());
}

test("a table's name carries its time, and no other table counts as one of a run", () => {
  const name = newTableName(new Date("2026-01-31T03:04:05.678Z"));
  expect(name).toMatch(/^incumbent-verify-20260131T030405Z-[0-9a-f]{6}$/);
  expect(isRunTable(name)).toBe(true);
  for (const other of ["incumbent", TABLE_PREFIX, `${name}-mine`, `my-${name}`, `${TABLE_PREFIX}prod`])
    expect([other, isRunTable(other)]).toEqual([other, false]);
});

test("the token of ten minutes, a run and the age of what is left fit one another", () => {
  expect(TOKEN_WAIT_MS).toBeLessThan(RUN_WITHIN_MS);
  expect(RUN_WITHIN_MS).toBeLessThan(LEFT_AFTER_MS);
  expect(PACE.ticks).toBeLessThanOrEqual(MAX_TICKS);
});

test("a global table is refused: an eventually consistent one because no election on it is safe", () => {
  const replicas = { Replicas: [{ RegionName: "eu-west-2" }] };
  const strong = { ...replicas, MultiRegionConsistency: "STRONG" } as const;
  expect(unfitness({}, false)).toBeUndefined();
  expect(unfitness({ Replicas: [] }, false)).toBeUndefined();
  expect(unfitness({}, true)).toContain("leave out --strong");
  for (const asked of [false, true]) {
    expect(unfitness(replicas, asked)).toContain("eventually consistent global table");
    const eventual = { ...replicas, MultiRegionConsistency: "EVENTUAL" } as const;
    expect(unfitness(eventual, asked)).toContain("no election on it is safe");
  }
  expect(unfitness(strong, false)).toContain("add --strong");
  expect(unfitness(strong, true)).toBeUndefined();
});

test("tables of other runs are found with their age; those that are left are removed, and no other table", async () => {
  const [mine, other] = [await newRunTable(), await newLeaseTable(client)];
  const found = (await runTables(client, [])).filter(({ name }) => name === mine || name === other);
  expect(found.map(({ name }) => name)).toEqual([mine]);
  expect(found.map(isLeft)).toEqual([false]);
  expect(isLeft({ name: mine, ageMs: LEFT_AFTER_MS + 1 })).toBe(true);
  expect(await remove(client, found)).toEqual([]);
  expect(await isThere(mine)).toBe(false);
  expect(await isThere(other)).toBe(true);
});

test("in a table that is there only rows of runs are removed: the own ones, and old ones", async () => {
  const tableName = await newLeaseTable(client);
  const workspace = newWorkspace({ name: tableName, strong: false });
  const kept = [
    "billing/nightly",
    "verify-1/nightly",
    "verify-payments/x",
    newWorkspace({ name: "t", strong: false }).prefix,
  ];
  const old = "verify-20200131T030405Z-00aa11/ticks";
  for (const pk of [...kept, old, `${workspace.prefix}ticks`, `${workspace.prefix}ticks#candidates`]) {
    const Item = { pk: { S: pk }, sk: { S: "lease" } };
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
  }
  expect(await removeAll(client, workspace, { withinMs: 60_000 })).toBe(true);
  expect(await removeOldRows(client, tableName, LEFT_AFTER_MS)).toBe(1);
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
  expect(Items.map(({ pk }) => pk?.S).sort()).toEqual(kept.sort());
});

test("a table that is not there any more is gone", async () => {
  expect(await removeTable(client, newTableName(), { withinMs: 1_000 })).toBe(true);
});

test.each(["guarded", "creating"])("SIGKILL of the run (%s): its table is removed", async (when) => {
  await using program = new Program("../aws/guarded-table.ts", JSON.stringify(inject("dynamodb")), when);
  const name = await program.says<string>("table");
  program.child.kill("SIGKILL");
  // The request to create it may have left before the run was killed.
  if (when === "creating") {
    await newTable(client, "pk", name);
  } else expect(name).toMatch(/^incumbent-verify-/);
  await eventually(async () => !(await isThere(name)), { deadlineMs: 50_000 });
});
