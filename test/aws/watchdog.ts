/**
 * Removes what a run made when its process is gone, also after SIGKILL. It is told "created" when the table is made and
 * "done" when all is removed. If its input ends before that, it removes it.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Connection } from "../chaos/messages.js";
import { remove, type Workspace } from "./workspace.js";

const { connection, workspace } = JSON.parse(process.argv[2] ?? "") as {
  connection: Connection;
  workspace: Workspace;
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
  await remove(client, workspace, {
    withinMs: created ? WITHIN_MS : CREATED_WITHIN_MS,
    mayCome: !created,
  });
}
process.exit();
