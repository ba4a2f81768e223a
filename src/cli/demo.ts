import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { defineCommand } from "citty";
import { generatePayments, InputError, readPayments } from "./demo/payments.js";
import { perform } from "./demo/perform.js";
import { StalledError } from "./demo/show.js";
import { refuseUnknown, UsageError, wholeNumber } from "./usage.js";

const USUAL = { payments: 500, leaseMs: 3_000, timeline: "incumbent-timeline.svg" };

const args = {
  input: {
    type: "string",
    valueHint: "payments.csv",
    description: "CSV of payments: id,account,amount,currency, then such as p-1,acme,12.50,EUR",
  },
  payments: {
    type: "string",
    valueHint: "count",
    description: `Without --input: how many to make up, 1 to 100000 (Default: ${USUAL.payments})`,
  },
  "lease-ms": {
    type: "string",
    valueHint: "ms",
    description: `The election's lease in milliseconds, 1000 to 60000 (Default: ${USUAL.leaseMs})`,
  },
  timeline: {
    type: "string",
    valueHint: "file.svg",
    description: `Where the picture of the terms goes (Default: ${USUAL.timeline})`,
  },
  "without-fencing": {
    type: "boolean",
    description: "Write without the fence, to see what goes wrong (exit code 1 when it does)",
  },
  json: {
    type: "boolean",
    description: "Print one JSON object on stdout, progress on stderr",
  },
} as const;

export const demo = defineCommand({
  meta: {
    name: "demo",
    description:
      "Five workers compete to make payments; leaders are killed, frozen and retired. Ends with an audit",
  },
  args,
  async run({ rawArgs, args: given }) {
    refuseUnknown(rawArgs, args);
    const [word] = given._;
    if (word !== undefined) throw new UsageError(`${word}: is not understood; options begin with --.`);
    if (given.input !== undefined && given.payments !== undefined)
      throw new UsageError("--payments: cannot go with --input; leave one of them out.");
    const counts = { least: 1, most: 100_000, wouldDo: USUAL.payments };
    const count = wholeNumber("payments", given.payments, counts) ?? USUAL.payments;
    const durations = { least: 1_000, most: 60_000, wouldDo: USUAL.leaseMs };
    const leaseMs = wholeNumber("lease-ms", given["lease-ms"], durations) ?? USUAL.leaseMs;
    const timelineFile = fileName("timeline", given.timeline, USUAL.timeline) ?? USUAL.timeline;
    await refuseMissingFolder(timelineFile);
    const input = fileName("input", given.input, "payments.csv");
    const fencing = given["without-fencing"] !== true;
    const json = given.json === true;
    try {
      const payments = input === undefined ? generatePayments(count) : await readPayments(input);
      process.exitCode = await perform({ payments, leaseMs, timelineFile, fencing, json });
    } catch (error) {
      if (!(error instanceof InputError || error instanceof StalledError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error instanceof InputError ? 2 : 1;
    }
  },
});

/** Rather now than after the show. */
async function refuseMissingFolder(timelineFile: string): Promise<void> {
  const found = await stat(dirname(timelineFile)).catch(() => undefined);
  if (found?.isDirectory()) return;
  const received = JSON.stringify(timelineFile);
  throw new UsageError(
    `--timeline: must be in a folder that exists; received ${received}, ${USUAL.timeline} would do.`,
  );
}

function fileName(option: string, text: string | undefined, wouldDo: string): string | undefined {
  if (text === undefined || (text.trim() !== "" && !text.startsWith("--"))) return text;
  throw new UsageError(
    `--${option}: must name a file; received ${JSON.stringify(text)}, ${wouldDo} would do.`,
  );
}
