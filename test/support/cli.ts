import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, inject } from "vitest";
import { eventually } from "./fixture.js";

/** The built command, as users run it. */
const CLI = "dist/cli/main.js";

export interface Command {
  readonly child: ChildProcess;
  /** The exit code, once all of its output is there. */
  readonly exited: Promise<number | null>;
  out: string;
  err: string;
}

const commands: Command[] = [];
afterEach(async () => {
  for (const { child, exited } of commands.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
});

/** On the tests' table server. As without npx, which may have started the tests. */
export const incumbent = (...args: string[]) =>
  incumbentWith(
    { ...process.env, npm_command: undefined, AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint },
    ...args,
  );

export function incumbentWith(env: NodeJS.ProcessEnv, ...args: string[]): Command {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...env, NODE_NO_WARNINGS: "1", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const command: Command = { child, exited: once(child, "close").then(([code]) => code), out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    command.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    command.err += text;
  });
  commands.push(command);
  return command;
}

/** Nothing that this machine's environment says of AWS. */
export const BARE = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_")),
);

/** The endpoint of a `local` that is ready. */
export async function endpointOf(local: Command): Promise<string> {
  await eventually(() => local.out.includes("npx incumbent status"));
  return /AWS_ENDPOINT_URL_DYNAMODB=(\S+)/.exec(local.out)?.[1] as string;
}
export const isGone = (endpoint: string) =>
  fetch(endpoint).then(
    () => false,
    () => true,
  );
