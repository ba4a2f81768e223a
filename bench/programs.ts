import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const WORKERS = { worker: "worker.ts", groupWorker: "group-worker.ts", sessionWorker: "session-worker.ts" };
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Our processes, each in one file: the bench starts hundreds of them, and a fast start disturbs the others less. */
export async function bundleWorkers(): Promise<Record<keyof typeof WORKERS, string>> {
  const folder = await mkdtemp(join(tmpdir(), "incumbent-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: Object.fromEntries(Object.entries(WORKERS).map(([name, file]) => [name, path(file)])),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    outdir: folder,
    outExtension: { ".js": ".cjs" },
    logLevel: "error",
  });
  const program = (name: keyof typeof WORKERS) => join(folder, `${name}.cjs`);
  return {
    worker: program("worker"),
    groupWorker: program("groupWorker"),
    sessionWorker: program("sessionWorker"),
  };
}

/** The peer, installed from its own lock file, or why that failed. */
export async function installPeer(): Promise<{ program: string } | { missing: string }> {
  const folder = path("peers/");
  try {
    const [wanted, installed] = await Promise.all(
      ["package-lock.json", "node_modules/.package-lock.json"].map((file) => versions(folder + file)),
    );
    if (wanted !== installed) {
      const npm = process.platform === "win32" ? "npm.cmd" : "npm";
      await promisify(execFile)(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
    }
    return { program: `${folder}lock-client.cjs` };
  } catch (error) {
    const { message, stderr = "" } = error as Error & { stderr?: string };
    // npm's error messages, without its warnings.
    const said = stderr.split("\n").filter((line) => line.startsWith("npm error"));
    return { missing: said.slice(0, 2).join(" ") || message };
  }
}

/** Of the packages that are, or should be, there; empty when there is nothing. */
async function versions(lockFile: string): Promise<string> {
  const text = await readFile(lockFile, "utf8").catch(() => "{}");
  const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { version?: string }> };
  return Object.entries(packages)
    .filter(([name]) => name !== "")
    .map(([name, { version }]) => `${name}@${version}`)
    .sort()
    .join("\n");
}
