import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Lease, sessionOf } from "../../protocol/lease.js";
import { standing } from "../../protocol/under-session.js";
import { TableReader } from "../../views/table-reader.js";
import { print, printTable } from "../print.js";
import { type Row, rowOf, toCells, toJson } from "./lease-row.js";

/** All that one scan of the table shows. */
export interface Everything {
  readonly leases: ReadonlyMap<string, Lease>;
  readonly sessions: ReadonlyMap<string, Lease>;
}

export async function readAll(reader: TableReader): Promise<Everything> {
  const leases = new Map<string, Lease>();
  const sessions = new Map<string, Lease>();
  for await (const row of reader.rows({ whole: true })) {
    if (row.kind === "lease") leases.set(row.partition, row.lease);
    if (row.kind === "session") sessions.set(row.id, row.session);
    if (row.kind === "malformed") {
      // One damaged row must not hide all the others.
      console.error(`incumbent: ${row.problem.message}`);
      process.exitCode = 1;
    }
  }
  return { leases, sessions };
}

export async function showAll(client: DynamoDBClient, table: string, json: boolean): Promise<void> {
  const reader = new TableReader(client, table);
  const { leases, sessions } = await readAll(reader);
  const rows: Row[] = [];
  for (const [election, lease] of leases) {
    const id = sessionOf(lease);
    const session = id === undefined ? undefined : (sessions.get(id) ?? (await reader.session(id)));
    rows.push(rowOf(election, standing(lease, session), reader.time));
  }
  rows.sort((a, b) => (a.election < b.election ? -1 : 1));
  if (json) return print(rows.map(toJson));
  if (rows.length === 0) return console.log(`No election in table "${table}" yet.`);
  printTable(["ELECTION", "STATE", "TERM", "LEADER", "LEFT", "VALUE"], rows.map(toCells));
}
