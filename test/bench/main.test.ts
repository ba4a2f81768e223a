import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** `npm run bench`: its help and its parts. */

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", "bench/main.ts", ...args], { encoding: "utf8" });
const help = execFileSync(process.execPath, ["--import", "tsx", "bench/main.ts", "--help"], {
  encoding: "utf8",
});
const [, parts = ""] = /--only NAME +only one of them: (.+)/.exec(help) ?? [];
const names = parts.split(/, | or /);

test("the help describes each part, and a name that is none is answered with all of them", () => {
  expect(names.length).toBeGreaterThan(7);
  for (const name of names) expect(help).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
  const { status, stderr } = run("--only", "speed");
  expect(status).toBe(2);
  expect(stderr).toContain(`--only must be one of ${names.join(", ")}, not "speed".`);
});
