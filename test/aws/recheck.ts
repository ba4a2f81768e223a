import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../chaos/checker.js";
import type { HistoryEvent } from "../chaos/history.js";
import { type CountEvent, checkCounts } from "./count-checker.js";
import { headers } from "./headers.js";
import type { PartResult, RawFile } from "./part.js";
import type { RequestSample } from "./recorder.js";
import type { Report } from "./report.js";
import { checkTicks, type TickEvent } from "./tick-checker.js";

/** How each file is judged, and which part of the report says so. */
const CHECKS: Record<RawFile, { part: string; check: (lines: unknown[]) => readonly string[] }> = {
  "processes.jsonl": {
    part: "succession",
    check: (lines) => check(lines as HistoryEvent[]).violations.map(({ rule, what }) => `${rule}: ${what}.`),
  },
  "ticks.jsonl": {
    part: "ticks",
    check: (lines) => checkTicks(lines as TickEvent[]).map(({ rule, what }) => `${rule}: ${what}.`),
  },
  "counts.jsonl": { part: "conflicts", check: (lines) => checkCounts(lines as CountEvent[]) },
  "requests.jsonl": {
    part: "headers",
    check: (lines) => headers({ samples: lines as RequestSample[] }).violations,
  },
};

export interface Rechecked {
  /** One line for each file. */
  readonly lines: readonly string[];
  readonly agrees: boolean;
}

/** Judges the raw files of a report again. It agrees if each says what the report says. */
export function recheck(folder: string): Rechecked {
  const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as Report;
  const named = new Set(report.files.map(({ name }) => name));
  const unproved = Object.entries(CHECKS).filter(
    ([file, { part }]) =>
      !named.has(file) && report.results.some((one) => one.part === part && isJudged(one)),
  );
  let agrees = unproved.length === 0;
  const lines = report.files.map(({ name, sha256 }) => {
    const [said, good] = verdictOn(folder, name as RawFile, sha256, report.results);
    agrees &&= good;
    return `${good ? "✓" : "✗"} ${name}: ${said}`;
  });
  return {
    lines: [...lines, ...unproved.map(([file]) => `✗ ${file}: the report has no such file.`)],
    agrees,
  };
}

function isJudged({ verdict }: PartResult): boolean {
  return verdict === "passed" || verdict === "failed";
}

function verdictOn(
  folder: string,
  name: RawFile,
  sha256: string,
  results: readonly PartResult[],
): [said: string, agrees: boolean] {
  const judge = CHECKS[name];
  const path = join(folder, name);
  if (!judge || !existsSync(path)) return ["it is not there.", false];
  const text = readFileSync(path, "utf8");
  if (createHash("sha256").update(text).digest("hex") !== sha256)
    return ["it is not the file of the report.", false];
  const lines = text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as unknown]));
  const found = judge.check(lines);
  const told = results.find(({ part }) => part === judge.part)?.violations ?? [];
  // The report may know more, such as a leader that did not come in time.
  const missing = found.filter((violation) => !told.includes(violation));
  if (missing.length > 0) return [`the report does not say: ${missing.join(" ")}`, false];
  return [`${lines.length} lines, ${found.length} violations, as the report says.`, true];
}
