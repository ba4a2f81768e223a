import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "../../src/testing/index.js";
import { type CommandOptions, run } from "../deploy/command.js";
import { StepFailure, Steps } from "../deploy/steps.js";
import { dieInEachWay } from "./deaths.js";
import { installRuntimes, type Runtime, runtimesIn } from "./runtimes.js";

const HELP = `npm run test:runtimes -- [options]

Runs the packed package on Node 22, Node 24, Bun and Deno: a short story with two candidates, the command, and
deaths of leaders with a last will.
On Node 22 and 24 it also runs the tests that depend most on the runtime. The runtimes come from npm, once,
into .runtimes/ (about 600 MB). Needs a build (npm run build).

  --whole   on Node 22 and 24 the whole of \`npm test\` (3 minutes each)
  --only N  one runtime: node22, node24, bun or deno

Exits with 1 if a step fails.
`;

/** What a shell expects of a program that was ended by a signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Timers, signals, processes, streams and the SDK: what another Node could do in another way. */
const SENSITIVE = [
  "store/lease-store.test.ts",
  "store/fencing.test.ts",
  "testing",
  "lead.test.ts",
  "silence.test.ts",
  "telemetry.test.ts",
];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      whole: { type: "boolean", default: false },
      only: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = join(ROOT, ".runtimes");
  const runtimes = runtimesIn(folder).filter(({ name }) => values.only === undefined || values.only === name);
  if (runtimes.length === 0) {
    throw new RangeError("--only: must be node22, node24, bun or deno. Suggestion: --only node24.");
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => stop.abort(SIGNALS[signal]));
  }
  const steps = new Steps((line) => process.stdout.write(`${line}\n`));
  const project = mkdtempSync(join(tmpdir(), "incumbent-runtimes-"));
  try {
    const options = { cwd: ROOT, env: { ...process.env, NODE_NO_WARNINGS: "1" }, signal: stop.signal };
    await steps.run("runtimes from npm", () => installRuntimes(folder, options));
    await steps.run("packed package", () => installPackage(project, options));
    for (const runtime of runtimes) await tryRuntime(runtime, project, values.whole, steps, options);
  } catch (error) {
    if (stop.signal.aborted) return stop.signal.reason;
    if (!steps.done.at(-1)?.failure) throw error;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  const failed = steps.done.filter(({ failure }) => failure !== undefined).length;
  process.stdout.write(`runtimes: ${steps.done.length - failed} steps passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** One runtime that fails does not keep the next one from its turn. */
async function tryRuntime(
  runtime: Runtime,
  project: string,
  whole: boolean,
  steps: Steps,
  options: CommandOptions,
): Promise<void> {
  const [program, ...before] = runtime.command;
  const inProject = async () => {
    const local = await startDynamoDBLocal({
      env: without("AWS_ENDPOINT_URL_DYNAMODB"),
      signal: options.signal,
    });
    const { endpoint, region, credentials } = local.clientConfig;
    const env = {
      ...options.env,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    return { local, options: { ...options, env, cwd: project } };
  };
  const story = async () => {
    const { local, options } = await inProject();
    await using _ = local;
    const { output } = await run(program, [...before, "smoke.mjs", runtime.name], options);
    const command = join("node_modules", "incumbent", "dist", "cli", "main.js");
    const table = ["--table", `leases-${runtime.name}`];
    const status = await run(program, [...before, command, "status", ...table], options);
    if (!status.output.includes("reports/daily")) throw new StepFailure(`status printed:\n${status.output}`);
    return { found: output.trim() };
  };
  const deaths = async () => {
    const { local, options } = await inProject();
    await using _ = local;
    return await dieInEachWay(runtime, new DynamoDBClient(local.clientConfig), options);
  };
  const tests = async () => {
    const env = { ...options.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}` };
    const files = whole ? [] : SENSITIVE.map((name) => `test/${name}`);
    const vitest = [join("node_modules", "vitest", "vitest.mjs"), "run", "--reporter=dot", "--silent=true"];
    const { output } = await run(program, [...before, ...vitest, ...files], { ...options, env });
    return { found: /Tests .*/.exec(output.replaceAll(COLOUR, ""))?.[0] ?? "" };
  };
  const { output: version } = await run(program, ["--version"], options);
  const name = `${runtime.name} (${version.trim().split("\n")[0]})`;
  await settled(() => steps.run(`${name}: the packed package`, story), options.signal);
  await settled(() => steps.run(`${name}: last wills`, deaths), options.signal);
  if (runtime.isNode) await settled(() => steps.run(`${name}: tests`, tests), options.signal);
}

async function settled(step: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  await step().catch((error: unknown) => {
    signal.throwIfAborted();
    // The step has reported it.
    if (!(error instanceof Error)) throw error;
  });
}

async function installPackage(project: string, options: CommandOptions): Promise<{ found: string }> {
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project], options);
  const tarball = readdirSync(project).find((file) => file.endsWith(".tgz")) as string;
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "smoke", private: true }));
  for (const program of ["smoke.mjs", "dying.mjs"])
    cpSync(fileURLToPath(new URL(program, import.meta.url)), join(project, program));
  const install = ["install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  await run("npm", [...install, `./${tarball}`], { ...options, cwd: project });
  return { found: tarball };
}

function without(name: string): NodeJS.ProcessEnv {
  return { ...process.env, [name]: undefined };
}

/** What a terminal reads as a colour. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
  if (!isUsage && !(error instanceof RangeError)) throw error;
  process.stderr.write(`runtimes: ${(error as Error).message} Try --help.\n`);
  process.exitCode = 2;
}
