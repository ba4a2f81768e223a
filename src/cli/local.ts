import { statSync } from "node:fs";
import { createServer } from "node:net";
import { DescribeTableCommand, DynamoDBClient, ResourceInUseException } from "@aws-sdk/client-dynamodb";
import { defineCommand } from "citty";
import { checkNewTableName } from "../arguments.js";
import { createItemsTable } from "../demo/items-table.js";
import { describe, withoutPassword } from "../describe.js";
import { IncumbentError } from "../error-base.js";
import { DEFAULT_TABLE_NAME, PARTITION_KEY, SORT_KEY } from "../store/schema.js";
import { createLeaseTable, type DynamoDBLocal, startDynamoDBLocal } from "../testing/index.js";
import { refused, refuseMissingValue, refuseUnknown, refuseWords, UsageError, wholeNumber } from "./usage.js";

const args = {
  port: { type: "string", valueHint: "port", description: "Port on loopback. (Default: a free port)" },
  "db-path": {
    type: "string",
    valueHint: "folder",
    description: "Folder for the data. (Default: in memory)",
  },
  table: {
    type: "string",
    valueHint: "name",
    default: DEFAULT_TABLE_NAME,
    description: "The lease table to create.",
  },
  items: {
    type: "string",
    valueHint: "name",
    description: "A second table to create, for your items. Its key is the string id. (Default: none)",
  },
} as const;

interface Keys {
  readonly names: readonly string[];
  readonly rule: string;
  readonly suggestion: string;
}
const LEASE_KEYS: Keys = {
  names: [PARTITION_KEY, SORT_KEY],
  rule: `must be a new table, or one whose keys are ${PARTITION_KEY} and ${SORT_KEY}`,
  suggestion: "leases-2",
};
const ITEMS_KEYS: Keys = {
  names: ["id"],
  rule: "must be a new table, or one whose only key is id",
  suggestion: "ledger-2",
};

export const local = defineCommand({
  meta: {
    name: "local",
    description: "Starts DynamoDB Local with a lease table, prints what to export, and runs until Ctrl-C.",
  },
  args,
  async run({ args: { _: words, port, "db-path": dbPath, table, items }, rawArgs }) {
    refuseUnknown(rawArgs, args);
    refuseMissingValue(rawArgs, args);
    refuseWords(words);
    const portNumber = wholeNumber("port", port, { min: 1, max: 65_535, suggestion: 8_000 });
    checkNewTableName("--table", table, DEFAULT_TABLE_NAME);
    if (items !== undefined) checkItemsName(items, table);
    await checkOptions(portNumber, dbPath);
    await using server = await startDynamoDBLocal({ port: portNumber, dbPath });
    const client = new DynamoDBClient(server.clientConfig);
    await createLeaseTable(client, table);
    await checkKeys(client, "--table", table, LEASE_KEYS);
    if (items !== undefined) await createOrCheckItems(client, items);
    // Before anything is printed: a program that reads it may stop us at once.
    const stopped = new Promise<void>((resolve) => {
      const keepAlive = setInterval(() => {}, 3_600_000);
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.once(signal, () => {
          clearInterval(keepAlive);
          resolve();
        });
      }
    });
    const tables = `lease table "${table}"${items === undefined ? "" : `, table "${items}"`}`;
    console.log(`${server.source === "environment" ? yours(server, tables) : ours(server, tables)}
# Then try, in two terminals:  npx incumbent run hello -- sh -c 'echo leading, term $INCUMBENT_TERM; sleep 60'
#                              npx incumbent status`);
    await stopped;
  },
});

function ours({ endpoint, clientConfig: { region, credentials } }: DynamoDBLocal, tables: string): string {
  return `# DynamoDB Local at ${endpoint}, ${tables}. Ctrl-C stops it.
export AWS_ENDPOINT_URL_DYNAMODB=${endpoint}
export AWS_REGION=${region}
export AWS_ACCESS_KEY_ID=${credentials.accessKeyId}
export AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}`;
}

/** Its credentials come from the environment and can be real, so they are not printed. */
function yours({ endpoint }: DynamoDBLocal, tables: string): string {
  return `# Nothing was started: AWS_ENDPOINT_URL_DYNAMODB is set. DynamoDB at ${withoutPassword(endpoint)}, ${tables}.
# You need no exports. Ctrl-C does not stop that DynamoDB.`;
}

function checkItemsName(items: string, leaseTable: string): void {
  checkNewTableName("--items", items, "ledger");
  if (items === leaseTable) throw refused("--items", "must not be the lease table", items, "ledger");
}

/** A folder that keeps the data has the table already, at the second start. */
async function createOrCheckItems(client: DynamoDBClient, items: string): Promise<void> {
  try {
    await createItemsTable(client, items);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    await checkKeys(client, "--items", items, ITEMS_KEYS);
  }
}

/** A folder that keeps the data can have a table of this name for something else. */
async function checkKeys(
  client: DynamoDBClient,
  option: string,
  name: string,
  { names, rule, suggestion }: Keys,
): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  const keys = Table?.KeySchema?.map(({ AttributeName }) => AttributeName) ?? [];
  if (keys.join() !== names.join()) throw refused(option, rule, name, suggestion);
}

async function checkOptions(port: number | undefined, dbPath: string | undefined): Promise<void> {
  const given = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  if (given && (port !== undefined || dbPath !== undefined)) {
    throw new UsageError(
      `--port and --db-path are for a DynamoDB Local that this command starts, but AWS_ENDPOINT_URL_DYNAMODB is set (${withoutPassword(given)}): unset it, or leave out --port and --db-path.`,
    );
  }
  if (dbPath !== undefined && !statSync(dbPath, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--db-path: must be an existing folder; received ${describe(dbPath)}.`);
  }
  if (port !== undefined && !(await isFree(port))) {
    throw new PortTakenError(`port ${port} is not free; leave out --port to use a free one.`);
  }
}

class PortTakenError extends IncumbentError {
  override readonly name = "PortTakenError";
  readonly code = "PORT_TAKEN";
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
