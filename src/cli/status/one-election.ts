import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { PastLeader } from "../../index.js";
import { LeaseClient } from "../../lease-client.js";
import { standbyOf } from "../../protocol/leader.js";
import { endedTerm } from "../../protocol/lease.js";
import { lastTickOf, type TickReset } from "../../protocol/ticks.js";
import { resolveOptions } from "../../resolve-options.js";
import { storeOf } from "../../store/open-store.js";
import { HistoryView } from "../../views/history.js";
import { REQUEST_TIMEOUT_MS } from "../../views/table-reader.js";
import { about, iso, print, printTable, seconds } from "../print.js";
import { type Row, rowOf, toJson } from "./lease-row.js";

/** Terms of history shown. */
const RECENT = 10;

export async function showOne(
  client: DynamoDBClient,
  table: string,
  name: string,
  json: boolean,
): Promise<void> {
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
