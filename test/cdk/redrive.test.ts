import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, test } from "vitest";

/** docs/redrive.sh, with an AWS CLI of the test's own. */

const folder = mkdtempSync(join(tmpdir(), "incumbent-redrive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const event = (minute: number) => ({
  scheduledTime: `2026-11-14T18:0${minute}:00Z`,
  executionId: "x",
  attempt: "1",
});

/** What Lambda sends to a destination on failure. */
const fromLambda = (requestPayload: object) => ({
  version: "1.0",
  timestamp: "2026-11-14T18:16:05.568Z",
  requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
  requestPayload,
  responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
  responsePayload: { errorType: "Error", errorMessage: 'disk "full"\nof ü' },
});

/** Knows three commands. The state is a file: messages that are visible, invoked events and deleted messages. */
const AWS = `#!${process.execPath}
const fs = require("node:fs");
const file = ${JSON.stringify(join(folder, "state.json"))};
const state = JSON.parse(fs.readFileSync(file, "utf8"));
const [service, command] = process.argv.slice(2);
const option = (name) => process.argv[process.argv.indexOf("--" + name) + 1];
if (service + command === "sqsreceive-message") {
  const next = state.visible.shift();
  console.log(JSON.stringify(next ? [next.id, next.body] : null));
} else if (service + command === "lambdainvoke") {
  const event = JSON.parse(fs.readFileSync(option("payload").slice("fileb://".length), "utf8"));
  state.invoked.push([option("function-name"), event]);
  const fails = event.scheduledTime.includes(":01:");
  fs.writeFileSync(process.argv.at(-1), fails ? '{"errorType":"MissedTickError"}' : '{"role":"leader"}');
  console.log(fails ? "Unhandled" : "None");
} else if (service + command === "sqsdelete-message") state.deleted.push(option("receipt-handle"));
else process.exit(2);
fs.writeFileSync(file, JSON.stringify(state));
`;

test("each message is run once, whoever sent it, and deleted only when its run succeeds", () => {
  const bodies = [fromLambda(event(0)), fromLambda(event(1)), event(2)];
  const visible = bodies.map((body, index) => ({ id: `receipt ${index}`, body: JSON.stringify(body) }));
  writeFileSync(join(folder, "state.json"), JSON.stringify({ visible, invoked: [], deleted: [] }));
  writeFileSync(join(folder, "aws"), AWS);
  chmodSync(join(folder, "aws"), 0o755);
  const PATH = [folder, process.env.PATH].join(delimiter);
  const { status, stdout, stderr } = spawnSync("sh", ["docs/redrive.sh", "https://queue", "job"], {
    env: { ...process.env, PATH },
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { invoked, deleted } = JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
  expect(invoked).toEqual([0, 1, 2].map((minute) => ["job", event(minute)]));
  expect(deleted).toEqual(["receipt 0", "receipt 2"]);
  expect(stdout.match(/failed again; the message stays in the queue/g)).toHaveLength(1);
});
