/**
 * Deletes the table of a run whose process is gone, also after SIGKILL. It is told "created" when the table is made and
 * "done" when it is deleted. If its input ends before that, it deletes the table.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Connection } from "../chaos/messages.js";
import { removeTable } from "./run-table.js";

const { connection, tableName } = JSON.parse(process.argv[2] ?? "") as {
  connection: Connection;
  tableName: string;
};
const CREATED_WITHIN_MS = 60_000;
const WITHIN_MS = 300_000;

// The end of its input decides, and no signal that was meant for the run.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.stdout.on("error", () => {});
process.stdout.write("ready\n");

let heard = "";
process.stdin.setEncoding("utf8");
process.stdin.on("error", () => {});
for await (const text of process.stdin) heard += text;
if (!heard.includes("done")) {
  const client = new DynamoDBClient(connection);
  const created = heard.includes("created");
  await removeTable(client, tableName, {
    withinMs: created ? WITHIN_MS : CREATED_WITHIN_MS,
    mayCome: !created,
  });
}
process.exit();
