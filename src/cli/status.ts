import { type DynamoDBClient, GetItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { defineCommand } from "citty";
import { MalformedLeaseError } from "../errors.js";
import { Election, type Leader } from "../index.js";
import type { Lease } from "../protocol/lease.js";
import { DateHeader } from "../store/dynamodb/date-header.js";
import { storeError } from "../store/dynamodb/errors.js";
import { toLease } from "../store/dynamodb/lease-codec.js";
import type { Item } from "../store/memory/expressions.js";
import { checkTableName } from "../store/open-store.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX } from "../store/schema.js";
import { newClient, tableArgs } from "./client.js";
import { refuseUnknown, UsageError } from "./usage.js";

const args = {
  election: { type: "positional", description: "One election. (Default: all of the table)", required: false },
  ...tableArgs,
  json: { type: "boolean", description: "Print JSON." },
  watch: { type: "boolean", description: "Stay, and print a line at each change of one election's leader." },
} as const;

/** Terms of history shown. */
const RECENT = 10;

export const status = defineCommand({
  meta: {
    name: "status",
    description: "Shows who leads: one election with its recent terms, or all of them.",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    checkTableName(given.table);
    const client = newClient(given.endpoint);
    const name = given.election;
    if (given._.length > 1) throw new UsageError("status: takes one election, or none for all of them.");
    if (given.watch && name === undefined) {
      throw new UsageError("status: --watch needs an election: incumbent status billing/nightly --watch");
    }
    if (name === undefined) return showAll(client, given.table, given.json === true);
    const election = new Election({ client, tableName: given.table, name });
    if (given.watch) return watch(election, given.json === true);
    await showOne(client, given.table, name, given.json === true);
  },
});

interface Row {
  readonly election: string;
  readonly lease: Lease;
  /** By the table's clock: this host's may be wrong. For people, no decision rests on it. */
  readonly state: "held" | "expired" | "vacant";
  readonly leftMs: number | undefined;
}

function rowOf(election: string, lease: Lease, serviceMs: number): Row {
  const leftMs = lease.holder === undefined ? undefined : lease.expiresAt && lease.expiresAt - serviceMs;
  const state =
    lease.holder === undefined ? "vacant" : leftMs !== undefined && leftMs < 0 ? "expired" : "held";
  return { election, lease, state, leftMs };
}

async function showAll(client: DynamoDBClient, table: string, json: boolean): Promise<void> {
  const rows: Row[] = [];
  let from: Record<string, never> | undefined;
  do {
    const date = new DateHeader();
    const command = new ScanCommand({
      TableName: table,
      FilterExpression: "#sk = :lease",
      ExpressionAttributeNames: { "#sk": SORT_KEY },
      ExpressionAttributeValues: { ":lease": { S: LEASE_SORT_KEY } },
      ...(from && { ExclusiveStartKey: from }),
    });
    const page = await asking(table, () => client.send(date.from(command)));
    for (const item of page.Items ?? []) {
      const name = item[PARTITION_KEY]?.S ?? "";
      try {
        rows.push(rowOf(name, toLease(name, item as Item), serviceMs(date)));
      } catch (error) {
        // One damaged row must not hide all the others.
        if (!(error instanceof MalformedLeaseError)) throw error;
        console.error(`incumbent: ${error.message}`);
        process.exitCode = 1;
      }
    }
    from = page.LastEvaluatedKey as typeof from;
  } while (from);
  rows.sort((a, b) => (a.election < b.election ? -1 : 1));
  if (json) return print(rows.map(toJson));
  if (rows.length === 0) return console.log(`No election in table "${table}" yet.`);
  printTable(["ELECTION", "STATE", "TERM", "LEADER", "LEFT", "VALUE"], rows.map(toCells));
}

async function showOne(client: DynamoDBClient, table: string, name: string, json: boolean): Promise<void> {
  const date = new DateHeader();
  const get = new GetItemCommand({
    TableName: table,
    Key: { [PARTITION_KEY]: { S: name }, [SORT_KEY]: { S: LEASE_SORT_KEY } },
    ConsistentRead: true,
  });
  // From the newest back: a long history is more than one page.
  const query = new QueryCommand({
    TableName: table,
    KeyConditionExpression: "#pk = :name AND begins_with(#sk, :term)",
    ExpressionAttributeNames: { "#pk": PARTITION_KEY, "#sk": SORT_KEY },
    ExpressionAttributeValues: { ":name": { S: name }, ":term": { S: TERM_SORT_KEY_PREFIX } },
    ScanIndexForward: false,
    Limit: RECENT,
    ConsistentRead: true,
  });
  const [{ Item: item }, { Items: history = [] }] = await asking(table, () =>
    Promise.all([client.send(date.from(get)), client.send(query)]),
  );
  const terms = history.reverse().map((row) => ({
    term: Number(row.term?.N),
    holder: row.holder?.S,
    electedAt: iso(row.electedAt?.N),
    endedAt: iso(row.endedAt?.N),
    endReason: row.endReason?.S,
  }));
  const row = item && rowOf(name, toLease(name, item as Item), serviceMs(date));
  if (json) return print({ ...(row ? toJson(row) : { election: name, state: "none" }), terms });
  if (!row) return console.log(`No election "${name}" in table "${table}" yet.`);
  const { lease, state, leftMs } = row;
  const facts: Array<[string, string | undefined]> = [
    ["election", name],
    ["state", state],
    ["leader", lease.holder],
    ["term", String(lease.term)],
    ["value", lease.value],
    ["elected", iso(lease.electedAt)],
    ["renewed", iso(lease.renewedAt)],
    ["left", leftMs === undefined ? undefined : seconds(leftMs)],
    ["last tick", lease.lastTick],
    ["standby", lease.line?.find((id) => id !== lease.holder)],
    [
      "reserved",
      lease.holder === undefined ? (lease.reservation?.candidateId ?? lease.reservation?.group) : undefined,
    ],
    ["paused by", lease.paused],
    ["asked to step down by", lease.holder === undefined ? undefined : lease.stepDown?.by],
    ["last end", lease.holder === undefined ? lease.endReason : undefined],
  ];
  for (const [fact, text] of facts) if (text !== undefined) console.log(`${fact.padEnd(10)} ${text}`);
  const candidates = await new Election({ client, tableName: table, name }).candidates();
  if (candidates.length > 0) {
    console.log("");
    printTable(
      ["CANDIDATE", "ROLE", "RANK", "SEQ", "GROUP", "VALUE"],
      candidates.map(({ candidateId, role, rank, seq, group = "", value = "" }) => [
        candidateId,
        role,
        String(rank),
        String(seq),
        group,
        value,
      ]),
    );
  }
  if (terms.length === 0) return;
  console.log("");
  printTable(
    ["TERM", "LEADER", "ELECTED", "ENDED", "WHY"],
    terms.map((term) => [
      String(term.term),
      term.holder ?? "",
      term.electedAt ?? "",
      term.endedAt ?? "",
      term.endReason ?? "",
    ]),
  );
}

async function watch(election: Election, json: boolean): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  for await (const leader of election.observe({ signal: stop.signal })) {
    const seenAt = new Date().toISOString();
    // A line each, so that a program can read along; `leader` is null when nobody leads.
    console.log(json ? JSON.stringify({ seenAt, leader: leader ?? null }) : `${seenAt}  ${inWords(leader)}`);
  }
}

