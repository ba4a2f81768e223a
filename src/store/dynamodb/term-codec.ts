import { MAX_LEASE_MS } from "../../limits.js";
import { endReasonOf } from "../../protocol/end-reason.js";
import type { History } from "../../protocol/observation.js";
import { isKnown } from "../../protocol/schema-version.js";
import type { TermRecord } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import { SORT_KEY, termOfSortKey, termSortKey } from "../schema.js";
import { kindOf, numberOf, Row, textOf } from "./row.js";

/** The rows of past terms. Only the sort key says which term a row is of. */

/** Reads a row for the decision where terms go on. It must be right, so a malformed row stops the election. */
export function toHistory(election: string, rows: readonly Item[]): History {
  const terms = rows.map((item) => toPastTerm(election, item));
  const latest = terms.reduce<PastTerm | undefined>((a, b) => (a && a.term > b.term ? a : b), undefined);
  const ticks = terms
    .flatMap(({ lastTickBefore, lastTick }) => [lastTickBefore, lastTick])
    .filter((tick) => tick !== undefined);
  return {
    highestTerm: latest?.term ?? 0,
    longestLeaseMs: Math.max(0, ...terms.map(({ leaseDurationMs = 0 }) => leaseDurationMs)),
    lastTick: ticks.sort().at(-1),
    highestTermTick: latest?.lastTick,
  };
}

type PastTerm = Pick<TermRecord, "term" | "leaseDurationMs" | "lastTickBefore" | "lastTick">;

function toPastTerm(election: string, item: Item): PastTerm {
  const sortKey = textOf(item[SORT_KEY]) ?? "";
  const row = new Row(election, sortKey, item);
  const term = termOfSortKey(sortKey);
  if (term === undefined) {
    const rule = "must be `term#` and twelve digits, from 1";
    throw row.malformed(SORT_KEY, rule, kindOf(item[SORT_KEY]), { S: "term#000000000042" });
  }
  row.checkVersion();
  return {
    term,
    leaseDurationMs: row.optionalInteger("leaseDurationMs", 1, MAX_LEASE_MS),
    lastTickBefore: row.text("lastTickBefore"),
    lastTick: row.text("lastTick"),
  };
}

/**
 * Reads a row for people: the facts that can be read. Undefined: the row is not ours. Of a newer client's row only the
 * term is known (rule 1h).
 */
export function toTerm(item: Item): TermRecord | undefined {
  const term = termOfSortKey(textOf(item[SORT_KEY]) ?? "");
  if (term === undefined) return undefined;
  if (!isKnown({ schemaVersion: numberOf(item.schemaVersion) })) return { term };
  const text = (name: string) => textOf(item[name]);
  const number = (name: string) => numberOf(item[name]);
  return present({
    term,
    holder: text("holder"),
    leaseDurationMs: number("leaseDurationMs"),
    electedAt: number("electedAt"),
    endedAt: number("endedAt"),
    endReason: endReasonOf(text("endReason")),
    lastRenewedAt: number("lastRenewedAt"),
    lastTickBefore: text("lastTickBefore"),
    lastTick: text("lastTick"),
    ttl: number("ttl"),
  });
}

/** Reads a row for reports. Throws if it is malformed. */
export function toWholeTerm(election: string, item: Item): TermRecord {
  const { term, ...times } = toPastTerm(election, item);
  const row = new Row(election, termSortKey(term), item);
  if (row.integer("term", 1) !== term) {
    throw row.malformed("term", "must be the number in the sort key", "another one", { N: String(term) });
  }
  return present({
    ...times,
    term,
    holder: row.text("holder"),
    electedAt: row.optionalInteger("electedAt", 0),
    lastRenewedAt: row.optionalInteger("lastRenewedAt", 0),
    endedAt: row.optionalInteger("endedAt", 0),
  });
}

/** Only the facts that are known: an update with the others would remove them. */
export function present(record: TermRecord): TermRecord {
  return {
    ...Object.fromEntries(Object.entries(record).filter(([, fact]) => fact !== undefined)),
    term: record.term,
  };
}
