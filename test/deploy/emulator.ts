import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { dieWithUs } from "../../src/child-guard.js";
import { StepFailure } from "./steps.js";

const SERVER = fileURLToPath(new URL("emulator/server.py", import.meta.url));

export interface Emulator extends AsyncDisposable {
  readonly endpoint: string;
  /** The resource types that its CloudFormation makes; it passes over others in silence. */
  readonly types: ReadonlySet<string>;
  /** Those among them that moto lacks and `emulator/` adds. */
  readonly taught: readonly string[];
}

/** An empty AWS on a free loopback port, which ends with us, however we end. Rejects with `StepFailure`. */
export async function startEmulator(python: string, env: NodeJS.ProcessEnv): Promise<Emulator> {
  // -B: no bytecode beside our sources.
  const child = spawn(python, ["-B", SERVER], { stdio: ["pipe", "pipe", "pipe"], env });
  dieWithUs(child);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-5_000);
  });
  const lines = createInterface({ input: child.stdout });
  const [first] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
  if (first === undefined) throw new StepFailure(`moto's server did not start:\n${said}`);
  const { port, types, taught } = JSON.parse(first) as { port: number; types: string[]; taught: string[] };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    types: new Set(types),
    taught,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      // It ends with its standard input.
      child.stdin.end();
      await exited;
    },
  };
}
