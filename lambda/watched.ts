import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { type Attribute, n, s } from "../src/store/attribute.js";
import { storeError } from "../src/store/dynamodb/errors.js";
import { numberOf } from "../src/store/dynamodb/row.js";
import { PARTITION_KEY, SORT_KEY } from "../src/store/schema.js";

/**
 * Since when the monitor watches an election that never had a leader, or a job that never completed a tick. The table does
 * not show it: such an election may have no row at all. So the monitor keeps it, in one row beside its own lease.
 */

const WATCHED_SORT_KEY = "watched";

/** Elections, and since when they are watched. */
export type WatchedSince = ReadonlyMap<string, number>;

/** The monitor's own row. Only the monitor that leads reads and writes it. */
export class WatchedRow {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly monitorElection: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Records these elections and forgets all others. Returns since when they are watched. */
  async record(elections: readonly string[], atMs: number): Promise<WatchedSince> {
    const before = await this.#read();
    const since = new Map(elections.map((election) => [election, before.get(election) ?? atMs]));
    const isSame = since.size === before.size && [...since.keys()].every((name) => before.has(name));
    if (!isSame) await this.#write(since);
    return since;
  }

  async #read(): Promise<WatchedSince> {
    const command = new GetItemCommand({ ...this.#row, ConsistentRead: true });
    const { Item } = await this.client.send(command, { abortSignal: this.signal }).catch(this.#failed);
    // Of a damaged row nothing is known.
    const entries = Object.entries(Item?.since?.M ?? {}).flatMap(([name, value]): [string, number][] => {
      const ms = numberOf(value as Attribute);
      return ms === undefined ? [] : [[name, ms]];
    });
    return new Map(entries);
  }

  async #write(since: WatchedSince): Promise<void> {
    const M = Object.fromEntries([...since].map(([name, ms]) => [name, n(ms)]));
    const command = new UpdateItemCommand({
      ...this.#row,
      UpdateExpression: "SET #since = :since",
      ExpressionAttributeNames: { "#since": "since" },
      ExpressionAttributeValues: { ":since": { M } },
    });
    await this.client.send(command, { abortSignal: this.signal }).catch(this.#failed);
  }

  get #row() {
    const Key = { [PARTITION_KEY]: s(this.monitorElection), [SORT_KEY]: s(WATCHED_SORT_KEY) };
    return { TableName: this.tableName, Key };
  }

  readonly #failed = (error: unknown): never => {
    throw storeError(error, this.tableName, "record which elections are watched");
  };
}
