import { spawn } from "node:child_process";
import { dieWithUs } from "../../src/child-guard.js";
import { StepFailure } from "./steps.js";

/** Lines of its output that explain why a command failed. */
const LAST_LINES = 60;

export interface CommandOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Exit codes that are an answer, not a failure. @default [0] */
  readonly answers?: readonly number[];
}

export interface Ran {
  readonly code: number;
  /** Both outputs, in the order in which they came. */
  readonly output: string;
}

/** Runs a command to its end; it dies with us. Rejects with `StepFailure`, which has its last lines. */
export async function run(file: string, args: readonly string[], options: CommandOptions): Promise<Ran> {
  const { cwd, env, signal, answers = [0] } = options;
  signal.throwIfAborted();
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  dieWithUs(child, { group: true });
  const kill = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", kill, { once: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    if (code !== null && answers.includes(code)) return { code, output };
    const last = output.trim().split("\n").slice(-LAST_LINES).join("\n");
    throw new StepFailure(`${[file, ...args].join(" ")} ended with ${code}:\n${last}`);
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
