import { GetItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { MalformedLeaseError, SchemaVersionError } from "../../errors.js";
import { NAME_PATTERN } from "../../limits.js";
import type { Lease } from "../../protocol/lease.js";
import type { Answer, TermRecord } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX, TTL_ATTRIBUTE } from "../schema.js";
import { type Condition, placeholders } from "./conditions.js";
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
} & (
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "term"; readonly record: TermRecord }
  /** The row of a lease or a term that this version of the library did not write, or that was damaged. */
  | { readonly kind: "malformed"; readonly problem: MalformedLeaseError | SchemaVersionError }
  | { readonly kind: "other" }
);

export interface ScanRequest {
  /** The end of the page before. */
  readonly from?: Item | undefined;
  /** Whether to read every attribute of the rows, also the leaders' published values. @default false */
  readonly whole?: boolean | undefined;
  /** Also terms that began after this moment of service time. */
  readonly termsSince?: number | undefined;
  /** Also rows of every kind whose time to live has passed at this moment of service time. */
  readonly expiredAt?: number | undefined;
}

export interface ScanPage {
  readonly rows: readonly TableRow[];
  /** `from` of the next page. Undefined: this was the last page. */
  readonly next: Item | undefined;
}

/** The attributes that the monitor's figures need. The leaders' published values are not read. */
const PROJECTION = [
  ...[PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE, "term", "holder", "leaseDurationMs", "electedAt", "endedAt"],
  ...["schemaVersion", "revision", "renewIntervalMs", "expiresAt", "renewedAt", "tickTerm", "lastRenewedAt"],
]
  .map((name) => `#${name}`)
  .join(", ");

/** One page of all lease rows, and of the rows that the options add. Eventually consistent. */
export function scanPage(
  table: DynamoDBTable,
  request: ScanRequest,
  signal: AbortSignal,
): Promise<Answer & ScanPage> {
  const { from, whole = false, termsSince, expiredAt } = request;
  const wanted: Condition[] = [
    { expression: `#${SORT_KEY} = :lease`, values: { lease: LEASE_SORT_KEY } },
    ...(termsSince === undefined
      ? []
      : [{ expression: "#electedAt > :since", values: { since: termsSince } }]),
    ...(expiredAt === undefined
      ? []
      : [{ expression: `#${TTL_ATTRIBUTE} <= :now`, values: { now: Math.floor(expiredAt / 1_000) } }]),
  ];
  const filter = wanted.map(({ expression }) => expression).join(" OR ");
  const command = new ScanCommand({
    TableName: table.name,
    ...(!whole && { ProjectionExpression: PROJECTION }),
    FilterExpression: filter,
    ...placeholders(
      whole ? filter : `${filter} ${PROJECTION}`,
      Object.assign({}, ...wanted.map(({ values }) => values)),
    ),
    ...(from && { ExclusiveStartKey: from }),
  });
  return table.ask("read the elections", signal, async (send) => {
    const { Items = [], LastEvaluatedKey } = await send(command);
    return {
      rows: (Items as Item[]).map(toTableRow),
      next: LastEvaluatedKey as Item | undefined,
    };
  });
}

/** One row of any kind. Undefined: there is none. */
export function readRow(
  table: DynamoDBTable,
  { partition, sortKey }: Pick<TableRow, "partition" | "sortKey">,
  signal: AbortSignal,
): Promise<Answer & { row: TableRow | undefined }> {
  const command = new GetItemCommand({
    ...table.rowOf(partition, sortKey),
    ProjectionExpression: PROJECTION,
    ...placeholders(PROJECTION, {}),
  });
  return table.ask("read a row", signal, async (send) => {
    const { Item } = await send(command);
    return { row: Item && toTableRow(Item as Item) };
  });
}

/** Rows can come from anywhere. A row that cannot be read is returned as malformed, and hides no other row. */
export function toTableRow(item: Item): TableRow {
  const partition = textOf(item[PARTITION_KEY]) ?? "";
  const sortKey = textOf(item[SORT_KEY]) ?? "";
  const key = { partition, sortKey, ttl: numberOf(item[TTL_ATTRIBUTE]) };
  try {
    if (sortKey === LEASE_SORT_KEY) {
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
