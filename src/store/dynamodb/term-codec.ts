import { MAX_LEASE_MS } from "../../limits.js";
import { endReasonOf } from "../../protocol/end-reason.js";
import type { History } from "../../protocol/observation.js";
import { isKnown } from "../../protocol/schema-version.js";
import { type RecordedTickReset, type TermTicks, ticksInHistory } from "../../protocol/ticks.js";
import type { TermRecord } from "../../protocol/verbs.js";
import type { Item } from "../attribute.js";
import { SORT_KEY, TTL_ATTRIBUTE, termOfSortKey, termSortKey } from "../schema.js";
import type { Facts } from "./facts.js";
import { kindOf, numberOf, Row, textOf } from "./row.js";

/** The rows of past terms. Only the sort key says which term a row is of. */

/** Reads a row for the decision where terms go on. It must be right, so a malformed row stops the election. */
export function toHistory(election: string, rows: readonly Item[]): Omit<History, "floor"> {
  const terms = rows.map((item) => ({ ...toPastTerm(election, item), ttl: numberOf(item[TTL_ATTRIBUTE]) }));
  const latest = terms.reduce<(typeof terms)[number] | undefined>(
    (a, b) => (a && a.term > b.term ? a : b),
    undefined,
  );
  return {
    highestTerm: latest?.term ?? 0,
    longestLeaseMs: Math.max(0, ...terms.map(({ leaseDurationMs = 0 }) => leaseDurationMs)),
    ...ticksInHistory(terms),
    highestTermTick: latest?.lastTick,
    isGivenBack: latest?.ttl !== undefined || undefined,
  };
}

type PastTerm = TermTicks & Pick<TermRecord, "leaseDurationMs">;

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
    lastTickBefore: row.tick("lastTickBefore"),
    tickResetTermBefore: row.optionalInteger("tickResetTermBefore", 1),
    lastTick: row.tick("lastTick"),
    tickReset: row.has("tickResetRevision") ? toTickReset(row) : undefined,
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
  const reset = {
    by: text("tickResetBy") ?? "",
    at: number("tickResetAt"),
    to: text("tickResetTo"),
    revision: number("tickResetRevision"),
  };
  return present({
    term,
    holder: text("holder"),
    leaseDurationMs: number("leaseDurationMs"),
    electedAt: number("electedAt"),
    electedErrorMs: number("electedErrorMs"),
    endedAt: number("endedAt"),
    endedErrorMs: number("endedErrorMs"),
    endReason: endReasonOf(text("endReason")),
    lastRenewedAt: number("lastRenewedAt"),
    lastRenewedErrorMs: number("lastRenewedErrorMs"),
    lastTickBefore: text("lastTickBefore"),
    tickResetTermBefore: number("tickResetTermBefore"),
    lastTick: text("lastTick"),
    tickReset: reset.revision === undefined ? undefined : { ...reset, revision: reset.revision },
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
export function termRow({ tickReset, ...record }: TermRecord): Facts {
  return { ...present(record), ...(tickReset && ofTickReset(tickReset)) };
}

/** All of them, so that nothing of an earlier reset stays. */
function ofTickReset({ by, at, to, revision }: RecordedTickReset): Facts {
  return { tickResetBy: by, tickResetAt: at, tickResetTo: to, tickResetRevision: revision };
}

function toTickReset(row: Row): RecordedTickReset {
  return {
    by: row.text("tickResetBy") ?? "",
    at: row.optionalInteger("tickResetAt", 0),
    to: row.tick("tickResetTo"),
    revision: row.integer("tickResetRevision", 1),
  };
}

function present<R extends { readonly term: number }>(record: R): R {
  return Object.fromEntries(Object.entries(record).filter(([, fact]) => fact !== undefined)) as R;
}
