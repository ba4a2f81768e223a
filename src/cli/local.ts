import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { defineCommand } from "citty";
import { DEFAULT_TABLE_NAME } from "../store/schema.js";
import { createLeaseTable, startDynamoDBLocal } from "../testing.js";
import { refuseUnknown, wholeNumber } from "./usage.js";

const args = {
  port: { type: "string", valueHint: "port", description: "Port on loopback. (Default: a free one)" },
  "db-path": {
    type: "string",
    valueHint: "folder",
    description: "Folder for the data. (Default: in memory)",
  },
  table: {
    type: "string",
    valueHint: "name",
    default: DEFAULT_TABLE_NAME,
    description: "The lease table to make.",
  },
} as const;

export const local = defineCommand({
  meta: {
    name: "local",
    description: "Starts DynamoDB Local with a lease table, prints what to export, and stays until Ctrl-C.",
  },
  args,
  async run({ args: { port, "db-path": dbPath, table }, rawArgs }) {
    refuseUnknown(rawArgs, args);
    await using server = await startDynamoDBLocal({
      port: wholeNumber("port", port, { least: 1, most: 65_535, wouldDo: 8_000 }),
      dbPath,
    });
    await createLeaseTable(new DynamoDBClient(server.clientConfig), table);
    const { region, credentials } = server.clientConfig;
    const from = server.source === "environment" ? " (yours, from AWS_ENDPOINT_URL_DYNAMODB)" : "";
    console.log(`# DynamoDB Local at ${server.endpoint}${from}, lease table "${table}". Ctrl-C ends it.
export AWS_ENDPOINT_URL_DYNAMODB=${server.endpoint}
export AWS_REGION=${region}
export AWS_ACCESS_KEY_ID=${credentials.accessKeyId}
export AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}
# Then try, in two terminals:  npx incumbent run hello -- sh -c 'echo leading, term $INCUMBENT_TERM; sleep 60'
#                              npx incumbent status`);
    await new Promise<void>((resolve) => {
      const keepAlive = setInterval(() => {}, 3_600_000);
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.once(signal, () => {
          clearInterval(keepAlive);
          resolve();
        });
      }
    });
  },
});
