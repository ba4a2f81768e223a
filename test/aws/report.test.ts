import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { DescribeTableCommand, ResourceNotFoundException, ScanCommand } from "@aws-sdk/client-dynamodb";
import { expect, inject, test } from "vitest";
import { newClient, newLeaseTable } from "../support/fixture.js";
import type { PartResult } from "./part.js";
import { PretendAws } from "./pretend-aws.js";
import { recheck } from "./recheck.js";
import { newFolder, rehearse, verdicts } from "./rehearsal.js";
import { overallOf, type Report } from "./report.js";
import { ReportFolder } from "./report-folder.js";

const ACCOUNT = "424242424242";

const part = (verdict: PartResult["verdict"], more: Partial<PartResult> = {}): PartResult => ({
  ...{ part: "ticks", verdict, summary: "Ticks were told.", violations: [], notes: [], figures: [] },
  ...more,
});

const reportOf = (results: readonly PartResult[], more: Partial<Report> = {}): Report => ({
  about: {
    ...{ region: "eu-west-1", endpoint: undefined, incumbent: "0.1.0", commit: "abc", node: "v20" },
    ...{ sdk: "3.1", platform: "linux" },
  },
  ...{ startedAt: "2026-01-31T03:00:00.000Z", minutes: 12, seed: 1, leaseMs: 5_000 },
  ...{ units: { reads: 1_000, writes: 5_000 }, ended: undefined, left: undefined, results, files: [] },
  ...more,
});

function written(report: Report, lines: readonly object[] = [], file = "ticks.jsonl" as const): string {
  const path = newFolder();
  mkdirSync(path, { recursive: true });
  const folder = new ReportFolder(path);
  folder.hide(ACCOUNT);
  folder.keep(file, lines);
  folder.write(report);
  return path;
}

const text = (folder: string, file = "report.md") => readFileSync(join(folder, file), "utf8");

test("the verdict on the whole: failed before incomplete, and skipped parts do not count as failed", () => {
  expect(overallOf(reportOf([part("passed"), part("skipped")]))).toBe("PASSED");
  expect(overallOf(reportOf([part("passed"), part("unfinished")]))).toBe("INCOMPLETE");
  expect(overallOf(reportOf([part("unfinished"), part("failed")]))).toBe("FAILED");
  expect(overallOf(reportOf([part("passed")], { ended: "It was ended by SIGINT." }))).toBe("INCOMPLETE");
  expect(overallOf(reportOf([]))).toBe("INCOMPLETE");
});

test("the report says where it ran, what was skipped and why, and what was found", () => {
  const skipped = part("skipped", { part: "policies", summary: "No candidate's role was given." });
  const failed = part("failed", { violations: ["tick: tick 3 completed 2 times."] });
  const md = text(written(reportOf([failed, skipped])));
  expect(md).toContain("# incumbent on DynamoDB in eu-west-1: FAILED (skipped: policies)");
  expect(md).toContain("- **tick: tick 3 completed 2 times.**");
  expect(md).toContain("- policies: No candidate's role was given.");
  expect(md).toContain("- Faults of the network");
  const { about } = reportOf([]);
  const local = reportOf([part("passed")], {
    about: { ...about, region: undefined, endpoint: "http://127.0.0.1:1" },
  });
  expect(text(written(local))).toContain("So this report says nothing about AWS.");
});

test("no file names the account or the person", () => {
  const arn = "arn:aws:sts::987654321098:assumed-role/x";
  const summary = `${ACCOUNT} at ${homedir()} was ${arn}`;
  const folder = written(reportOf([part("passed", { summary })]), [{ why: summary }]);
  for (const file of readdirSync(folder)) {
    for (const secret of [ACCOUNT, homedir(), "987654321098"])
      expect([file, text(folder, file).includes(secret)]).toEqual([file, false]);
  }
});

test("a report is judged again from its files; a changed, a missing and an untrue one are found", () => {
  const history = [
    { type: "began", at: 1, tick: "1", run: "a/1", candidate: "a", term: 1 },
    { type: "trusted", at: 2, tick: "1", run: "a/1" },
    { type: "completed", at: 3, tick: "1", run: "a/1" },
    { type: "row", at: 4, tick: "", completed: ["1"] },
  ];
  const folder = written(reportOf([part("passed")]), history);
  expect(recheck(folder)).toMatchObject({ agrees: true });

  const untrue = written(reportOf([part("passed")]), [
    ...history.slice(0, 3),
    { ...history[2], at: 5 },
    history[3] ?? {},
  ]);
  expect(recheck(untrue)).toMatchObject({ agrees: false });
  expect(recheck(untrue).lines.join()).toContain("the report does not say: tick: tick 1 completed 2 times.");

  writeFileSync(join(folder, "ticks.jsonl"), text(folder, "ticks.jsonl").replace('"a/1"', '"b/1"'));
  expect(recheck(folder).lines.join()).toContain("it is not the file of the report");
  const without = written(reportOf([part("passed", { part: "succession" })]), history);
  expect(recheck(without)).toMatchObject({ agrees: false });
});

test("a run that is interrupted removes its table at once, and writes down what it knows", async () => {
  const stop = new AbortController();
  const folder = newFolder();
  const names: string[] = [];
  const report = await rehearse(inject("dynamodb"), {
    ...{ signal: stop.signal, folder },
    say: (line) => names.push(...(line.match(/incumbent-verify-\S+/g) ?? [])),
    progress: (what) => what.startsWith("life") && stop.abort("SIGINT"),
  });
  expect(overallOf(report)).toBe("INCOMPLETE");
  expect(report.ended).toBe("It was ended by SIGINT.");
  expect(new Set(report.results.map(({ verdict }) => verdict))).toEqual(new Set(["unfinished"]));
  expect(text(folder)).toContain("The run ended early: It was ended by SIGINT.");
  expect(names).toHaveLength(1);
  const gone = newClient().send(new DescribeTableCommand({ TableName: names[0] }));
  await expect(gone).rejects.toThrow(ResourceNotFoundException);
});

test("a run on an eventually consistent global table is refused before anything is written", async () => {
  await using aws = await PretendAws.start(inject("dynamodb").endpoint);
  aws.replicated = "EVENTUAL";
  const name = await newLeaseTable(newClient());
  const connection = { ...inject("dynamodb"), endpoint: aws.endpoint };
  for (const strong of [false, true]) {
    const run = rehearse(connection, { table: { name, strong } });
    await expect(run).rejects.toThrow(/cannot be used: it is an eventually consistent global table/);
  }
  const { Count } = await newClient().send(new ScanCommand({ TableName: name }));
  expect(Count).toBe(0);
});

test("a run ends when it has used its units", async () => {
  const report = await rehearse(inject("dynamodb"), { maxUnits: 20 });
  expect(report.ended).toBe("It used 20 units, which is its limit.");
  expect(verdicts(report.results).succession).toBe("unfinished");
});