function inWords(leader: Leader | undefined): string {
  if (!leader) return "nobody leads";
  const { term, candidateId, value } = leader;
  return `term ${term}  ${candidateId}${value === undefined ? "" : `  ${value}`}`;
}

/** The `Date` header is cut to whole seconds: no later than the table's own time. */
function serviceMs(date: DateHeader): number {
  return date.ms ?? Date.now();
}

async function asking<T>(table: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw storeError(error, table, "read the elections");
  }
}

function toJson({ election, state, lease, leftMs }: Row) {
  const { holder, term, value, electedAt, renewedAt, expiresAt, lastTick, leaseDurationMs } = lease;
  return {
    election,
    state,
    holder,
    term,
    value,
    electedAt,
    renewedAt,
    expiresAt,
    leftMs,
    leaseDurationMs,
    lastTick,
  };
}

function toCells({ election, state, lease, leftMs }: Row): string[] {
  return [
    election,
    state,
    String(lease.term),
    lease.holder ?? "",
    leftMs === undefined ? "" : seconds(leftMs),
    lease.value ?? "",
  ];
}

function seconds(ms: number): string {
  return ms < 0 ? `ran out ${(-ms / 1_000).toFixed(1)} s ago` : `${(ms / 1_000).toFixed(1)} s`;
}

function iso(ms: number | string | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(Number(ms)).toISOString();
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
