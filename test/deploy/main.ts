import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Steps } from "./steps.js";
import { story, type Told } from "./story.js";

const HELP = `npm run test:deploy -- [options]

Deploys the app of cdk.json with the real CDK CLI to an emulated AWS on loopback (moto's server, from PyPI, in a
virtual environment under .deploy/). Then it reads what was deployed, deploys a change, and destroys the stack.
Before that it checks the files in docs/ for people without CDK, and deploys some of them.
Nothing reaches AWS: the steps do not get the user's own credentials and configuration.

  --json        print one JSON object at the end, and nothing else on standard output

Exits with 1 if a step fails.
`;

/** What a shell expects of a program that was ended by a signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => stop.abort(SIGNALS[signal]));
  }
  const startMs = performance.now();
  const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const steps = new Steps(say);
  let told: Told | undefined;
  try {
    told = await story(fileURLToPath(new URL("../..", import.meta.url)), steps, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return stop.signal.reason;
    // A step has reported it already.
    if (!steps.done.at(-1)?.failure) throw error;
  }
  const ms = Math.round(performance.now() - startMs);
  const failed = told ? 0 : 1;
  if (told) {
    say(
      `moto does not have these, so the test leaves them out: ${told.leftOut.join(", ") || "none of this stack"}.`,
    );
    say(`moto does not have these, so test/deploy/emulator adds them: ${told.taught.join(", ")}.`);
  }
  say(`deploy: ${steps.done.length - failed} steps passed, ${failed} failed, ${(ms / 1_000).toFixed(0)} s`);
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ok: !failed, ms, ...told, steps: steps.done })}\n`);
  }
  return failed;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) throw error;
  process.stderr.write(`deploy: ${(error as Error).message} Try --help.\n`);
  process.exitCode = 2;
}
