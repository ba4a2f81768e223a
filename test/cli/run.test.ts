import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { Election } from "../../src/index.js";
import { dynamoDBLeaseStore } from "../../src/store/dynamodb/lease-store.js";
import { startFaultProxy } from "../support/fault-proxy.js";
import { eventually, newClient, newLeaseTable } from "../support/fixture.js";
import { factsOf } from "../support/lease.js";
import { childrenOf, onLinux } from "../support/processes.js";

/** `incumbent run` as users run it: the built command, real processes, real signals. */
const client = newClient();
const folder = mkdtempSync(join(tmpdir(), "incumbent-run-"));
let table: string;
beforeAll(async () => {
  table = await newLeaseTable(client);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Command {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  err: string;
}

const commands: Command[] = [];
afterEach(async () => {
  for (const { child, exited } of commands.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
});

/**
 * `run <election> …options -- …command`, with a short lease. On a busy machine it can run out by itself, so tests say no
 * more of the terms than that they rise.
 */
function run(name: string, command: string[], ...options: string[]): Command {
  const args = ["dist/cli/main.js", "run", name, "--table", table, "--lease-ms", "1500", ...options];
  const child = spawn(process.execPath, [...args, "--", ...command], {
    env: {
      ...process.env,
      npm_command: undefined,
      AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint,
      NODE_NO_WARNINGS: "1",
      NO_COLOR: "1",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const started: Command = { child, exited: once(child, "exit").then(([code]) => code), err: "" };
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    started.err += text;
  });
  commands.push(started);
  return started;
}

/** Its child processes, by their command lines. */
async function childOf(command: Command, commandLine: RegExp): Promise<number> {
  const pid = command.child.pid as number;
  return eventually(() =>
    childrenOf(pid).find((child) => commandLine.test(readFileSync(`/proc/${child}/cmdline`, "utf8"))),
  );
}

const newName = () => `e/${randomUUID()}`;
const newFile = () => join(folder, randomUUID());

/** A command that writes its term and its pid to a file, and works until it is stopped. */
function job(file: string, onTerm = "exit 7"): string[] {
  const script = `trap '${onTerm}' TERM; echo "$INCUMBENT_TERM $$" >> ${file}; while :; do sleep 0.1; done`;
  return ["sh", "-c", script];
}
const linesOf = (file: string) => {
  try {
    // A line that is still being written does not count.
    return readFileSync(file, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
};
const started = (file: string, times: number) => eventually(() => linesOf(file).length >= times);
const termsIn = (file: string) => linesOf(file).map((line) => Number(line.split(" ")[0]));
const lastTermIn = (file: string) => termsIn(file).at(-1) as number;
const pidIn = (file: string, line = 0) => Number((linesOf(file)[line] ?? "").split(" ")[1]);
/** Who leads this term. Its command may have begun before this process hears that. */
const leaderIn = (term: number, commands: Command[]) =>
  eventually(() => commands.find(({ err }) => err.includes(`, term ${term}\n`)));
const isRunning = (pid: number) => {
  try {
    // A zombie that nobody has waited for yet is dead as well.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};
const rowOf = async (name: string) => {
  const store = dynamoDBLeaseStore(client, table);
  return factsOf((await store.read(name, { consistent: true }, new AbortController().signal)).lease);
};

test("one of two runs its command; killed with SIGKILL, its command dies with it and the other takes over", async () => {
  const [name, file] = [newName(), newFile()];
  const both = [run(name, job(file)), run(name, job(file))];
  await started(file, 1);
  const first = lastTermIn(file);
  const leading = await leaderIn(first, both);
  leading.child.kill("SIGKILL");
  await eventually(() => !isRunning(pidIn(file)));
  await started(file, 2);
  expect(termsIn(file)[1]).toBeGreaterThan(first);
});

test("two never run at once, however often the leader is killed", async () => {
  const [name, file] = [newName(), newFile()];
  // Whoever starts while another one's mark is there has caught two at work; a lock folder tells, atomically.
  const mark = join(folder, randomUUID());
  const script = `mkdir ${mark} 2>/dev/null || echo overlap >> ${file}.bad
    trap 'rmdir ${mark}; exit 0' TERM; echo "$INCUMBENT_TERM $$" >> ${file}; while :; do sleep 0.1; done`;
  const fleet = [1, 2, 3].map(() => run(name, ["sh", "-c", script]));
  for (let round = 1; round <= 3; round++) {
    await started(file, round);
    const leading = await leaderIn(lastTermIn(file), fleet);
    leading.child.kill("SIGTERM");
    expect(await leading.exited).toBe(0);
  }
  // A term can pass without a line when this machine stalls for a lease: what holds is that none comes twice or falls.
  const terms = termsIn(file);
  expect(terms.every((term, at) => at === 0 || term > (terms[at - 1] as number))).toBe(true);
  expect(linesOf(`${file}.bad`)).toEqual([]);
});

test("SIGTERM stops the command, passes its exit code on, and gives the lease back", async () => {
  const [name, file] = [newName(), newFile()];
  const command = run(name, job(file));
  await started(file, 1);
  command.child.kill("SIGTERM");
  expect(await command.exited).toBe(7);
  expect(await rowOf(name)).toMatchObject({ kind: "vacant", term: lastTermIn(file), endReason: "resigned" });
});

test("a command that ignores SIGTERM is killed, with what it started", async () => {
  const [name, file] = [newName(), newFile()];
  const script = `trap '' TERM; sleep 300 & echo "1 $!" > ${file}; wait; sleep 300`;
  const command = run(name, ["sh", "-c", script], "--kill-after-ms", "200");
  await started(file, 1);
  command.child.kill("SIGTERM");
  expect(await command.exited).toBe(128 + 9);
  await eventually(() => !isRunning(pidIn(file)));
  expect((await rowOf(name))?.holder).toBeUndefined();
});

test.runIf(onLinux)("it is killed: its lease is given back, but not before its command is dead", async () => {
  const [name, file] = [newName(), newFile()];
  const command = run(name, job(file, ":"), "--lease-ms", "60000");
  await started(file, 1);
  const [pid, guard] = [pidIn(file), await childOf(command, /pids/)];
  const companion = await childOf(command, /incumbent-last-will/);
  // The command outlives it as long as the guard is frozen.
  process.kill(guard, "SIGSTOP");
  command.child.kill("SIGKILL");
  await command.exited;
  await eventually(
    () =>
      !/^PPid:\t(\d+)/m
        .exec(readFileSync(`/proc/${companion}/status`, "utf8"))
        ?.includes(`${command.child.pid}`),
  );
  for (let looks = 0; looks < 20; looks++) expect(await rowOf(name)).toMatchObject({ kind: "held" });
  expect(isRunning(pid)).toBe(true);
  process.kill(guard, "SIGCONT");
  await eventually(async () => (await rowOf(name))?.holder === undefined);
  expect(isRunning(pid)).toBe(false);
  expect(await rowOf(name)).toMatchObject({ term: 1, endReason: "crashed" });
});

test("an evicted leader's command is stopped, and runs again under a later term", async () => {
  const [name, file] = [newName(), newFile()];
  run(name, job(file));
  await started(file, 1);
  const store = dynamoDBLeaseStore(client, table);
  const evicted = await eventually(async () => {
    const term = lastTermIn(file);
    const asked = { election: name, term, at: undefined };
    return (await store.evict(asked, new AbortController().signal)).done && term;
  });
  await eventually(() => lastTermIn(file) > evicted);
  // An eviction takes a term itself.
  expect(termsIn(file).find((term) => term > evicted)).toBeGreaterThan(evicted + 1);
});

test.each([
  ["ends at SIGTERM", "exit 0"],
  ["ignores SIGTERM", ":"],
])(
  "the table does not answer: a command that %s is stopped, and runs again afterwards",
  async (_what, onTerm) => {
    const [name, file] = [newName(), newFile()];
    await using proxy = await startFaultProxy(inject("dynamodb").endpoint);
    const command = run(name, job(file, onTerm), "--endpoint", proxy.endpoint);
    await started(file, 1);
    proxy.pause("requests");
    await eventually(() => !isRunning(pidIn(file)));
    proxy.resume();
    await started(file, 2);
    expect(termsIn(file)[1]).toBeGreaterThan(termsIn(file)[0] as number);
    expect(command.child.exitCode).toBeNull();
  },
);

test("frozen past its lease and thawed, it ends its command at once, and leads again only under a later term", async () => {
  const [name, file] = [newName(), newFile()];
  const frozen = run(name, job(file));
  await started(file, 1);
  const pid = pidIn(file);
  frozen.child.kill("SIGSTOP");
  const other = run(name, job(file));
  await started(file, 2);
  frozen.child.kill("SIGCONT");
  await eventually(() => !isRunning(pid));
  other.child.kill("SIGTERM");
  await started(file, 3);
  const [first = 0, second = 0, third] = termsIn(file);
  expect(second).toBeGreaterThan(first);
  expect(third).toBeGreaterThan(second);
});

test.each([
  ["its exit code", ["sh", "-c", "exit 5"], 5],
  ["success", ["sh", "-c", "exit 0"], 0],
  ["a signal", ["sh", "-c", "kill -9 $$"], 137],
  ["127 when it is not found", ["no-such-command-here"], 127],
  ["126 when it cannot be run", ["./package.json"], 126],
  ["127 when its folder is a file", ["./package.json/job"], 127],
])(
  "a command that ends by itself ends the run with %s, and frees the lease",
  async (_what, command, code) => {
    const name = newName();
    const ran = run(name, command);
    expect(await ran.exited).toBe(code);
    expect((await rowOf(name))?.holder).toBeUndefined();
    expect(ran.err).not.toContain("    at ");
    expect(ran.err).not.toContain("Error:");
  },
);

test("the command finds its election, term and candidate in its environment", async () => {
  const [name, file] = [newName(), newFile()];
  const print = 'echo "$INCUMBENT_ELECTION $INCUMBENT_TERM $INCUMBENT_CANDIDATE_ID"';
  const ran = run(name, ["sh", "-c", `${print} > ${file}`], "--label", "worker-9");
  expect(await ran.exited).toBe(0);
  const [term] = /(?<=, term )\d+/.exec(ran.err) ?? [];
  expect(linesOf(file)[0]).toMatch(new RegExp(`^${name} ${term} worker-9-[a-z0-9]{12}$`));
});

test("an election may have the command's own name", async () => {
  expect(await run("true", ["true"]).exited).toBe(0);
});

test("under npx it says that SIGTERM would not reach it", async () => {
  const outputOf = (npm_command: string | undefined) =>
    spawnSync(
      process.execPath,
      ["dist/cli/main.js", "run", `e/${randomUUID()}`, "--table", table, "--", "true"],
      {
        env: { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: inject("dynamodb").endpoint, npm_command },
        encoding: "utf8",
      },
    ).stderr;
  expect(outputOf("exec")).toContain("start node_modules/.bin/incumbent instead");
  expect(outputOf("run-script")).not.toContain("npx");
});

test("--keep: a command that ends by itself is run again, under a later term, until SIGTERM", async () => {
  const [name, file] = [newName(), newFile()];
  const command = run(name, ["sh", "-c", `echo "$INCUMBENT_TERM $$" >> ${file}; exit 5`], "--keep");
  await started(file, 2);
  const [first = 0, second] = termsIn(file);
  expect(second).toBeGreaterThan(first);
  command.child.kill("SIGTERM");
  expect([5, 143]).toContain(await command.exited);
  expect((await rowOf(name))?.holder).toBeUndefined();
});

test("--keep: a command that cannot be started is not tried again", async () => {
  expect(await run(newName(), ["no-such-command-here"], "--keep").exited).toBe(127);
});

test("--once: when leadership is lost, the run ends with the command", async () => {
  const [name, file] = [newName(), newFile()];
  const command = run(name, job(file), "--once");
  await started(file, 1);
  const store = dynamoDBLeaseStore(client, table);
  await store.evict({ election: name, term: 1, at: undefined }, new AbortController().signal);
  expect(await command.exited).toBe(128 + 9);
  expect(linesOf(file)).toHaveLength(1);
});

test("without a leader to be, the command is not started", async () => {
  const [name, file] = [newName(), newFile()];
  await using leadership = await new Election({ client, tableName: table, name }).campaign();
  const command = run(name, job(file));
  await eventually(() => command.err.includes("campaigns"));
  command.child.kill("SIGINT");
  expect(await command.exited).toBe(130);
  expect(linesOf(file)).toEqual([]);
  leadership.throwIfLost();
});

test("the command has every variable, also those that a shell cannot hold", async () => {
  const { endpoint } = inject("dynamodb");
  const script = 'process.stdout.write(process.env["spring.datasource.url"] + process.env["my-svc"])';
  const args = ["dist/cli/main.js", "run", newName(), "--table", table, "--", process.execPath, "-e", script];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      "spring.datasource.url": "one",
      "my-svc": "two",
      NODE_NO_WARNINGS: "1",
    },
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "onetwo" });
});
