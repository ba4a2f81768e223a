import { rmSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { synthesize } from "./asset.js";
import { installRuntimeClient } from "./prepare.js";
import { rehearse } from "./rehearsal.js";
import { inWords, toJson } from "./report.js";

const HELP = `npm run test:bundle -- [options]

Runs the asset that CDK synthesizes for a scheduled job. It runs in its own processes with AWS's runtime interface client.
The table is in DynamoDB Local. Two Regions compete for each tick. They fail, overrun, freeze and die.

  --ticks N   how many ticks (default 50)
  --json      print one JSON object
  --install   only install what it needs

Exits with 1 if a promise was broken. Installs what it needs: it builds aws-lambda-ric from source, once.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ticks: { type: "string", default: "50" },
      json: { type: "boolean", default: false },
      install: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const ticks = Number(values.ticks);
  if (!Number.isInteger(ticks) || ticks < 1 || ticks > 1_000) {
    throw new RangeError(
      `--ticks: must be a whole number from 1 to 1000; received ${values.ticks}. Suggestion: 50.`,
    );
  }
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  installRuntimeClient(say);
  if (values.install) return 0;
  const asset = synthesize();
  process.once("exit", () => rmSync(dirname(asset.taskRoot), { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  const report = await rehearse(asset, ticks, say);
  process.stdout.write(`${values.json ? toJson(report) : inWords(report)}\n`);
  return report.violations.length === 0 ? 0 : 1;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof RangeError ? error.message : String((error as Error)?.stack ?? error));
    process.exit(2);
  },
);
