import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { localEnv } from "../support/fixture.js";
import { PretendAws } from "./pretend-aws.js";
import { recheck } from "./recheck.js";
import { newFolder, rehearse, verdicts } from "./rehearsal.js";
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

/** The command, as people run it. */
async function command(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", "test/aws/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NODE_NO_WARNINGS: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}

test("the command explains itself, asks before it begins, and says what is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "incumbent-verify-"));
  writeFileSync(join(folder, "config"), "");
  const nowhere = {
    ...{ PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true" },
    ...{ AWS_CONFIG_FILE: join(folder, "config"), AWS_SHARED_CREDENTIALS_FILE: join(folder, "config") },
  };
  const [help, region, credentials, profile, nobody, clean, misspelt] = await Promise.all([
    command(nowhere, "--help"),
    command(nowhere),
    command(nowhere, "--region", "eu-west-1"),
    command({ ...nowhere, AWS_PROFILE: "missing" }, "--region", "eu-west-1"),
    command(localEnv()),
    command(localEnv(), "--clean", "--yes"),
    command(nowhere, "--regoin", "eu-west-1"),
  ]);
  expect([help.code, region.code, credentials.code, profile.code, nobody.code]).toEqual([0, 2, 2, 2, 2]);
  expect([clean.code, misspelt.code]).toEqual([0, 2]);
  expect(help.output).toContain("--candidate-profile NAME");
  expect(region.output).toContain("Give --region eu-west-1, or set AWS_REGION");
  expect(credentials.output).toContain("There are no AWS credentials");
  expect(profile.output).toContain("There are no AWS credentials");
  expect(nobody.output).toMatch(
    /makes one table.*takes about 12 minutes.*costs less than USD 0\.01.*Suggestion: --yes/s,
  );
  expect(misspelt.output).toContain("--regoin");
}, 120_000);
