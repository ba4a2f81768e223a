import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { defineCommand } from "citty";
import { checkTableName } from "../arguments.js";
import { Election, type LeaderChange, type PastLeader } from "../index.js";
import { LeaseClient } from "../lease-client.js";
import { hasSurelyPassed } from "../protocol/expiry.js";
import { standbyOf } from "../protocol/leader.js";
import { endedTerm, holderOf, type Lease, sessionOf } from "../protocol/lease.js";
import { lastTickOf, type TickReset } from "../protocol/ticks.js";
import { type SessionEnd, type Standing, standing } from "../protocol/under-session.js";
import { resolveOptions } from "../resolve-options.js";
import { storeOf } from "../store/open-store.js";
import { DEFAULT_TABLE_NAME } from "../store/schema.js";
import type { TableTime } from "../table-time.js";
import { HistoryView } from "../views/history.js";
import { REQUEST_TIMEOUT_MS, TableReader } from "../views/table-reader.js";
import { newClient, tableArgs } from "./client.js";
import { refuseMissingValue, refuseUnknown, UsageError } from "./usage.js";

const args = {
  election: {
    type: "positional",
    description: "One election. (Default: all elections of the table)",
    required: false,
  },
  ...tableArgs,
  json: { type: "boolean", description: "Print JSON." },
  watch: {
    type: "boolean",
    description: "Keep running, and print a line each time the leader of the election changes.",
  },
  sessions: {
    type: "boolean",
    description: "Show the sessions of the table, and how many leases are held under each.",
  },
} as const;

/** Terms of history shown. */
const RECENT = 10;

export const status = defineCommand({
  meta: {
    name: "status",
    description: "Shows who leads: one election with its candidates and recent terms, or all elections.",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    refuseMissingValue(rawArgs, args);
    checkTableName("tableName", given.table, DEFAULT_TABLE_NAME);
    const client = newClient(given.endpoint);
    const name = given.election;
    if (given._.length > 1)
      throw new UsageError("status: takes one election, or none to show all elections.");
    if (given.sessions && (given.watch || name !== undefined)) {
      throw new UsageError(
        "status: --sessions shows all sessions of the table, without an election or --watch.",
      );
    }
    if (given.sessions) return showSessions(client, given.table, given.json === true);
    if (given.watch && name === undefined) {
      throw new UsageError("status: --watch needs an election: incumbent status billing/nightly --watch");
    }
    if (name === undefined) return showAll(client, given.table, given.json === true);
    if (given.watch)
      return watch(new Election({ client, tableName: given.table, name }), given.json === true);
    await showOne(client, given.table, name, given.json === true);
  },
});

interface Row {
  readonly election: string;
  /** Under a session its times are those of the session. */
  readonly lease: Lease;
  readonly over: SessionEnd | undefined;
  readonly state: "held" | "expired" | "vacant";
  /** Until the lease has surely run out, by the table's clock. Negative: it ran out that long ago. */
  readonly leftMs: number | undefined;
}

function rowOf(election: string, { lease, over }: Standing<Lease>, time: TableTime): Row {
  if (lease.kind !== "held") return { election, lease, over, state: "vacant", leftMs: undefined };
  const { expiresAt } = lease;
  const { headers } = time;
  const now = time.now();
  const hasRunOut = over !== undefined || hasSurelyPassed(expiresAt, now, headers);
  // The earliest time that it can be now. A lease never has more left than its whole length.
  const latestLeftMs = expiresAt && headers && Math.round(expiresAt - headers.earliestMs(now));
  const leftMs = latestLeftMs && Math.min(latestLeftMs, lease.leaseDurationMs);
  return { election, lease, over, state: hasRunOut ? "expired" : "held", leftMs };
}

/** All that one scan of the table shows. */
interface Everything {
  readonly leases: ReadonlyMap<string, Lease>;
  readonly sessions: ReadonlyMap<string, Lease>;
}

