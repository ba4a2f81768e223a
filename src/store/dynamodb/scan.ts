import {
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { MalformedLeaseError, SchemaVersionError } from "../../errors.js";
import { NAME_PATTERN } from "../../limits.js";
import type { Lease } from "../../protocol/lease.js";
import { isSessionRow, sessionRowName } from "../../protocol/sessions.js";
import type { Answer, TermRecord } from "../../protocol/verbs.js";
import { type Item, s } from "../attribute.js";
import {
  candidatesPartition,
  LEASE_SORT_KEY,
  PARTITION_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  TTL_ATTRIBUTE,
  termSortKey,
} from "../schema.js";
import { placeholders } from "./conditions.js";
import { toLease } from "./lease-codec.js";
import { numberOf, textOf } from "./row.js";
import type { DynamoDBTable } from "./table.js";
import { toWholeTerm } from "./term-codec.js";

/** Reads all elections of a table, for people and alarms. No lease depends on what it reads. */

export type TableRow = {
  /** Of a lease and of a term: the election's name. */
  readonly partition: string;
  readonly sortKey: string;
  /** Epoch seconds. */
  readonly ttl: number | undefined;
  /** Epoch milliseconds: when the term began. Undefined: the row does not say it. */
  readonly electedAt: number | undefined;
} & (
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "term"; readonly record: TermRecord }
  /** A session's row, which is a lease that nobody takes (rule 14a). */
  | { readonly kind: "session"; readonly id: string; readonly session: Lease }
  /** The row of a lease or a term that this version of the library did not write, or that was damaged. */
  | { readonly kind: "malformed"; readonly problem: MalformedLeaseError | SchemaVersionError }
  | { readonly kind: "other" }
);

export interface PageRequest {
  /** The key after which the page begins. @default the first row */
  readonly from?: Item | undefined;
  /** Rows on the page, at most. */
  readonly limit: number;
}

export interface ScanRequest extends PageRequest {
  /** @default false */
  readonly consistent?: boolean | undefined;
  /** Whether to read every attribute of the rows, also the leaders' published values. @default false */
  readonly whole?: boolean | undefined;
}

export interface Page {
  readonly rows: readonly TableRow[];
  /** The key of the last row. Undefined: this was the last page. */
  readonly last: Item | undefined;
}

/** The attributes that the monitor's figures need. The leaders' published values are not read. */
const PROJECTION = [
  ...[PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE, "term", "holder", "leaseDurationMs", "electedAt", "endedAt"],
  ...["schemaVersion", "revision", "renewIntervalMs", "expiresAt", "renewedAt", "tickTerm", "lastRenewedAt"],
  // By these it is known whether the session of a lease has ended, and why.
  ...["session", "endReason"],
]
  .map((name) => `#${name}`)
  .join(", ");

/**
 * One page of all rows. DynamoDB keeps the rows of a partition key together, in the order of their
 * sort keys, and a page may begin after any key, also one that no row has.
 */
export function scanPage(
  table: DynamoDBTable,
  { from, limit, whole = false, consistent = false }: ScanRequest,
  signal: AbortSignal,
): Promise<Answer & Page> {
  const command = new ScanCommand({
    TableName: table.name,
    Limit: limit,
    ConsistentRead: consistent,
    ...(!whole && { ProjectionExpression: PROJECTION, ...placeholders(PROJECTION, {}) }),
    ...(from && { ExclusiveStartKey: from }),
  });
  return table.ask("read the elections", signal, async (send) => toPage(await send(command)));
}

/** One page of an election's terms, the newest first. Eventually consistent. */
export function termsPage(
  table: DynamoDBTable,
  election: string,
  { from, limit }: PageRequest,
  signal: AbortSignal,
): Promise<Answer & Page> {
  const key = `#${PARTITION_KEY} = :pk AND begins_with(#${SORT_KEY}, :term)`;
  const command = new QueryCommand({
    TableName: table.name,
    KeyConditionExpression: key,
    ProjectionExpression: PROJECTION,
    ...placeholders(`${key} ${PROJECTION}`, { pk: election, term: TERM_SORT_KEY_PREFIX }),
    ScanIndexForward: false,
    Limit: limit,
    ...(from && { ExclusiveStartKey: from }),
  });
  return table.ask("read the terms", signal, async (send) => toPage(await send(command)));
}

