#!/usr/bin/env node
import { type CommandDef, defineCommand, runCommand } from "citty";
import { describe } from "../describe.js";
import { IncumbentError, InvalidOptionError } from "../errors.js";
import { VERSION } from "../version.js";
import { printHelp } from "./help.js";
import { meantOf, UsageError } from "./usage.js";

/** Each module exports its command by this name, and may export `notes`, which `--help` prints after the options. */
const commands = {
  demo: async () => ({ command: (await import("./demo.js")).demo }),
  local: async () => ({ command: (await import("./local.js")).local }),
  operate: async () => ({ command: (await import("./operate.js")).operate }),
  run: async () => import("./run.js").then(({ run, notes }) => ({ command: run, notes })),
  status: async () => ({ command: (await import("./status.js")).status }),
};

const main = defineCommand({
  meta: { name: "incumbent", version: VERSION, description: "Leader election on a DynamoDB table." },
  subCommands: Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [
      name,
      async () => (await load()).command as unknown as CommandDef,
    ]),
  ),
});

/** A user sees one line and never a stack trace. Exit code 2: a wrong command line; 1: a failure. */
async function start(words: string[]): Promise<void> {
  // `help run` is `run --help`, as in other commands.
  const [name = "", ...rest] = words[0] === "help" ? [...words.slice(1), "--help"] : words;
  const own = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : undefined);
  const has = (long: string, short: string) => own.includes(long) || own.includes(short);
  if (name === "--version" || name === "-v") return console.log(VERSION);
  if (name === "" || name === "--help" || name === "-h") {
    process.exitCode = name === "" ? 2 : 0;
    return printHelp(main);
  }
  if (!Object.hasOwn(commands, name)) {
    const known = Object.keys(commands);
    const meant = meantOf(name, known);
    const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
    throw new UsageError(
      `the first argument (${describe(name)}) is no command${hint}; the commands are ${known.join(", ")}.`,
    );
  }
  const loaded: { command: unknown; notes?: string } = await commands[name as keyof typeof commands]();
  const command = loaded.command as CommandDef;
  if (has("--help", "-h")) return printHelp(command, main, loaded.notes);
  if (has("--version", "-v")) return console.log(VERSION);
  await runCommand(command, { rawArgs: rest });
}

/** The output of a program that was started may contain its own stack trace. */
function oneLine(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("at "))
    .join(" ");
}

/** For an error that is not ours: its kind and its place. Its message is not shown, because it can quote arguments. */
function unexpected(error: unknown): string {
  const { message, stack = "" } = error instanceof Error ? error : new Error();
  const frames = message === "" ? stack : stack.slice(stack.lastIndexOf(message) + message.length);
  const [place] = /\b(dist|src)\/[\w/-]+\.[jt]s:\d+/.exec(frames) ?? [];
  return `unexpected error: ${describe(error)}${place === undefined ? "" : ` at ${place}`}.`;
}

// A reader that closes the pipe early, as in `incumbent status | head -1`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
// When nobody reads our messages, a command that leads must go on.
process.stderr.on("error", () => {});

try {
  await start(process.argv.slice(2));
} catch (error) {
  const known =
    error instanceof IncumbentError || error instanceof UsageError || (error as Error)?.name === "CLIError";
  console.error(`incumbent: ${known ? oneLine((error as Error).message) : unexpected(error)}`);
  const usage =
    error instanceof UsageError ||
    error instanceof InvalidOptionError ||
    (error as Error)?.name === "CLIError";
  process.exit(usage ? 2 : 1);
}
