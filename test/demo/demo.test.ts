import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, expect, inject, test } from "vitest";
import { eventually, newClient } from "../support/fixture.js";
import { childrenOf, isAlive } from "../support/processes.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "incumbent-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Shown {
  ok: boolean;
  payments: number;
  appliedOnce: number;
  duplicates: number;
  lost: number;
  staleWritesRefused: number;
  terms: Array<{ term: number; worker: string; electedAt: string; endedAt: string | null; payments: number }>;
  failovers: Array<{ kind: string; fromTerm: number; toTerm: number; ms: number; leases: number }>;
  timeline: string;
}

function start(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, "demo", ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
}

async function run(args: string[], env?: NodeJS.ProcessEnv) {
  const child = start(args, env);
  const closed = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)]);
  return { code: await closed, stdout, stderr };
}

/** The run's own table, which is faster, and shows that nothing is left in somebody else's. */
const onGivenTable = (): NodeJS.ProcessEnv => ({ AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint });

function expectThreeHandOvers(shown: Shown): void {
  expect(shown.failovers.map(({ kind }) => kind)).toEqual(["killed", "frozen", "resigned"]);
  for (const { fromTerm, toTerm, ms } of shown.failovers) {
    expect(toTerm).toBeGreaterThan(fromTerm);
    expect(ms).toBeGreaterThan(0);
  }
  const terms = shown.terms.map(({ term }) => term);
  expect(terms.length).toBeGreaterThanOrEqual(4);
  expect(terms.every((term, i) => i === 0 || term > (terms[i - 1] ?? 0))).toBe(true);
}

test("a leader is killed, one frozen, one resigns, and every payment is applied exactly once", async () => {
  const { code, stdout, stderr } = await run(["--payments", "40", "--json"]);
  const shown = JSON.parse(stdout) as Shown;
  expect(code, stderr).toBe(0);
  expect(shown).toMatchObject({ ok: true, payments: 40, appliedOnce: 40, duplicates: 0, lost: 0 });
  expect(shown.staleWritesRefused).toBe(1);
  expect(shown.terms.reduce((sum, { payments }) => sum + payments, 0)).toBe(40);
  expectThreeHandOvers(shown);
  const svg = readFileSync(join(folder, shown.timeline), "utf8");
  expect(svg).toMatch(/^<svg [\s\S]*late write refused[\s\S]*<\/svg>\n$/);
});

test("without fencing a payment is applied twice: said plainly, exit code 1", async () => {
  const args = ["--payments", "40", "--without-fencing", "--json", "--timeline", "unfenced.svg"];
  const { code, stdout, stderr } = await run(args, onGivenTable());
  const shown = JSON.parse(stdout) as Shown;
  expect(code, stderr).toBe(1);
  expect(shown).toMatchObject({ ok: false, payments: 40, appliedOnce: 39, duplicates: 1, lost: 0 });
  expect(shown.staleWritesRefused).toBe(0);
  expectThreeHandOvers(shown);
  expect(stderr).toContain("WENT THROUGH");
  const { TableNames } = await newClient().send(new ListTablesCommand({}));
  expect(TableNames?.filter((name) => name.includes("-demo-"))).toEqual([]);
});

test("one's own payments from a file; with few of them, scenes that do not fit are named", async () => {
  writeFileSync(
    join(folder, "two.csv"),
    "id,account,amount,currency\r\na,acme,1.00,EUR\r\nb,acme,2.50,EUR\r\n",
  );
  const args = ["--input", "two.csv", "--timeline", "two.svg"];
  const { code, stdout, stderr } = await run(args, onGivenTable());
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("too few payments to play: frozen, resigned");
  expect(stdout).toContain("PASSED: 2 payments, each applied exactly once.");
});

test("bad rows are named before anything is started", async () => {
  writeFileSync(
    join(folder, "bad.csv"),
    "id,account,amount,currency\na,acme,1.00,EUR\nb,acme,free,EUR\nc,acme,1,€\n",
  );
  const { code, stdout, stderr } = await run(["--input", "bad.csv"]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringMatching(/^bad\.csv:3: amount must be .*; found a string of 4 characters$/),
    expect.stringMatching(/^bad\.csv:4: currency must be .*; found a string of 1 character$/),
  ]);
});

test.each([
  [["--lease-ms", "5"], "--lease-ms: must be a whole number from 1000 to 60000"],
  [["--payments", "many"], "--payments: must be a whole number from 1 to 100000"],
  [["--imput", "a.csv"], "argument 1 is no such option (did you mean --input?)"],
  [["payments.csv"], "an argument is not understood (a string of 12 characters)"],
  [["--input", "a.csv", "--payments", "4"], "--payments: cannot go with --input"],
  [["--input", "--json"], "--input: must name a file"],
  [["--timeline", "no/such/folder.svg"], "--timeline: must be in a folder that exists"],
  [["--input", "none.csv"], "none.csv: there is no such file"],
])("%j is refused in one line", async (args, line) => {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout, lines: stderr.trim().split("\n").length }).toEqual({
    code: 2,
    stdout: "",
    lines: 1,
  });
  expect(stderr).toContain(line);
});

test.each([
  ["SIGTERM", 143],
  ["SIGKILL", null],
] as const)("ended by %s with a worker frozen, it leaves nothing running", async (signal, expected) => {
  const child = start(["--payments", "40"], onGivenTable());
  const closed = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  let children: number[] = [];
  let said = "";
  for await (const chunk of child.stdout as NodeJS.ReadableStream) {
    said += chunk;
    if (children.length > 0 || !said.includes("frozen (SIGSTOP)")) continue;
    children = childrenOf(child.pid as number);
    child.kill(signal);
  }
  expect(await closed).toBe(expected);
  // Four or five workers, as the killed one may not be back yet, and the guard.
  expect(children.length).toBeGreaterThanOrEqual(5);
  await eventually(() => !children.some(isAlive));
});
