import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { localEnv, newClient, newLeaseTable } from "../support/fixture.js";

/** An application that is one file, without a module beside it: the thread runs there too, and keeps no process alive. */

const folder = mkdtempSync(join(tmpdir(), "incumbent-one-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "./src/index.js";
const times = { leaseDurationMs: 3_000, renewIntervalMs: 500 };
const options = { name: "one-file", ...times, heartbeat: "thread", onEvent: () => {} };
const election = new Election({ client: new DynamoDBClient({}), tableName: process.argv[2], ...options });
election.campaign().then(async (leadership) => {
  const startMs = performance.now();
  while (performance.now() - startMs < 5_000);
  leadership.throwIfLost();
  console.log("term", leadership.term, await leadership.resign());
});
`;

test.each(["esm", "cjs"] as const)(
  "a bundle of one file (%s) keeps its lease while its loop is blocked",
  async (format) => {
    const file = join(folder, format === "esm" ? "app.mjs" : "app.cjs");
    const stdin = { contents: PROGRAM, resolveDir: process.cwd(), loader: "ts" as const };
    // The SDK has parts in CommonJS that call \`require\`.
    const banner =
      "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    await build({
      stdin,
      bundle: true,
      minify: true,
      platform: "node",
      format,
      outfile: file,
      ...(format === "esm" && { banner: { js: banner } }),
    });
    const tableName = await newLeaseTable(newClient());
    const { stdout } = await promisify(execFile)(process.execPath, [file, tableName], { env: localEnv() });
    // A first answer that came late has cost a term.
    expect(stdout).toMatch(/^term \d+ released\n$/);
  },
);
