import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandOptions, run } from "../deploy/command.js";
import { StepFailure } from "../deploy/steps.js";

/** A runtime that npm has for this machine. */
export interface Runtime {
  readonly name: string;
  /** The program, and what comes before the name of a script. */
  readonly command: readonly [string, ...string[]];
  /** Whether the tests of this project run on it too. */
  readonly isNode: boolean;
  /** The deaths after which a last will gives the lease back here: ways of `dying.mjs`. */
  readonly willed: readonly string[];
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/**
 * Installs the runtimes that `package.json` beside this file pins, in `folder`, once per content of its lockfile. That
 * folder is not the project's: as a dependency their `node` would be first in the PATH of every script.
 */
export async function installRuntimes(folder: string, options: CommandOptions): Promise<{ found: string }> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new StepFailure(
      "package.json of test/runtimes names the runtimes for Linux on x64. Add yours there.",
    );
  }
  const lock = readFileSync(join(HERE, "package-lock.json"), "utf8");
  const stamp = join(folder, "complete");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return { found: "there already" };
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) cpSync(join(HERE, file), join(folder, file));
  await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], { ...options, cwd: folder });
  writeFileSync(stamp, lock);
  return { found: "installed" };
}

const EACH_DEATH = ["exit", "exception", "rejection", "SIGKILL", "abort"];

export function runtimesIn(folder: string): Runtime[] {
  const at = (path: string) => join(folder, "node_modules", path);
  return [
    { name: "node22", command: [at("node22/bin/node")], isNode: true, willed: EACH_DEATH },
    { name: "node24", command: [at("node24/bin/node")], isNode: true, willed: EACH_DEATH },
    { name: "bun", command: [at("@oven/bun-linux-x64/bin/bun")], isNode: false, willed: EACH_DEATH },
    {
      name: "deno",
      command: [at("@deno/linux-x64-glibc/deno"), "run", "-A", "--quiet"],
      isNode: false,
      willed: ["exit"],
    },
  ];
}
