import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BARE, endpointOf, incumbentWith, isGone } from "../support/cli.js";
import { eventually } from "../support/fixture.js";

/** `incumbent local` with servers that end, and that come back. */

const folder = mkdtempSync(join(tmpdir(), "incumbent-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("local, killed with SIGKILL, leaves no DynamoDB Local behind", async () => {
  const local = incumbentWith(BARE, "local");
  const endpoint = await endpointOf(local);
  local.child.kill("SIGKILL");
  await eventually(() => isGone(endpoint));
});

test("a folder that keeps the data brings terms back after a restart", async () => {
  const terms: string[] = [];
  for (let restart = 0; restart < 2; restart++) {
    const local = incumbentWith(BARE, "local", "--db-path", folder);
    const endpoint = await endpointOf(local);
    const args = [
      "dist/cli/main.js",
      "run",
      "kept",
      "--endpoint",
      endpoint,
      "--",
      "sh",
      "-c",
      "echo $INCUMBENT_TERM",
    ];
    terms.push(
      execFileSync(process.execPath, args, {
        encoding: "utf8",
        env: BARE,
        stdio: ["ignore", "pipe", "ignore"],
      }),
    );
    local.child.kill("SIGTERM");
    expect(await local.exited).toBe(0);
  }
  expect(terms).toEqual(["1\n", "2\n"]);
});
