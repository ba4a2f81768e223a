/** A run that is about to be killed: with its table, or just before it. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLeaseTable } from "../../src/testing/index.js";
import { say } from "../support/program.js";
import { guardTable } from "./guard.js";
import { newWorkspace } from "./workspace.js";

const [, , connection = "", when] = process.argv;
const config = JSON.parse(connection) as { endpoint: string; region: string; credentials: never };
const workspace = newWorkspace(undefined);
const { tableName: name } = workspace;
const guard = await guardTable(config, workspace);
if (when === "guarded") {
  await createLeaseTable(new DynamoDBClient(config), name);
  guard.created();
}
say({ table: name });
setInterval(() => {}, 1e9);
