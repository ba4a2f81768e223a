import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Lease, sessionOf } from "../../protocol/lease.js";
import type { TableTime } from "../../table-time.js";
import { TableReader } from "../../views/table-reader.js";
import { print, printTable, seconds } from "../print.js";
import { rowOf } from "./lease-row.js";
import { readAll } from "./whole-table.js";

interface SessionRow {
  readonly session: string;
  readonly state: "open" | "expired" | "ended" | "missing";
  readonly leases: number;
  readonly leftMs: number | undefined;
}

/** Sessions that are open, and those that are over while leases still name them. */
export async function showSessions(client: DynamoDBClient, table: string, json: boolean): Promise<void> {
  const reader = new TableReader(client, table);
  const { leases, sessions } = await readAll(reader);
  const counts = new Map<string, number>();
  for (const lease of leases.values()) {
    const id = sessionOf(lease);
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const rows: SessionRow[] = [];
  for (const session of [...new Set([...sessions.keys(), ...counts.keys()])].sort()) {
    const row = sessions.get(session) ?? (await reader.session(session));
    const count = counts.get(session) ?? 0;
    const { state, leftMs } = row
      ? sessionState(row, reader.time)
      : { state: "missing" as const, leftMs: undefined };
    if (state !== "ended" || count > 0) rows.push({ session, state, leases: count, leftMs });
  }
  if (json) return print(rows);
  if (rows.length === 0) return console.log(`No session in table "${table}".`);
  printTable(
    ["SESSION", "STATE", "LEASES", "LEFT"],
    rows.map(({ session, state, leases: count, leftMs }) => [
      session,
      state,
      String(count),
      leftMs === undefined ? "" : seconds(leftMs),
    ]),
  );
}

function sessionState(row: Lease, time: TableTime): Pick<SessionRow, "state" | "leftMs"> {
  const { state, leftMs } = rowOf("", { lease: row, over: undefined }, time);
  if (state === "vacant") return { state: "ended", leftMs };
  return { state: state === "held" ? "open" : "expired", leftMs };
}
