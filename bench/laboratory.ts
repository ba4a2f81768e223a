import { CreateTableCommand, DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { createItemsTable } from "../src/demo/items-table.js";
import { createLeaseTable, type DynamoDBLocal, startDynamoDBLocal } from "../src/testing/index.js";
import type { GroupConfig } from "./group-messages.js";
import { LEASE_MS, RENEW_MS, type WorkerConfig } from "./messages.js";
import type { Progress } from "./progress.js";
import type { HolderConfig } from "./session-messages.js";
import { median } from "./statistics.js";

const TABLE = "incumbent";
const LOCKS = "locks";
const ITEMS = "items";
/** Time between two probes of the table: few probes, so that they disturb nothing. */
const PROBE_MS = 250;

export interface Programs {
  readonly worker: string;
  readonly groupWorker: string;
  readonly sessionWorker: string;
  /** Undefined: it could not be installed. */
  readonly peer: string | undefined;
}

/** One DynamoDB Local for the whole run, with a table for us and one for the peer. Measures its round trip. */
export class Laboratory implements AsyncDisposable {
  readonly client: DynamoDBClient;
  #elections = 0;

  private constructor(
    private readonly local: DynamoDBLocal,
    readonly programs: Programs,
    readonly progress: Progress,
  ) {
    this.client = new DynamoDBClient(local.clientConfig);
  }

  static async open(programs: Programs, progress: Progress): Promise<Laboratory> {
    const laboratory = new Laboratory(await startDynamoDBLocal(), programs, progress);
    const { client } = laboratory;
    await createLeaseTable(client, TABLE);
    await createItemsTable(client, ITEMS);
    await client.send(
      new CreateTableCommand({
        TableName: LOCKS,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    return laboratory;
  }

  get tableName(): string {
    return TABLE;
  }

  /** An election of its own. */
  config(what: string): Omit<WorkerConfig, "label"> {
    return {
      connection: this.local.clientConfig,
      tableName: TABLE,
      election: `${what}/${++this.#elections}`,
      leaseMs: LEASE_MS,
      renewMs: RENEW_MS,
    };
  }

  /** A group of partitions of its own. */
  groupConfig(count: number): Omit<GroupConfig, "label"> {
    const { connection, tableName, election: group, leaseMs, renewMs } = this.config("partitions");
    return { connection, tableName, group, count, leaseMs, renewMs };
  }

  /** Many elections of its own, under a session. */
  holderConfig(leases: number): Omit<HolderConfig, "label"> {
    const { connection, tableName, election: prefix, leaseMs, renewMs } = this.config("sessions");
    return { connection, tableName, itemsTable: ITEMS, prefix, leases, leaseMs, renewMs, form: "session" };
  }

  peerConfig(what: string, trustLocalTime: boolean): Omit<WorkerConfig, "label"> {
    return { ...this.config(what), tableName: LOCKS, trustLocalTime };
  }

  /** Median time of a consistent GetItem while `busy` runs. */
  async withRoundTrips<T>(busy: Promise<T>): Promise<{ result: T; roundTripMs: number }> {
    const tookMs: number[] = [];
    let over = false;
    const probing = (async () => {
      while (!over) {
        const fromMs = performance.now();
        const Key = { pk: { S: "probe" }, sk: { S: "lease" } };
        await this.client.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
        tookMs.push(performance.now() - fromMs);
        await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
      }
    })();
    try {
      return { result: await busy, roundTripMs: median(tookMs) };
    } finally {
      over = true;
      await probing;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    await this.local.stop();
  }
}
