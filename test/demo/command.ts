import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, inject } from "vitest";

/** `incumbent demo` as users run it: the built command, in a folder of its own. */

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const folder = mkdtempSync(join(tmpdir(), "incumbent-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export interface Shown {
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

export function start(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, "demo", ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
}

export async function run(args: string[], env?: NodeJS.ProcessEnv) {
  const child = start(args, env);
  const closed = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)]);
  return { code: await closed, stdout, stderr };
}

/** The run's own table, which is faster, and shows that nothing is left in somebody else's. */
export const onGivenTable = (): NodeJS.ProcessEnv => ({
  AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint,
});

export function expectThreeHandOvers(shown: Shown): void {
  expect(shown.failovers.map(({ kind }) => kind)).toEqual(["killed", "frozen", "resigned"]);
  for (const { fromTerm, toTerm, ms } of shown.failovers) {
    expect(toTerm).toBeGreaterThan(fromTerm);
    expect(ms).toBeGreaterThan(0);
  }
  const terms = shown.terms.map(({ term }) => term);
  expect(terms.length).toBeGreaterThanOrEqual(4);
  expect(terms.every((term, i) => i === 0 || term > (terms[i - 1] ?? 0))).toBe(true);
}
