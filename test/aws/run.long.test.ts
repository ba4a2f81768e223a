import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeTableCommand,
  PutItemCommand,
  ResourceNotFoundException,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { expect, inject, test } from "vitest";
import { eventually, localEnv, newClient, newLeaseTable } from "../support/fixture.js";
import { ACCOUNT, PretendAws } from "./pretend-aws.js";
import { recheck } from "./recheck.js";
import { newFolder, rehearse, SHORT, verdicts } from "./rehearsal.js";
import { overallOf } from "./report.js";

test("a whole run, with real processes that are killed and frozen, and its report", async () => {
  await using aws = await PretendAws.start(inject("dynamodb").endpoint);
  aws.conflicting = true;
  aws.throttleEvery = 50;
  const folder = newFolder();
  const report = await rehearse(
    { ...inject("dynamodb"), endpoint: aws.endpoint },
    { folder, wait: async () => aws.forgetTokens() },
  );
  expect(report.results.flatMap(({ violations }) => violations)).toEqual([]);
  expect(verdicts(report.results)).toEqual({
    ...{ verbs: "passed", conflicts: "passed", ticks: "passed", succession: "passed" },
    ...{ policies: "skipped", tokens: "passed", headers: "passed" },
  });
  expect(overallOf(report)).toBe("PASSED");
  expect(report.units.writes).toBeGreaterThan(100);
  expect(recheck(folder)).toMatchObject({ agrees: true });
  const md = readFileSync(join(folder, "report.md"), "utf8");
  for (const what of ["failover: from SIGKILL", "hand-over:", "the token was forgotten", "| renew |"])
    expect(md).toContain(what);
}, 120_000);

test("a run on a strongly consistent table that is there: without transactions, and only its own rows are removed", async () => {
  await using aws = await PretendAws.start(inject("dynamodb").endpoint);
  aws.replicated = "STRONG";
  const client = newClient();
  const name = await newLeaseTable(client);
  const mine = { pk: { S: "billing/nightly" }, sk: { S: "lease" } };
  await client.send(new PutItemCommand({ TableName: name, Item: mine }));
  const folder = newFolder();
  const report = await rehearse(
    { ...inject("dynamodb"), endpoint: aws.endpoint },
    { folder, table: { name, strong: true }, pace: { ...SHORT, kills: 1, freezes: 0, handOvers: 0 } },
  );
  expect(report.results.flatMap(({ violations }) => violations)).toEqual([]);
  expect(verdicts(report.results)).toEqual({
    ...{ verbs: "passed", conflicts: "skipped", ticks: "passed", succession: "passed" },
    ...{ policies: "skipped", tokens: "skipped", headers: "passed" },
  });
  const { Items } = await client.send(new ScanCommand({ TableName: name }));
  expect(Items).toEqual([mine]);
  const md = readFileSync(join(folder, "report.md"), "utf8");
  expect(md).toContain("takes no transactions");
  expect(md).not.toContain(ACCOUNT);
}, 120_000);

/** The command, as people run it. */
function command(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", "test/aws/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NODE_NO_WARNINGS: "1" },
  });
  const command = { child, output: "", exited: once(child, "close").then(([code]) => code as number) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      command.output += text;
    });
  }
  return command;
}

test("the command says what is missing, and what it will do before it asks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "incumbent-verify-"));
  const file = join(folder, "none");
  const nowhere = {
    ...{ PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true" },
    ...{ AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: file },
  };
  const credentials = command(nowhere, "--region", "eu-west-1");
  const nobody = command(localEnv());
  expect([await credentials.exited, await nobody.exited]).toEqual([2, 2]);
  expect(credentials.output).toContain("There are no AWS credentials");
  expect(nobody.output).toMatch(
    /makes one table.*takes about 12 minutes.*costs less than USD 0\.01.*Suggestion: --yes/s,
  );
}, 120_000);

test("SIGINT: the command removes its table at once and writes its report; --clean finds nothing", async () => {
  const started = command(localEnv(), "--yes", "--quick");
  const table = await eventually(() => /incumbent-verify-\d\w+-\w+/.exec(started.output)?.[0]);
  started.child.kill("SIGINT");
  expect(await started.exited).toBe(130);
  expect(started.output).toMatch(/INCOMPLETE\. The report: reports\/verify-aws-/);
  const report = /reports\/verify-aws-\w+/.exec(started.output)?.[0] as string;
  expect(readFileSync(join(report, "report.md"), "utf8")).toContain("It was ended by SIGINT");
  rmSync(report, { recursive: true });
  const gone = newClient().send(new DescribeTableCommand({ TableName: table }));
  await expect(gone).rejects.toThrow(ResourceNotFoundException);
  const clean = command(localEnv(), "--clean", "--yes");
  expect(await clean.exited).toBe(0);
  expect(clean.output).toContain("No run has left a table");
}, 120_000);

test("SIGKILL of npm: the run notices it, and removes its table", async () => {
  const npm = spawn("npm", ["run", "--silent", "verify:aws", "--", "--yes", "--quick"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: localEnv(),
  });
  let output = "";
  npm.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const over = once(npm.stdout, "end");
  const table = await eventually(() => /table (incumbent-verify-\S+)/.exec(output)?.[1]);
  npm.kill("SIGKILL");
  await over;
  const report = /INCOMPLETE\. The report: (reports\/verify-aws-\w+)/.exec(output)?.[1] as string;
  rmSync(report, { recursive: true });
  const gone = newClient().send(new DescribeTableCommand({ TableName: table }));
  await expect(gone).rejects.toThrow(ResourceNotFoundException);
}, 120_000);
