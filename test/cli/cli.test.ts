import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AttributeValue, DescribeTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, inject, test } from "vitest";
import { Election } from "../../src/index.js";
import { BARE, endpointOf, incumbent, incumbentWith, isGone } from "../support/cli.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { eventually, newClient, newLeaseTable, newTable } from "../support/fixture.js";

/** `incumbent run` and `incumbent operate` have files of their own. */
const client = newClient();
const ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger";
let table: string;
beforeAll(async () => {
  table = await newLeaseTable(client);
});

test("status shows one election with its history, all of them, and JSON", async () => {
  const name = `e/${randomUUID()}`;
  const election = new Election({ client, tableName: table, name, value: "http://10.0.0.7" });
  await (await election.campaign()).resign();
  await using leadership = await election.campaign();
  await leadership.proclaim("http://10.0.0.8");

  const one = incumbent("status", name, "--table", table);
  expect(await one.exited).toBe(0);
  expect(one.out).toContain(election.candidateId);
  expect(one.out).toContain("http://10.0.0.8");
  expect(one.out).toContain("resigned");

  const json = incumbent("status", name, "--table", table, "--json");
  await json.exited;
  expect(JSON.parse(json.out)).toMatchObject({
    election: name,
    state: "held",
    term: 2,
    holder: election.candidateId,
  });

  expect(JSON.parse(json.out).leftMs).toBeLessThanOrEqual(15_000);

  const all = incumbent("status", "--table", table);
  expect(await all.exited).toBe(0);
  expect(all.out).toContain(name);

  const watch = incumbent("status", name, "--table", table, "--watch");
  await eventually(() => watch.out.includes("term 2"));
  const watchJson = incumbent("status", name, "--table", table, "--watch", "--json");
  await eventually(() => watchJson.out.includes("\n"));
  await leadership.resign();
  await eventually(() => watch.out.includes("nobody leads  (term 2 ended: resigned)"));
  await eventually(() => watchJson.out.split("\n").length > 2);
  for (const { child, exited } of [watch, watchJson]) {
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
  }
  // Nobody leads: nothing is published, and there is no lease that could run out.
  const vacant = incumbent("status", name, "--table", table, "--json");
  await vacant.exited;
  expect(JSON.parse(vacant.out)).toMatchObject({
    state: "vacant",
    terms: [{}, { term: 2, endReason: "resigned" }],
  });
  expect(Object.keys(JSON.parse(vacant.out))).not.toEqual(expect.arrayContaining(["value"]));
  expect(vacant.out).not.toContain("expiresAt");
  const words = incumbent("status", name, "--table", table);
  await words.exited;
  expect(words.out).not.toContain("http://10.0.0.8");
  const [first, second] = watchJson.out.trim().split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({ leader: { term: 2, candidateId: election.candidateId } });
  expect(JSON.parse(second ?? "")).toMatchObject({
    leader: null,
    ended: { term: 2, candidateId: election.candidateId, reason: "resigned" },
  });
});

test("status tells whether a lease has run out by the table's clock, not this machine's", async () => {
  const name = `e/${randomUUID()}`;
  await using leadership = await new Election({ client, tableName: table, name }).campaign();
  await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
  const stateAt = async () => {
    const command = incumbent("status", name, "--table", table, "--json", "--endpoint", proxy.endpoint);
    await command.exited;
    return JSON.parse(command.out).state;
  };
  expect(await stateAt()).toBe("held");
  proxy.rewriteDate = (date) => new Date(Date.parse(date) + 3_600_000).toUTCString();
  expect(await stateAt()).toBe("expired");
  leadership.throwIfLost();
});

