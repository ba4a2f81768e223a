import { test } from "vitest";
import { demo } from "../../src/cli/demo.js";
import { local } from "../../src/cli/local.js";
import { operate } from "../../src/cli/operate.js";
import { run } from "../../src/cli/run.js";
import { status } from "../../src/cli/status.js";
import { CANARY } from "../support/canary.js";
import { failure } from "./failure.js";

/** Each argument of each command: what is passed in it is not repeated by an error. */

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

/** A file's path is shown: it is how the file is found. */
const cases = all.filter(([name, arg]) => !(name === "demo" && arg === "input"));

test.each(cases)(
  "%s: the argument %s, in an environment whose endpoint holds it too",
  async (_name, _arg, args) => {
    await failure({ AWS_ENDPOINT_URL_DYNAMODB: CANARY }, ...args);
  },
);
