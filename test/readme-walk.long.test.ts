import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually } from "./support/fixture.js";

/**
 * Does what the README says, to the letter, in an empty folder and with the packed package: the commands, the files to
 * save and what is printed are all read from the README. `…` stands for anything.
 */

const readme = readFileSync("README.md", "utf8");
let empty: string;
let tarball: string;

beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), "incumbent-walk-"));
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", empty]);
  tarball = join(empty, readdirSync(empty).find((file) => file.endsWith(".tgz")) as string);
});
afterAll(() => rmSync(empty, { recursive: true, force: true }));

/** A reader's environment: nothing of AWS, and nothing of the npm that started the tests. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|npm|INIT)_/i.test(name))),
  PATH: process.env.PATH?.split(delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .join(delimiter),
  NODE_NO_WARNINGS: "1",
  NO_COLOR: "1",
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
};

interface Block {
  /** `ts`, `sh` or `text`. */
  readonly kind: string;
  readonly body: string;
  /** The text between the block before and this one. */
  readonly before: string;
}

function blocksOf(heading: string): Block[] {
  const start = readme.indexOf(heading);
  const end = readme.indexOf("\n## ", start + heading.length);
  const found = readme.slice(start, end).matchAll(/(.*?)^```(\w+)\n(.*?)^```/gms);
  return [...found].map(([, before = "", kind = "", body = ""]) => ({ kind, body, before }));
}

/** The blocks of these kinds, in this order, and no others. */
function expectKinds(blocks: Block[], kinds: string): string[] {
  expect(blocks.map(({ kind }) => kind).join(" ")).toBe(kinds);
  return blocks.map(({ body }) => body);
}

/** Version 0.1.0 is not on npm: the README says what to write for the name. */
const withTarball = (commands: string) =>
  commands.replace(/(npm install|--package) incumbent\b/, `$1 ${tarball}`);

interface Terminal {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  out: string;
  err: string;
  /** Sends SIGINT to all programs of the terminal, and waits for the end. */
  ctrlC(): Promise<void>;
}

const terminals: Terminal[] = [];
afterEach(async () => {
  for (const terminal of terminals.splice(0)) {
    if (terminal.child.exitCode === null && terminal.child.signalCode === null) await terminal.ctrlC();
  }
});

function open(folder: string, commands: string): Terminal {
  const child = spawn("sh", ["-e", "-c", commands], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const exited = once(child, "close").then(([code]) => code);
  const ctrlC = async () => {
    process.kill(-(child.pid as number), "SIGINT");
    await exited;
  };
  const terminal: Terminal = { child, exited, ctrlC, out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    terminal.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    terminal.err += text;
  });
  terminals.push(terminal);
  return terminal;
}

/** What a block says that is printed, as a pattern. */
function patternOf(printed: string): RegExp {
  const lines = printed.split("\n").map((line) => line.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(lines.join("\n").replace(/…\n$/, "[^]*").replaceAll("…", "\\S*"));
}

async function prints(terminal: Terminal, printed: string): Promise<void> {
  const pattern = patternOf(printed);
  const isDone = () => pattern.test(terminal.out) || terminal.child.exitCode !== null;
  // The assertion says what was printed instead.
  await eventually(isDone, { deadlineMs: 150_000 }).catch(() => {});
  expect(terminal.out, `and on stderr: ${terminal.err}`).toMatch(pattern);
}

test("from an empty folder to a leader, a second one, TypeScript, a fenced write and a cron job, as the README says", async () => {
  const [example = ""] = expectKinds(
    blocksOf("# incumbent").filter(({ kind }) => kind === "ts"),
    "ts",
  );
  const first = expectKinds(blocksOf("## Your first leader"), "sh text sh text text sh");
  const [setUp = "", exported = "", run = "", printed = "", printedNext = "", typescript = ""] = first;

  const local = open(empty, withTarball(setUp));
  await prints(local, exported);
  const folder = join(empty, "first-leader");
  const exports = local.out.match(/^export .*\n/gm)?.join("") ?? "";
  expect(exports.split("\n")).toHaveLength(5);
  const terminal = (commands: string) => open(folder, exports + commands);

  expect(readme).toContain("Save the example above as `leader.mjs`");
  writeFileSync(join(folder, "leader.mjs"), example);
  const hint = /If it says `([^`]+)`, this terminal has no `export` lines/.exec(readme)?.[1] as string;
  const without = open(folder, `AWS_CONFIG_FILE=/dev/null ${run}`);
  expect(await without.exited).toBe(1);
  expect(without.err).toContain(hint);
  const leader = terminal(run);
  await prints(leader, printed);
  const waiting = terminal(run);
  const status = terminal("npx incumbent status hello");
  expect(await status.exited).toBe(0);
  expect(status.out).toMatch(/^state +held$/m);
  expect(waiting.out).toBe("");
  await leader.ctrlC();
  await prints(waiting, printedNext);
  await waiting.ctrlC();
  expect([leader.err, waiting.err]).toEqual(["", ""]);

  expect(readme).toContain("save the same text as `leader.mts`");
  writeFileSync(join(folder, "leader.mts"), example);
  const typed = terminal(typescript);
  await prints(typed, printed.replace("term 1", "term 3"));
  await typed.ctrlC();

  const [fenced = "", runFenced = "", charged = ""] = expectKinds(
    blocksOf("## A fenced write"),
    "ts sh text",
  );
  writeFileSync(join(folder, "worker.mjs"), fenced);
  const worker = terminal(runFenced);
  await prints(worker, charged);
  await worker.ctrlC();

  const job = expectKinds(blocksOf("## A job that runs once per tick"), "ts sh text");
  const [cron = "", runTwice = "", reported = ""] = job;
  writeFileSync(join(folder, "cron.mjs"), cron);
  const runs = terminal(runTwice);
  expect(await runs.exited).toBe(0);
  expect(runs.out).toBe(reported);

  // The types of the package, as the compiler of a project sees them; and `await using`, translated for Node.js 20.
  writeFileSync(join(folder, "by-hand.mts"), readFileSync("examples/by-hand.ts"));
  const tsc = `node ${resolve("node_modules/typescript/bin/tsc")} --strict --module nodenext --target es2022`;
  const types = `--types node --typeRoots ${resolve("node_modules/@types")}`;
  const compiled = terminal(`${tsc} ${types} leader.mts by-hand.mts && node by-hand.mjs`);
  expect(await compiled.exited, compiled.out + compiled.err).toBe(0);
  expect(compiled.out).toBe("imported under term 1\n");

  await local.ctrlC();
}, 300_000);

test("without an installation, npx runs the command with the package of DynamoDB Local, as the README says", async () => {
  const { body: demo } = blocksOf("# incumbent")[0] as Block;
  expect(demo).toMatch(/^npx --package incumbent .* incumbent demo$/m);
  // The demo has tests of its own. Here DynamoDB Local must be found, and `local` says so sooner.
  const npx = open(
    empty,
    `npx --yes ${withTarball(demo).replace("npx", "").replace("incumbent demo", "incumbent local")}`,
  );
  await prints(npx, "export AWS_REGION=us-east-1\n…\n");
  await npx.ctrlC();
}, 200_000);