test("status shows the newest terms of a history longer than a page, and an election never held", async () => {
  const name = `e/${randomUUID()}`;
  // 12 × 100 kB is more than the 1 MB that one answer holds.
  for (let term = 1; term <= 12; term++) {
    const sk = { S: `term#${String(term).padStart(12, "0")}` };
    const Item = { pk: { S: name }, sk, term: { N: String(term) }, holder: { S: "x".repeat(100_000) } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
  }
  const long = incumbent("status", name, "--table", table, "--json");
  await long.exited;
  const { state, terms } = JSON.parse(long.out) as { state: string; terms: Array<{ term: number }> };
  expect(state).toBe("none");
  expect(terms.map(({ term }) => term)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

  const vacant = `e/${randomUUID()}`;
  await (await new Election({ client, tableName: table, name: vacant }).campaign()).resign();
  const command = incumbent("status", vacant, "--table", table);
  expect(await command.exited).toBe(0);
  expect(command.out).toMatch(/state +vacant/);
});

test("status tells how terms ended as history() does: also of leaders that crashed", async () => {
  const name = `e/${randomUUID()}`;
  const put = (sk: string, row: Record<string, AttributeValue>) =>
    client.send(new PutItemCommand({ TableName: table, Item: { pk: { S: name }, sk: { S: sk }, ...row } }));
  const resigned = { holder: { S: "a" }, endedAt: { N: "1000" }, endReason: { S: "resigned" } };
  await put("term#000000000001", resigned);
  await put("term#000000000002", { holder: { S: "b" } });
  const times = { leaseDurationMs: { N: "3000" }, electedAt: { N: "5000" }, expiresAt: { N: "9000" } };
  await put("lease", { term: { N: "4" }, revision: { N: "9" }, holder: { S: "d" }, ...times });
  const command = incumbent("status", name, "--table", table, "--json");
  await command.exited;
  expect(JSON.parse(command.out)).toMatchObject({
    state: "expired",
    holder: "d",
    terms: [
      { term: 1, holder: "a", endedAt: "1970-01-01T00:00:01.000Z", endReason: "resigned" },
      { term: 2, holder: "b", endReason: "expired" },
      { term: 4, holder: "d", endedAt: "1970-01-01T00:00:09.000Z", endReason: "expired" },
    ],
  });
  const history = await new Election({ client, tableName: table, name }).history();
  expect(history.map(({ term, endReason }) => [term, endReason])).toEqual([
    [4, "expired"],
    [2, "expired"],
    [1, "resigned"],
  ]);
});

test("status shows all elections but a damaged one, and says which that is", async () => {
  const own = await newLeaseTable(client);
  await (await new Election({ client, tableName: own, name: "sound" }).campaign()).resign();
  const Item = { pk: { S: "damaged" }, sk: { S: "lease" }, term: { S: "one" } };
  await client.send(new PutItemCommand({ TableName: own, Item }));
  const command = incumbent("status", "--table", own);
  expect(await command.exited).toBe(1);
  expect(command.out).toContain("sound");
  expect(command.err).toContain('"damaged"');
});

test("an endpoint on loopback needs neither credentials nor region, however it is named", async () => {
  const { endpoint } = inject("dynamodb");
  for (const command of [
    incumbentWith(BARE, "status", "--table", table, "--endpoint", endpoint),
    incumbentWith({ ...BARE, AWS_ENDPOINT_URL: endpoint }, "status", "--table", table),
  ]) {
    expect(await command.exited, command.err).toBe(0);
  }
});

test("a reader that closes the pipe early gets no stack trace", async () => {
  const name = `e/${randomUUID()}`;
  await using leadership = await new Election({ client, tableName: table, name }).campaign();
  const command = incumbent("status", name, "--table", table, "--watch");
  await eventually(() => command.out.includes("term 1"));
  command.child.stdout?.destroy();
  await leadership.resign();
  expect(await command.exited).toBe(0);
  expect(command.err).toBe("");
});

test("local prints what to export, makes the table, and ends on SIGTERM", async () => {
  const local = incumbentWith(BARE, "local");
  const endpoint = await endpointOf(local);
  for (const name of ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    expect(local.out).toMatch(new RegExp(`^export ${name}=.+$`, "m"));
  }
  const shown = incumbentWith({ ...BARE, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, "status");
  expect(await shown.exited).toBe(0);
  expect(shown.out).toContain('No election in table "incumbent" yet.');

  const taken = incumbentWith(BARE, "local", "--port", new URL(endpoint).port);
  expect(await taken.exited).toBe(1);
  expect(taken.err).toMatch(/^incumbent: port \d+ is not free.*\n$/);

  local.child.kill("SIGTERM");
  expect(await local.exited).toBe(0);
  expect(await isGone(endpoint)).toBe(true);
});

test("local makes a second table for items, says so, and takes one that is there with the same key", async () => {
  const items = `ledger-${randomUUID()}`;
  for (const [name, exitCode] of [
    [items, 0],
    [items, 0],
    [table, 2],
  ] as const) {
    const local = incumbent("local", "--items", name);
    await eventually(() => local.out.includes("npx incumbent status") || local.child.exitCode !== null);
    local.child.kill("SIGTERM");
    expect(await local.exited).toBe(exitCode);
    if (exitCode === 0) expect(local.out).toContain(`lease table "incumbent", table "${items}".`);
    else expect(local.err).toMatch(/--items: must be a new table, or one whose only key is id/);
  }
  const { Table } = await client.send(new DescribeTableCommand({ TableName: items }));
  expect(Table?.KeySchema).toEqual([{ AttributeName: "id", KeyType: "HASH" }]);
});

test("local refuses a lease table that is there with other keys", async () => {
  const items = await newTable(client, "id");
  const local = incumbent("local", "--table", items);
  expect(await local.exited).toBe(2);
  expect(local.err).toContain(
    "--table: must be a new table, or one whose keys are pk and sk; received a string of",
  );
});

test("local prints no credentials that it did not make up", async () => {
  const { endpoint } = inject("dynamodb");
  const secrets = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "not-to-be-shown" };
  const env = { ...BARE, ...secrets, AWS_ENDPOINT_URL_DYNAMODB: endpoint };
  const local = incumbentWith(env, "local", "--table", table);
  await eventually(() => local.out.includes("npx incumbent status"));
  expect(local.out + local.err).not.toMatch(/AKIAEXAMPLE|not-to-be-shown/);
  local.child.kill("SIGTERM");
  expect(await local.exited).toBe(0);
  expect(await isGone(endpoint)).toBe(false);
});

test.each([
  [["status", "--table", "no-such-table"], 1, "missing"],
  [["status", "a:b", "--table", "incumbent"], 2, "name"],
  [["run", "a#b", "--", "true"], 2, "name"],
  [["run", "e"], 2, "needs an election and a command"],
  [["run", "e", "--lease-ms", "0", "--", "true"], 2, "--lease-ms"],
  [["run", "e", "--standby-poll-ms", "5001", "--", "true"], 2, "--standby-poll-ms"],
  [["run", "e", "--leasems", "5", "--", "true"], 2, "no such option"],
  [["operate", "e", "reset-tick", "--to", "--json"], 2, "--to: needs a value"],
  [["operate", "e", "reset-tick", "--to"], 2, "--to: needs a value"],
  [["run", "e", "--label", "--", "true"], 2, "--label: needs a value"],
  [["run", "e", "--table", "no-such-table", "--", "true"], 1, "missing"],
  [["run", "e", "f", "--", "true"], 2, "needs an election and a command"],
  [["run", "e", "--once", "--keep", "--", "true"], 2, "exclude each other"],
  [["status", "--watch"], 2, "needs an election"],
  [["status", "e", "--sessions"], 2, "shows all sessions"],
  [["status", "e", "f"], 2, "takes one election"],
  [["status", "--endpoint", "localhost:8000"], 2, "--endpoint: must be a URL"],
  [["status", "--endpoint", "http://127.0.0.1:9"], 1, "No answer from the table"],
  [["local", "--port", "x"], 2, "--port"],
  [["local", "--port", "8000"], 2, "unset it"],
  [["local", "--items", "x"], 2, "--items: must be a table's name"],
  [
    ["local", "--items", ARN],
    2,
    "--items: must be a table's name (3 to 255 characters: A-Z a-z 0-9 _ . -) (character 4 is",
  ],
  [
    ["local", "--table", ARN],
    2,
    "--table: must be a table's name (3 to 255 characters: A-Z a-z 0-9 _ . -) (character 4 is",
  ],
  [
    ["local", "ledger"],
    2,
    "an argument is not understood (a string of 6 characters); options start with --.",
  ],
  [["local", "--items", "incumbent"], 2, "--items: must not be the lease table"],
  [["bogus"], 2, "is no command; the commands are demo,"],
  [["statsu"], 2, "is no command (did you mean status?); the commands are demo,"],
])("bad input %j is one clear line and exit code %d", async (args, code, text) => {
  const command = incumbent(...args);
  expect(await command.exited).toBe(code);
  expect(command.err).toContain(text);
  expect(
    command.err
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("incumbent:")),
  ).toHaveLength(command.err.includes("campaigns") ? 2 : 1);
  expect(command.err).not.toContain("    at ");
});

test.each(["demo", "local", "run", "status"])(
  "%s --help names its options with units and defaults",
  async (name) => {
    const command = incumbent(name, "--help");
    expect(await command.exited).toBe(0);
    expect(command.out).toContain("USAGE");
    expect(command.out).toMatch(/Default/i);
  },
);

test("help and version are found where people look for them", async () => {
  const outOf = async (...args: string[]) => {
    const command = incumbent(...args);
    expect(await command.exited).toBe(0);
    expect(command.err).toBe("");
    return command.out;
  };
  const help = await outOf("--help");
  expect(help).toContain("COMMANDS");
  expect(await outOf("help")).toBe(help);
  expect(await outOf("-h")).toBe(help);
  const helpOfRun = await outOf("run", "--help");
  expect(helpOfRun).toContain("--kill-after-ms");
  expect(await outOf("help", "run")).toBe(helpOfRun);
  expect(await outOf("run", "e", "-h")).toBe(helpOfRun);
  const version = await outOf("--version");
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await outOf("run", "--version")).toBe(version);
});

test("help in a pipe has no colours", async () => {
  const { NO_COLOR: _, ...env } = process.env;
  for (const args of [["--help"], ["run", "--help"]]) {
    const { stdout } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], {
      env: { ...env, FORCE_COLOR: "1" },
    });
    expect(stdout.toString()).toContain("USAGE");
    expect(stdout.includes(0x1b)).toBe(false);
  }
});

test("local: a folder that is not there is bad usage", async () => {
  const local = incumbentWith(BARE, "local", "--db-path", join(tmpdir(), randomUUID()));
  expect(await local.exited).toBe(2);
  expect(local.err).toContain("--db-path: must be an existing folder");
});
