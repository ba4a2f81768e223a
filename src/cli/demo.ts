import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { defineCommand } from "citty";
import { tellClassic } from "../demo/classic.js";
import type { OrderName } from "../demo/messages.js";
import { tellPartitions } from "../demo/partitions.js";
import { generatePayments, InputError, readPayments } from "../demo/payments.js";
import { perform } from "../demo/perform.js";
import { StalledError } from "../demo/show.js";
import { refused, refuseUnknown, refuseWords, UsageError, wholeNumber } from "./usage.js";

const USUAL = { payments: 500, candidates: 5, leaseMs: 3_000, timeline: "incumbent-timeline.svg" };
const ORDERS: readonly OrderName[] = ["random", "arrival", "rank", "ring"];

const args = {
  input: {
    type: "string",
    valueHint: "payments.csv",
    description:
      "CSV file of payments. First line: id,account,amount,currency; then lines such as p-1,acme,12.50,EUR",
  },
  payments: {
    type: "string",
    valueHint: "count",
    description: `Without --input: how many payments to generate, 1 to 100000 (Default: ${USUAL.payments})`,
  },
  "lease-ms": {
    type: "string",
    valueHint: "ms",
    description: `The election's lease in milliseconds, 1000 to 60000 (Default: ${USUAL.leaseMs})`,
  },
  order: {
    type: "string",
    valueHint: ORDERS.join("|"),
    description:
      "Which worker leads next. With rank, it is the one with the highest number, which also takes over when it comes back (Default: random)",
  },
  candidates: {
    type: "string",
    valueHint: "count",
    description: `How many workers compete, 2 to 12 (Default: ${USUAL.candidates})`,
  },
  story: {
    type: "boolean",
    description:
      "Instead of payments: the classic story of four nodes. The highest leads and is killed, the next takes over, a higher one joins and takes over. Goes with --lease-ms and --json only",
  },
  partitions: {
    type: "boolean",
    description:
      "Instead of payments: four workers share twelve partitions. One is killed, and another one joins. Goes with --lease-ms and --json only",
  },
  timeline: {
    type: "string",
    valueHint: "file.svg",
    description: `File for the picture of the terms (Default: ${USUAL.timeline})`,
  },
  "without-fencing": {
    type: "boolean",
    description: "Write without the fence, to see what goes wrong (exit code 1 if something does)",
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
      "Workers compete to make payments, while leaders are killed, frozen and retired. At the end an audit checks each payment.",
  },
  args,
  async run({ rawArgs, args: given }) {
    refuseUnknown(rawArgs, args);
    refuseWords(given._);
    const durations = { min: 1_000, max: 60_000, suggestion: USUAL.leaseMs };
    const leaseMs = wholeNumber("lease-ms", given["lease-ms"], durations) ?? USUAL.leaseMs;
    const json = given.json === true;
    if (given.story || given.partitions) {
      const chosen = given.story ? "story" : "partitions";
      for (const option of [
        "input",
        "payments",
        "order",
        "candidates",
        "timeline",
        "without-fencing",
        ...(given.story ? (["partitions"] as const) : []),
      ] as const) {
        if (given[option])
          throw new UsageError(`--${option}: cannot go with --${chosen}; leave one of them out.`);
      }
      const tell = given.story ? tellClassic : tellPartitions;
      process.exitCode = await orOneLine(() => tell({ leaseMs, json }));
      return;
    }
    if (given.input !== undefined && given.payments !== undefined)
      throw new UsageError("--payments: cannot go with --input; leave one of them out.");
    const counts = { min: 1, max: 100_000, suggestion: USUAL.payments };
    const count = wholeNumber("payments", given.payments, counts) ?? USUAL.payments;
    const order = orderOf(given.order);
    const crews = { min: 2, max: 12, suggestion: USUAL.candidates };
    const candidates = wholeNumber("candidates", given.candidates, crews) ?? USUAL.candidates;
    const timelineFile = fileName("timeline", given.timeline, USUAL.timeline) ?? USUAL.timeline;
    await refuseMissingFolder(timelineFile);
    const input = fileName("input", given.input, "payments.csv");
    const fencing = given["without-fencing"] !== true;
    process.exitCode = await orOneLine(async () => {
      const payments = input === undefined ? generatePayments(count) : await readPayments(input);
      return perform({ payments, leaseMs, order, candidates, timelineFile, fencing, json });
    });
  },
});

/** Returns the demo's exit code. Prints one line for an error that a user can correct. */
async function orOneLine(show: () => Promise<number>): Promise<number> {
  try {
    return await show();
  } catch (error) {
    if (!(error instanceof InputError || error instanceof StalledError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof InputError ? 2 : 1;
  }
}

function orderOf(text: string | undefined): OrderName {
  const order = ORDERS.find((one) => one === (text ?? "random"));
  if (order !== undefined) return order;
  throw refused("--order", `must be one of ${ORDERS.join(", ")}`, text, "ring");
}

/** Found now, not after the demo. */
async function refuseMissingFolder(timelineFile: string): Promise<void> {
  const found = await stat(dirname(timelineFile)).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw refused("--timeline", "must be in a folder that exists", timelineFile, USUAL.timeline);
}

function fileName(option: string, text: string | undefined, suggestion: string): string | undefined {
  if (text === undefined || (text.trim() !== "" && !text.startsWith("--"))) return text;
  throw refused(`--${option}`, "must name a file", text, suggestion);
}
