import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { Election } from "../src/index.js";
import { DynamoDBLeaseStore } from "../src/store/dynamodb.js";
import { eventually, newClient, newLeaseTable } from "./support/fixture.js";

/** The built command, as users run it: real processes, real signals. */
const CLI = "dist/cli/main.js";
const client = newClient();
const folder = mkdtempSync(join(tmpdir(), "incumbent-cli-"));
let table: string;
beforeAll(async () => {
  table = await newLeaseTable(client);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Command {
  readonly child: ChildProcess;
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

function incumbent(...args: string[]): Command {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint,
      NODE_NO_WARNINGS: "1",
      NO_COLOR: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const command: Command = { child, exited: once(child, "exit").then(([code]) => code), out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    command.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    command.err += text;
  });
  commands.push(command);
  return command;
}

const run = (election: string, ...command: string[]) =>
  incumbent("run", election, "--table", table, "--lease-ms", "1500", "--", ...command);

/** A command that writes its term and its pid to a file, and works until it is stopped. */
function job(file: string, onTerm = "exit 7"): string[] {
  return [
    "sh",
    "-c",
    `trap '${onTerm}' TERM; echo "$INCUMBENT_TERM $$" >> ${file}; while :; do sleep 0.1; done`,
  ];
}
const linesOf = (file: string) => {
  try {
    return readFileSync(file, "utf8").trim().split("\n");
  } catch {
    return [];
  }
};
const isRunning = (pid: number) => {
  try {
    // A zombie that nobody has waited for yet is dead as well.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};
const rowOf = async (name: string) => {
  const store = new DynamoDBLeaseStore(client, table);
  return (await store.read(name, { consistent: true }, new AbortController().signal)).lease;
};

test("run: one of two runs its command; killed with SIGKILL, its command dies with it and the other takes over", async () => {
  const name = `e/${randomUUID()}`;
  const file = join(folder, randomUUID());
  const both = [run(name, ...job(file)), run(name, ...job(file))];
  await eventually(() => linesOf(file).length === 1);
  const [term, pid] = (linesOf(file)[0] ?? "").split(" ").map(Number);
  expect(term).toBe(1);
  const leading = both.find(({ err }) => err.includes("leading")) as Command;
  leading.child.kill("SIGKILL");
  await eventually(() => !isRunning(pid as number));
  await eventually(() => linesOf(file).length === 2);
  expect(linesOf(file)[1]).toMatch(/^2 /);
});

test("run: SIGTERM stops the command, passes its exit code on, and gives the lease back", async () => {
  const name = `e/${randomUUID()}`;
  const file = join(folder, randomUUID());
  const command = run(name, ...job(file));
  await eventually(() => linesOf(file).length === 1);
  command.child.kill("SIGTERM");
  expect(await command.exited).toBe(7);
  expect(await rowOf(name)).toMatchObject({ term: 1, endReason: "resigned", holder: undefined });
});

test("run: a command that ignores SIGTERM is killed, with what it started", async () => {
  const name = `e/${randomUUID()}`;
  const file = join(folder, randomUUID());
  const command = incumbent(
    ...["run", name, "--table", table, "--lease-ms", "1500", "--kill-after-ms", "200", "--"],
    ...["sh", "-c", `trap '' TERM; sleep 300 & echo "1 $!" > ${file}; wait; sleep 300`],
  );
  await eventually(() => linesOf(file).length === 1);
  command.child.kill("SIGTERM");
  expect(await command.exited).toBe(128 + 9);
  const pid = Number((linesOf(file)[0] ?? "").split(" ")[1]);
  await eventually(() => !isRunning(pid));
  expect((await rowOf(name))?.holder).toBeUndefined();
});

test("run: an evicted leader's command is stopped, and runs again under a later term", async () => {
  const name = `e/${randomUUID()}`;
  const file = join(folder, randomUUID());
  run(name, ...job(file));
  await eventually(() => linesOf(file).length === 1);
  const store = new DynamoDBLeaseStore(client, table);
  await store.evict({ election: name, term: 1, at: undefined }, new AbortController().signal);
  await eventually(() => linesOf(file).length === 2);
  expect(linesOf(file)[1]).toMatch(/^3 /);
});

test("run: frozen past its lease and thawed, it ends its command at once, and leads again only under a later term", async () => {
  const name = `e/${randomUUID()}`;
  const file = join(folder, randomUUID());
  const frozen = run(name, ...job(file));
  await eventually(() => linesOf(file).length === 1);
  const [, pid] = (linesOf(file)[0] ?? "").split(" ").map(Number);
  frozen.child.kill("SIGSTOP");
  const other = run(name, ...job(file));
  await eventually(() => linesOf(file).length === 2);
  expect(linesOf(file)[1]).toMatch(/^2 /);
  frozen.child.kill("SIGCONT");
  await eventually(() => !isRunning(pid as number));
  other.child.kill("SIGTERM");
  await eventually(() => linesOf(file).length === 3);
  expect(linesOf(file)[2]).toMatch(/^3 /);
});

test.each([
  ["its exit code", ["sh", "-c", "exit 5"], 5],
  ["success", ["sh", "-c", "exit 0"], 0],
  ["a signal", ["sh", "-c", "kill -9 $$"], 137],
  ["not found", ["no-such-command-here"], 127],
])(
  "run: a command that ends by itself ends the run with %s, and frees the lease",
  async (_what, command, code) => {
    const name = `e/${randomUUID()}`;
    const ran = run(name, ...command);
    expect(await ran.exited).toBe(code);
    expect((await rowOf(name))?.holder).toBeUndefined();
    expect(ran.err).not.toContain("    at ");
  },
);

test("run: without a leader to be, the command is not started", async () => {
  const name = `e/${randomUUID()}`;
  await using leadership = await new Election({ client, tableName: table, name }).campaign();
  const file = join(folder, randomUUID());
  const command = run(name, ...job(file));
  await eventually(() => command.err.includes("campaigns"));
  command.child.kill("SIGINT");
  expect(await command.exited).toBe(130);
  expect(linesOf(file)).toEqual([]);
  leadership.throwIfLost();
});

test("status shows one election with its history, all of them, and JSON", async () => {
  const name = `e/${randomUUID()}`;
  const election = new Election({ client, tableName: table, name, value: "http://10.0.0.7" });
  await (await election.campaign()).resign();
  await using leadership = await election.campaign();
  await leadership.proclaim("http://10.0.0.8");

  const one = incumbent("status", name, "--table", table);
  expect(await one.exited).toBe(0);
  expect(one.out).toContain(election.candidateId);
  expect(one.out).toContain("http://10.0.0.8");
  expect(one.out).toContain("resigned");

  const json = incumbent("status", name, "--table", table, "--json");
  await json.exited;
  expect(JSON.parse(json.out)).toMatchObject({
    election: name,
    state: "held",
    term: 2,
    holder: election.candidateId,
  });

  const all = incumbent("status", "--table", table);
  expect(await all.exited).toBe(0);
  expect(all.out).toContain(name);

  const watch = incumbent("status", name, "--table", table, "--watch");
  await eventually(() => watch.out.includes("term 2"));
  await leadership.resign();
  await eventually(() => watch.out.includes("nobody leads"));
  watch.child.kill("SIGTERM");
  expect(await watch.exited).toBe(0);
});

test("local prints what to export, makes the table, and ends on SIGTERM", async () => {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_NO_WARNINGS: "1" };
  delete env.AWS_ENDPOINT_URL_DYNAMODB;
  const child = spawn(process.execPath, [CLI, "local"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  await eventually(() => out.includes("npx incumbent status"));
  const endpoint = /AWS_ENDPOINT_URL_DYNAMODB=(\S+)/.exec(out)?.[1] as string;
  const shown = execFileSync(process.execPath, [CLI, "status"], {
    encoding: "utf8",
    env: { ...env, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
  });
  expect(shown).toContain('No election in table "incumbent" yet.');
  child.kill("SIGTERM");
  expect((await exited)[0]).toBe(0);
  await expect(fetch(endpoint)).rejects.toThrow();
});

test.each([
  [["status", "--table", "no-such-table"], 1, "missing"],
  [["status", "a:b", "--table", "incumbent"], 2, "name"],
  [["run", "a#b", "--", "true"], 2, "name"],
  [["run", "e"], 2, "needs an election and a command"],
  [["run", "e", "--lease-ms", "0", "--", "true"], 2, "--lease-ms"],
  [["run", "e", "--leasems", "5", "--", "true"], 2, "no such option"],
  [["run", "e", "--table", "no-such-table", "--", "true"], 1, "missing"],
  [["local", "--port", "x"], 2, "--port"],
  [["bogus"], 2, "no command"],
])("bad input %j is one clear line and exit code %d", async (args, code, text) => {
  const command = incumbent(...args);
  expect(await command.exited).toBe(code);
  expect(command.err).toContain(text);
  expect(
    command.err
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("incumbent:")),
  ).toHaveLength(command.err.includes("campaigns") ? 2 : 1);
  expect(command.err).not.toContain("    at ");
});

test.each(["demo", "local", "run", "status"])(
  "%s --help names its options with units and defaults",
  async (name) => {
    const command = incumbent(name, "--help");
    expect(await command.exited).toBe(0);
    expect(command.out).toContain("USAGE");
    expect(command.out).toMatch(/Default/i);
  },
);

test("a folder that keeps the data brings terms back after a restart", async () => {
  writeFileSync(join(folder, "keep"), "");
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_NO_WARNINGS: "1" };
  delete env.AWS_ENDPOINT_URL_DYNAMODB;
  const terms: string[] = [];
  for (let restart = 0; restart < 2; restart++) {
    const child = spawn(process.execPath, [CLI, "local", "--db-path", folder], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    await eventually(() => out.includes("npx incumbent status"));
    const endpoint = /AWS_ENDPOINT_URL_DYNAMODB=(\S+)/.exec(out)?.[1] as string;
    const args = [CLI, "run", "kept", "--endpoint", endpoint, "--", "sh", "-c", "echo $INCUMBENT_TERM"];
    terms.push(
      execFileSync(process.execPath, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] }),
    );
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }
  expect(terms).toEqual(["1\n", "2\n"]);
});
