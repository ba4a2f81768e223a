import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Installs AWS's runtime interface client, which npm builds from source, where it is not there yet. */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PACKAGE = `${HERE}node_modules/aws-lambda-ric`;
/** What its build calls, and the Debian package that has it. */
const TOOLS = {
  autoconf: "autoconf",
  automake: "automake",
  libtoolize: "libtool",
  cmake: "cmake",
  make: "make",
  "g++": "g++",
};

export function installRuntimeClient(say: (text: string) => void): void {
  const { dependencies } = JSON.parse(readFileSync(`${HERE}package.json`, "utf8"));
  if (existsSync(`${PACKAGE}/dist/rapid-client.node`)) {
    const { version } = JSON.parse(readFileSync(`${PACKAGE}/package.json`, "utf8"));
    if (version === dependencies["aws-lambda-ric"]) return;
  }
  const missing = Object.entries(TOOLS).flatMap(([tool, name]) => (isThere(tool) ? [] : [name]));
  if (missing.length > 0) {
    say(`installing ${missing.join(", ")}`);
    // Without root or apt npm's own error says what is missing.
    run("apt-get", ["update", "-qq"]);
    run("apt-get", ["install", "-y", "-qq", ...missing]);
  }
  say("building aws-lambda-ric, once (some minutes)");
  const { status, output } = run("npm", ["ci", "--no-audit", "--no-fund"]);
  if (status !== 0) {
    throw new Error(`npm ci in test/bundle failed; it needs ${Object.values(TOOLS).join(", ")}:\n${output}`);
  }
}

function isThere(tool: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", tool]).status === 0;
}

function run(command: string, args: string[]): { status: number | null; output: string } {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: HERE, env, encoding: "utf8" });
  return { status, output: `${stdout ?? ""}${stderr ?? ""}`.slice(-4_000) };
}
