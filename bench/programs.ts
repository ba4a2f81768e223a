import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The worker in one file: the bench starts hundreds of processes, and a fast start disturbs the others less. */
export async function bundleWorker(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "incumbent-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "worker.cjs");
  await build({
    entryPoints: [path("worker.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    outfile,
    logLevel: "error",
  });
  return outfile;
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
