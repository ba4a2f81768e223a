import { systemClock } from "../clock.js";
import type { Lease } from "../protocol/lease.js";
import { sessionRowName } from "../protocol/sessions.js";
import { DEFAULT_CLOCK_ERROR_MS, DEFAULT_LEASE_MS } from "../resolve-options.js";
import {
  beforeSession,
  type PageRequest,
  scanPage,
  startAfter,
  type TableRow,
  termKey,
  termsPage,
} from "../store/dynamodb/scan.js";
import { type DynamoDBLike, DynamoDBTable } from "../store/dynamodb/table.js";
import { LEASE_SORT_KEY, termSortKey } from "../store/schema.js";
import { TableTime } from "../table-time.js";
import { timedRequest } from "../timed-request.js";

/** A user of a command may have to sign in first. */
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

/** Rows of the smallest and of the largest page. Pages grow, and are small again after a page that ended in a history. */
const FIRST_PAGE = 4;
const LARGEST_PAGE = 128;
/** Most elections have few terms in the time that is asked for. */
const FIRST_TERMS = 8;

/**
 * Reads all elections of a table, with eventually consistent requests: it is for people and alarms. It reads of the history
 * only what is wanted. Ages are by the table's clock, because this host's can be wrong. `signal` ends a request with the
 * signal's reason.
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

  /** All lease rows and all rows of sessions, and the rows that the options add. */
  async *rows({ whole, termsWithinMs, expired = false }: Wanted): AsyncGenerator<RowAt> {
    let from: PageRequest["from"];
    let limit = FIRST_PAGE;
    do {
      const request = { from, limit, whole };
      const page = await this.#ask("read the elections", (abort) => scanPage(this.#table, request, abort));
      const atMs = this.nowMs();
      const leases = page.rows.filter(({ sortKey }) => sortKey === LEASE_SORT_KEY);
      const elections = leases.filter(({ kind }) => kind !== "session");
      const since = termsWithinMs === undefined ? undefined : atMs - termsWithinMs;
      const terms = since === undefined ? [] : await this.#termsOf(elections, since);
      const old = expired
        ? page.rows.filter((row) => row.sortKey !== LEASE_SORT_KEY && isOver(row, atMs))
        : [];
      for (const row of [...leases, ...terms, ...old]) yield { ...row, atMs };
      from = startAfter(page, expired ? atMs : undefined);
      const partitions = new Set(page.rows.map(({ partition }) => partition)).size;
      limit = partitions > 1 || from === page.last ? Math.min(2 * limit, LARGEST_PAGE) : FIRST_PAGE;
    } while (from);
  }

  /** The terms of these elections that began after this moment. */
  async #termsOf(leases: readonly TableRow[], since: number): Promise<TableRow[]> {
    const wanted = leases.filter((row) => row.kind !== "lease" || mayHaveTerms(row.lease, since));
    const terms = await Promise.all(wanted.map(({ partition }) => this.#terms(partition, since)));
    return terms.flat();
  }

  async #terms(election: string, since: number): Promise<TableRow[]> {
    const recent: TableRow[] = [];
    let from: PageRequest["from"];
    let limit = FIRST_TERMS;
    do {
      const { rows, last } = await this.#termsPage(election, { from, limit });
      const found = rows.filter(({ electedAt }) => electedAt !== undefined && electedAt > since);
      recent.push(...found);
      // An older term, or a page without any that is wanted, ends it.
      const isPast = found.length === 0 || rows.some(({ electedAt = since + 1 }) => electedAt <= since);
      from = isPast ? undefined : last;
      limit = Math.min(2 * limit, LARGEST_PAGE);
    } while (from);
    return recent;
  }

  /**
   * The row of this session, by a consistent read: a scan does not show a session that began behind it. It is a scan of one
   * row, because who may scan need not have other rights. Undefined: there is none, or it cannot be read.
   */
  async session(id: string): Promise<Lease | undefined> {
    const request = { from: beforeSession(id), limit: 1, consistent: true };
    const { rows } = await this.#ask("read a session", (abort) => scanPage(this.#table, request, abort));
    const row = rows.find(({ partition }) => partition === sessionRowName(id));
    return row?.kind === "session" ? row.session : undefined;
  }

  /** The history row of one term. Undefined: there is none. */
  async term(election: string, term: number): Promise<TableRow | undefined> {
    const { rows } = await this.#termsPage(election, { from: termKey(election, term + 1), limit: 1 });
    return rows.find(({ sortKey }) => sortKey === termSortKey(term));
  }

  #termsPage(election: string, request: PageRequest) {
    return this.#ask("read the terms", (abort) => termsPage(this.#table, election, request, abort));
  }

  async #ask<T extends object>(doing: string, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { time, signal } = this;
    const timing = { time, timeoutMs: REQUEST_TIMEOUT_MS, signal };
    const { answer } = await timedRequest(doing, (_sent, abort) => request(abort), timing);
    return answer;
  }

  /** The table's time. While answers contradict each other, this host's own time is an equally good estimate. */
  nowMs(): number {
    const now = this.time.now();
    return this.time.at(now) ?? now.wallMs;
  }
}

/** The lease row shows when the newest term began. */
function mayHaveTerms(lease: Lease, since: number): boolean {
  if (lease.kind === "placeholder") return false;
  return lease.electedAt === undefined || lease.electedAt > since;
}

function isOver({ ttl }: TableRow, atMs: number): boolean {
  return ttl !== undefined && ttl * 1_000 <= atMs;
}
