import { expect, inject, test } from "vitest";
import { demo } from "../../src/cli/demo.js";
import { local } from "../../src/cli/local.js";
import { operate } from "../../src/cli/operate.js";
import { run } from "../../src/cli/run.js";
import { status } from "../../src/cli/status.js";
import { CANARY, expectNoCanary } from "../support/canary.js";
import { incumbentWith } from "../support/cli.js";

/** What is passed on a command line, or in the environment, is not repeated by an error. */

const WORKING = {
  demo: [],
  local: [],
  operate: ["billing/nightly", "pause"],
  run: ["billing/nightly"],
  status: ["billing/nightly"],
};
const COMMANDS = { demo, local, operate, run, status };
type Name = keyof typeof COMMANDS;

/** Read off the commands, so that a new option is not forgotten. */
const all = (Object.keys(COMMANDS) as Name[]).flatMap((name) =>
  Object.entries(COMMANDS[name].args ?? {}).map(([arg, { type }]): [string, string, string[]] => {
    const rest = name === "run" ? ["--", "true"] : [];
    const given =
      type === "positional"
        ? [CANARY, ...WORKING[name].slice(1)]
        : [...WORKING[name], ...(type === "boolean" ? [`--${arg}=${CANARY}`] : [`--${arg}`, CANARY])];
    return [name, arg, [name, ...given, ...rest]];
  }),
);

const failure = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
  const command = incumbentWith({ ...process.env, AWS_REGION: "us-east-1", ...env }, ...args);
  expect(await command.exited).not.toBe(0);
  expect(command.err).toMatch(/\S/);
  expectNoCanary(command.err + command.out);
  return command.err;
};

/** A file's path is shown: it is how the file is found. */
const cases = all.filter(([name, arg]) => !(name === "demo" && arg === "input"));

test.each(cases)(
  "%s: the argument %s, in an environment whose endpoint holds it too",
  async (_name, _arg, args) => {
    await failure({ AWS_ENDPOINT_URL_DYNAMODB: CANARY }, ...args);
  },
);

/** Those that are looked at once there is a client. */
const atTable: string[][] = [
  ["status", "--table", CANARY],
  ["status", "e", "--table", CANARY],
  ["operate", "e", "pause", "--table", CANARY],
  ["operate", "e", "step-down", "--to", CANARY],
  ["operate", "e", "pause", "--by", CANARY.repeat(20)],
  ["run", "e", "--table", CANARY, "--", "true"],
  ["run", "e", "--label", CANARY, "--", "true"],
  ["run", "e", "--value", CANARY.repeat(100), "--", "true"],
  ["local", "--table", CANARY],
  [CANARY],
  ["status", `-p${CANARY}`],
  ["status", `--${CANARY}`, CANARY],
];

test.each(atTable)("%s %s %s %s", async (...args) => {
  const { endpoint, credentials } = inject("dynamodb");
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = credentials;
  await failure(
    { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
    ...args.filter(Boolean),
  );
});

test("an endpoint's name and password", async () => {
  const endpoint = `http://c4n4ry:s3cr3t@127.0.0.1:1`;
  const text = await failure({ AWS_ENDPOINT_URL_DYNAMODB: endpoint }, "local", "--port", "8000");
  expect(text).toContain("http://127.0.0.1:1");
  await failure({ AWS_ENDPOINT_URL_DYNAMODB: endpoint }, "local");
});
