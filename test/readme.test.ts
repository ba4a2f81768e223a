import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { DeleteItemCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { transform } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { createLeaseTable } from "../src/testing/index.js";
import { eventually, localEnv, newClient, newTable } from "./support/fixture.js";

/** The pages whose code is an example, and nothing else. */
const pages = [
  "README.md",
  "docs/guide.md",
  "docs/succession.md",
  "docs/partitions.md",
  "docs/locks.md",
  "docs/sessions.md",
];
const text = pages.map((page) => readFileSync(page, "utf8")).join("");
const blocks = [...text.matchAll(/<!-- (examples\/[\w-]+\.ts) -->\n```ts\n(.*?)\n```/gs)];
/** docs/deploy.md shows it: test/cdk/docs.test.ts. */
const DEPLOYED = "examples/scheduled-job.ts";
const client = newClient();

beforeAll(async () => {
  await createLeaseTable(client);
  await newTable(client, "id", "ledger");
});

/** An example as its reader would run it. */
function run(file: string, ...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
    env: localEnv(),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const exited = once(child, "exit").then(([code]) => ({ code, output }));
  return { child, exited, printed: (text: string) => eventually(() => output.includes(text)) };
}

test("every TypeScript block of the README is one of the examples, to the letter, and every example is shown", () => {
  expect(blocks.length).toBe([...text.matchAll(/```ts/g)].length);
  for (const [, file = "", code] of blocks) expect(code).toBe(readFileSync(file, "utf8").trimEnd());
  expect([DEPLOYED, ...blocks.map(([, file]) => file)].sort()).toEqual(
    readdirSync("examples")
      .map((file) => `examples/${file}`)
      .sort(),
  );
});

test("every example is JavaScript, too", async () => {
  for (const [, file = "", code = ""] of blocks) {
    await expect(transform(code, { loader: "js", sourcefile: file })).resolves.toMatchObject({
      warnings: [],
    });
  }
});

test("the worker leads, charges, and gives the lease back on SIGTERM", async () => {
  const worker = run("examples/worker.ts");
  await worker.printed("charged day 3");
  const follower = run("examples/follower.ts");
  await follower.printed("leads term 1");
  worker.child.kill("SIGTERM");
  await follower.printed("term 1 ended: resigned\nnobody");
  follower.child.kill("SIGKILL");
  const { code, output } = await worker.exited;
  expect(output).toContain("leading, term 1\ncharged day 1\n");
  expect(code).toBe(0);
  const { Item } = await client.send(
    new GetItemCommand({ TableName: "ledger", Key: { id: { S: "account-7" } } }),
  );
  const days = Number(Item?.days?.N);
  expect(days).toBeGreaterThanOrEqual(3);
  expect(Item?.balance?.N).toBe(String(-30 * days));

  const next = run("examples/worker.ts");
  await next.printed("charged");
  next.child.kill("SIGTERM");
  expect((await next.exited).output).toContain(`leading, term 2\ncharged day ${days + 1}\n`);
});

test("the cron job runs once per tick", async () => {
  expect(await run("examples/cron.ts", "2026-01-31").exited).toEqual({
    code: 0,
    output: "report for 2026-01-31, term 1\n",
  });
  expect((await run("examples/cron.ts", "2026-01-31").exited).output).toBe("not run here: done\n");
  expect((await run("examples/cron.ts", "2026-02-01").exited).output).toBe("report for 2026-02-01, term 2\n");
});

test("the one with try and finally gives the lease back", async () => {
  for (const term of [1, 2]) {
    expect(await run("examples/try-finally.ts").exited).toEqual({
      code: 0,
      output: `cleaned up under term ${term}\n`,
    });
  }
});

test("the import by hand writes its fence", async () => {
  expect(await run("examples/by-hand.ts").exited).toEqual({ code: 0, output: "imported under term 1\n" });
  const { Item } = await client.send(
    new GetItemCommand({ TableName: "ledger", Key: { id: { S: "import-1" } } }),
  );
  expect(Item).toMatchObject({ rows: { N: "4711" }, fence: { N: "1" } });
});

test("the one with an order leads, lists who stands, hands over when asked, and reads its history", async () => {
  const { code, output } = await run("examples/succession.ts", "7").exited;
  expect(output).toBe("leading at 7, term 1\nreplica-at-7: leader\nterm 1: stepped-down\n");
  expect(code).toBe(0);
});

test("the stream consumer shares its shards, and each goes on where its last reader stopped", async () => {
  const first = run("examples/stream-consumer.ts");
  for (const shard of [0, 1, 2, 3]) await first.printed(`shard ${shard}, term`);
  const second = run("examples/stream-consumer.ts");
  await second.printed("up to");
  first.child.kill("SIGTERM");
  expect((await first.exited).code).toBe(0);
  for (const shard of [0, 1, 2, 3]) await second.printed(`shard ${shard}: up to`);
  second.child.kill("SIGTERM");
  const { code, output } = await second.exited;
  expect(code).toBe(0);
  for (const shard of [0, 1, 2, 3]) {
    const id = { S: `shard-${shard}` };
    const { Item } = await client.send(new GetItemCommand({ TableName: "ledger", Key: { id } }));
    // No record was handled twice, and none was left out.
    expect(Item?.handled).toEqual(Item?.checkpoint);
    expect(output).toMatch(new RegExp(`^shard ${shard}, term \\d+: from \\d+$`, "m"));
  }
});

test("the semaphore lets three copies work at a time, and each gets a slot", async () => {
  const copies = await Promise.all(Array.from({ length: 4 }, () => run("examples/semaphore.ts").exited));
  const said = copies.map(({ output }) => /^imported in slot ([012]), term \d+\n$/.exec(output)?.[0]);
  expect(copies.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(new Set(said).size).toBe(4);
  expect(said).not.toContain(undefined);
});

test("the mutex per customer lets one copy work at a time, and its terms go on when the table has forgotten the name", async () => {
  const copies = await Promise.all(
    ["7", "7", "8"].map((customer) => run("examples/mutex-per-customer.ts", customer).exited),
  );
  expect(copies.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(copies.map(({ output }) => output).sort()).toEqual([
    "an order of customer 7, term 1\n",
    "an order of customer 7, term 2\n",
    "an order of customer 8, term 1\n",
  ]);
  for (const sk of ["lease", "term#000000000001", "term#000000000002"]) {
    const Key = { pk: { S: "customer/7" }, sk: { S: sk } };
    const { Attributes } = await client.send(
      new DeleteItemCommand({ TableName: "incumbent", Key, ReturnValues: "ALL_OLD" }),
    );
    expect(Attributes?.ttl?.N).toMatch(/^\d+$/);
  }
  const again = await run("examples/mutex-per-customer.ts", "7").exited;
  expect(again).toEqual({ code: 0, output: "an order of customer 7, term 101\n" });
});

test("the session holds a lease for each tenant with one heartbeat, and hands all of them over", async () => {
  const tenants = ["ada", "bob", "cleo", "dan"];
  const first = run("examples/session.ts");
  for (const tenant of tenants) await first.printed(`served ${tenant}`);
  const under = await Promise.all(tenants.map(sessionOfTenant));
  expect(new Set(under).size).toBe(1);
  expect(under[0]).toBeDefined();
  const second = run("examples/session.ts");
  first.child.kill("SIGTERM");
  expect((await first.exited).code).toBe(0);
  for (const tenant of tenants) await second.printed(`served ${tenant}`);
  expect(new Set(await Promise.all(tenants.map(sessionOfTenant))).size).toBe(1);
  second.child.kill("SIGTERM");
  const { code, output } = await second.exited;
  expect(code).toBe(0);
  for (const tenant of tenants) expect(output).toMatch(new RegExp(`^${tenant}, term \\d+$`, "m"));
});

async function sessionOfTenant(tenant: string): Promise<string | undefined> {
  const Key = { pk: { S: `tenant/${tenant}` }, sk: { S: "lease" } };
  const { Item } = await client.send(
    new GetItemCommand({ TableName: "incumbent", Key, ConsistentRead: true }),
  );
  return Item?.session?.S;
}

test("the unit test passes", async () => {
  const { code, output } = await run("examples/unit-test.ts").exited;
  expect(output).toBe("a suspended leader knows that it leads no longer\n");
  expect(code).toBe(0);
});
