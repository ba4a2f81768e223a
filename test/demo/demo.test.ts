import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectThreeHandOvers, folder, onGivenTable, run, type Shown } from "./command.js";

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
  [["--imput", "a.csv"], "argument 1: no such option (did you mean --input?)"],
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
