import { systemClock } from "../clock.js";
import { DEFAULT_CLOCK_ERROR_MS, DEFAULT_LEASE_MS } from "../resolve-options.js";
import { readRow, type ScanRequest, scanPage, type TableRow } from "../store/dynamodb/scan.js";
import { type DynamoDBLike, DynamoDBTable } from "../store/dynamodb/table.js";
import { LEASE_SORT_KEY } from "../store/schema.js";
import { TableTime } from "../table-time.js";
import { timedRequest } from "../timed-request.js";

/** A page of a scan can be a megabyte, and a user of a command may have to sign in first. */
export const REQUEST_TIMEOUT_MS = 10_000;
const TIMES = {
  clock: systemClock,
  leaseDurationMs: DEFAULT_LEASE_MS,
  maxServiceClockErrorMs: DEFAULT_CLOCK_ERROR_MS,
};

export interface Wanted {
  /** Whether to read every attribute of the rows, also the leaders' published values. @default false */
  readonly whole?: boolean;
  /** Also read terms that began at most this many milliseconds ago. @default none */
  readonly termsWithinMs?: number;
  /** Whether to read all rows whose `ttl` has passed, too. @default false */
  readonly expired?: boolean;
}

/** A row, and the table's time when it was read: a scan can take long. */
export type RowAt = TableRow & { readonly atMs: number };

/**
 * Reads all elections of a table, with eventually consistent requests: it is for people and alarms. Ages are by the
 * table's clock, because this host's can be wrong. `signal` ends a request with the signal's reason.
 */
export class TableReader {
  readonly time = new TableTime(TIMES, () => {});
  readonly #table: DynamoDBTable;

  constructor(
    client: DynamoDBLike,
    tableName: string,
    private readonly signal?: AbortSignal,
  ) {
    this.#table = new DynamoDBTable(client, tableName);
  }

  /** All lease rows, and the rows that the options add. */
  async *rows({ whole, termsWithinMs, expired = false }: Wanted): AsyncGenerator<RowAt> {
    // Any row is good: its answer has the time by which the scan filters.
    if (termsWithinMs !== undefined || expired) await this.row("incumbent/time", LEASE_SORT_KEY);
    let from: ScanRequest["from"];
    do {
      const atMs = this.#nowMs();
      const termsSince = termsWithinMs === undefined ? undefined : atMs - termsWithinMs;
      const request = { from, whole, termsSince, expiredAt: expired ? atMs : undefined };
      const page = await this.#ask("read the elections", (abort) => scanPage(this.#table, request, abort));
      const seenAtMs = this.#nowMs();
      for (const row of page.rows) yield { ...row, atMs: seenAtMs };
      from = page.next;
    } while (from);
  }

  /** One row, without the leaders' published values. */
  async row(partition: string, sortKey: string): Promise<TableRow | undefined> {
    const key = { partition, sortKey };
    const { row } = await this.#ask("read a row", (abort) => readRow(this.#table, key, abort));
    return row;
  }

  async #ask<T extends object>(doing: string, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { time, signal } = this;
    const timing = { time, timeoutMs: REQUEST_TIMEOUT_MS, signal };
    const { answer } = await timedRequest(doing, (_sent, abort) => request(abort), timing);
    return answer;
  }

  /** While answers contradict each other, this host's own time is an equally good estimate. */
  #nowMs(): number {
    const now = this.time.now();
    return this.time.at(now) ?? now.wallMs;
  }
}
