import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll } from "vitest";

/** The app of cdk.json in a process of its own: without a network and without an account. */

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const folder = mkdtempSync(join(tmpdir(), "incumbent-synth-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const run = promisify(execFile);
export const offline = {
  PATH: process.env.PATH,
  HOME: folder,
  AWS_EC2_METADATA_DISABLED: "true",
  CI: "1",
  NODE_NO_WARNINGS: "1",
};

export function app(context: Record<string, unknown>, output: string) {
  const env = {
    ...offline,
    CDK_OUTDIR: join(folder, output),
    CDK_VALIDATION: process.env.CDK_VALIDATION,
    CDK_CONTEXT_JSON: JSON.stringify({ "aws:cdk:bundling-stacks": [], ...context }),
  };
  return run(process.execPath, ["--import", "tsx", "lib/app.ts"], { cwd: root, env });
}