function toPage({ Items = [], LastEvaluatedKey }: ScanCommandOutput | QueryCommandOutput): Page {
  return { rows: (Items as Item[]).map(toTableRow), last: LastEvaluatedKey as Item | undefined };
}

/** No row has a higher sort key. */
const HIGHEST_SORT_KEY = "\u{10ffff}";
/** No row of ours has a lower one. */
const LOWEST_SORT_KEY = " ";

/**
 * Where the page after this one begins, to read all lease rows and, if `expiredAt` is given, all rows whose time to live
 * has passed then. It leaves out the history of an election: the page begins at the next partition key. So the pages grow
 * in number with the elections, and not with their history. Pure.
 */
export function startAfter({ rows, last }: Page, expiredAt?: number): Item | undefined {
  const row = rows.at(-1);
  if (last === undefined || row === undefined) return last;
  const { partition, sortKey } = row;
  const isOfCandidates = partition.endsWith(candidatesPartition(""));
  const mayHaveLease = !isOfCandidates && sortKey < LEASE_SORT_KEY;
  // Terms end in their order, so none has expired after one that has not. Candidates are in no such order, but few.
  const mayHaveExpired =
    expiredAt !== undefined &&
    (isOfCandidates || !rows.some((one) => one.partition === partition && isTermToKeep(one, expiredAt)));
  if (mayHaveLease || mayHaveExpired) return last;
  return { ...last, [SORT_KEY]: s(HIGHEST_SORT_KEY) };
}

function isTermToKeep({ sortKey, ttl }: TableRow, atMs: number): boolean {
  return sortKey.startsWith(TERM_SORT_KEY_PREFIX) && ttl !== undefined && ttl * 1_000 > atMs;
}

/** Before the row of this session, for `from`. */
export function beforeSession(id: string): Item {
  return { [PARTITION_KEY]: s(sessionRowName(id)), [SORT_KEY]: s(LOWEST_SORT_KEY) };
}

/** The key of a term's row, for `from`. */
export function termKey(election: string, term: number): Item {
  return { [PARTITION_KEY]: s(election), [SORT_KEY]: s(termSortKey(term)) };
}

/** Rows can come from anywhere. A row that cannot be read is returned as malformed, and hides no other row. */
export function toTableRow(item: Item): TableRow {
  const partition = textOf(item[PARTITION_KEY]) ?? "";
  const sortKey = textOf(item[SORT_KEY]) ?? "";
  const key = { partition, sortKey, ttl: numberOf(item[TTL_ATTRIBUTE]), electedAt: numberOf(item.electedAt) };
  try {
    if (sortKey === LEASE_SORT_KEY) {
      if (isSessionRow(partition)) {
        const id = partition.slice(sessionRowName("").length);
        return { ...key, kind: "session", id, session: toLease(partition, item) };
      }
      checkName(partition, sortKey);
      return { ...key, kind: "lease", lease: toLease(partition, item) };
    }
    if (sortKey.startsWith(TERM_SORT_KEY_PREFIX)) {
      checkName(partition, sortKey);
      return { ...key, kind: "term", record: toWholeTerm(partition, item) };
    }
    return { ...key, kind: "other" };
  } catch (error) {
    if (!(error instanceof MalformedLeaseError || error instanceof SchemaVersionError)) throw error;
    return { ...key, kind: "malformed", problem: error };
  }
}

function checkName(election: string, sortKey: string): void {
  if (NAME_PATTERN.test(election)) return;
  const rule = "must be the name of an election";
  throw new MalformedLeaseError(
    election,
    PARTITION_KEY,
    rule,
    "another S",
    { S: "billing/nightly" },
    sortKey,
  );
}