async function readAll(reader: TableReader): Promise<Everything> {
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

async function showAll(client: DynamoDBClient, table: string, json: boolean): Promise<void> {
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

interface SessionRow {
  readonly session: string;
  readonly state: "open" | "expired" | "ended" | "missing";
  readonly leases: number;
  readonly leftMs: number | undefined;
}

/** Sessions that are open, and those that are over while leases still name them. */
async function showSessions(client: DynamoDBClient, table: string, json: boolean): Promise<void> {
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

async function showOne(client: DynamoDBClient, table: string, name: string, json: boolean): Promise<void> {
  const options = { ...resolveOptions({ name }, () => "status"), requestTimeoutMs: REQUEST_TIMEOUT_MS };
  const leases = new LeaseClient(storeOf({ client, tableName: table }), options, () => {});
  const history = new HistoryView(leases);
  const { lease, over } = await history.standing();
  const row = lease && rowOf(name, { lease, over }, leases.time);
  const terms = (await history.historyBeside({ lease, over }, RECENT)).reverse();
  if (json)
    return print({ ...(row ? toJson(row) : { election: name, state: "none" }), terms: terms.map(toTerm) });
  if (!row) return console.log(`No election "${name}" in table "${table}" yet.`);
  for (const [fact, text] of factsOf(row, terms))
    if (text !== undefined) console.log(`${fact.padEnd(10)} ${text}`);
  const candidates = await history.candidatesBeside(lease);
  if (candidates.length > 0) {
    console.log("");
    printTable(
      ["CANDIDATE", "ROLE", "RANK", "ARRIVAL", "GROUP", "VALUE"],
      candidates.map(({ candidateId, role, rank, arrival, group = "", value = "" }) => [
        candidateId,
        role,
        String(rank),
        String(arrival),
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
      term.candidateId,
      about(term.electedAt, term.electedErrorMs) ?? "",
      about(term.endedAt, term.endedErrorMs) ?? "",
      `${term.endReason ?? ""}${term.tickReset ? `; ticks reset by ${term.tickReset.by}` : ""}`,
    ]),
  );
}

function factsOf(
  { election, lease, over, state, leftMs }: Row,
  terms: readonly PastLeader[],
): Array<[string, string | undefined]> {
  const held = lease.kind === "held" ? lease : undefined;
  const vacant = lease.kind === "vacant" ? lease : undefined;
  const tenure = held ?? vacant;
  const latest = terms.find(({ term }) => term === endedTerm(lease));
  return [
    ["election", election],
    ["state", state],
    ["leader", held?.holder],
    [
      "session",
      held?.session && `${held.session} (${over ? "over" : state === "held" ? "open" : "has run out"})`,
    ],
    ["term", String(lease.term)],
    ["value", held?.value],
    ["elected", about(latest?.electedAt ?? tenure?.electedAt, latest?.electedErrorMs)],
    ["renewed", about(latest?.lastRenewedAt ?? tenure?.renewedAt, latest?.lastRenewedErrorMs)],
    ["left", leftMs === undefined ? undefined : seconds(leftMs)],
    ["last tick", lastTickOf(tenure?.ticks)],
    ["ticks reset", tenure?.tickReset && resetInWords(tenure.tickReset)],
    ["standby", standbyOf(lease)],
    ["reserved", vacant?.reservation?.candidateId ?? vacant?.reservation?.group],
    ["paused by", lease.pausedBy],
    ["step-down requested by", held?.stepDown?.by],
    ["end reason", vacant?.endReason ?? over?.reason],
  ];
}

function toTerm({ term, candidateId: holder, recorded, tickReset, ...past }: PastLeader) {
  const { electedAt, electedErrorMs, endedAt, endedErrorMs, endReason } = past;
  return {
    term,
    holder,
    electedAt: iso(electedAt),
    electedErrorMs,
    endedAt: iso(endedAt),
    endedErrorMs,
    endReason,
    tickReset: tickReset && { ...tickReset, at: iso(tickReset.at) },
    recorded: {
      ...recorded,
      electedAt: iso(recorded.electedAt),
      lastRenewedAt: iso(recorded.lastRenewedAt),
      endedAt: iso(recorded.endedAt),
    },
  };
}

function resetInWords({ term, by = "an operator", at }: TickReset): string {
  return `by ${by}${at === undefined ? "" : ` at ${iso(at)}`}, after term ${term}`;
}

async function watch(election: Election, json: boolean): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  for await (const change of election.observe({ signal: stop.signal })) {
    const seenAt = new Date().toISOString();
    const { leader = null, ended = null } = change;
    // One line per change, so that a program can read it. `leader` is null when nobody leads.
    console.log(json ? JSON.stringify({ seenAt, leader, ended }) : `${seenAt}  ${inWords(change)}`);
  }
}

function inWords({ leader, ended }: LeaderChange): string {
  const end = ended ? `  (term ${ended.term} ended: ${ended.reason})` : "";
  if (!leader) return `nobody leads${end}`;
  const { term, candidateId, value } = leader;
  return `term ${term}  ${candidateId}${value === undefined ? "" : `  ${value}`}${end}`;
}

function toJson({ election, state, lease, leftMs }: Row) {
  const { term, leaseDurationMs } = lease;
  const tenure = lease.kind === "placeholder" ? undefined : lease;
  const held = lease.kind === "held" ? lease : undefined;
  const { electedAt, renewedAt, ticks } = tenure ?? {};
  return {
    election,
    state,
    holder: holderOf(lease),
    session: sessionOf(lease),
    term,
    value: held?.value,
    electedAt,
    renewedAt,
    expiresAt: held?.expiresAt,
    leftMs,
    leaseDurationMs,
    lastTick: lastTickOf(ticks),
  };
}

function toCells({ election, state, lease, leftMs }: Row): string[] {
  return [
    election,
    state,
    String(lease.term),
    holderOf(lease) ?? "",
    leftMs === undefined ? "" : seconds(leftMs),
    (lease.kind === "held" ? lease.value : undefined) ?? "",
  ];
}

function seconds(ms: number): string {
  return ms < 0 ? `ran out ${(-ms / 1_000).toFixed(1)} s ago` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A time, and how far the true time may be from it. */
function about(ms: number | undefined, errorMs: number | undefined): string | undefined {
  return errorMs === undefined ? iso(ms) : `${iso(ms)} ±${(errorMs / 1_000).toFixed(1)} s`;
}

function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
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
