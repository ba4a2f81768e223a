import { describe } from "../src/describe.js";
import { IncumbentError } from "../src/errors.js";
import { NAME_PATTERN } from "../src/limits.js";
import type { Lease } from "../src/protocol/lease.js";
import { toLease } from "../src/store/dynamodb/lease-codec.js";
import { kindOf } from "../src/store/dynamodb/row.js";
import type { Item } from "../src/store/memory/expressions.js";
import {
  LEASE_SORT_KEY,
  PARTITION_KEY,
  SORT_KEY,
  TERM_SORT_KEY_PREFIX,
  termSortKey,
} from "../src/store/schema.js";

/** A row, and the table's time when it was read: a long scan is not one moment. */
export interface Seen {
  readonly item: Item;
  readonly atMs: number;
}

/** A term as history tells it. Every fact may still be missing: history is best effort. */
export interface Term {
  readonly term: number;
  readonly electedAt: number | undefined;
  readonly lastRenewedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** What the table knows of one election. */
export interface Known {
  readonly election: string;
  readonly lease: Lease;
  readonly terms: readonly Term[];
  readonly atMs: number;
}

/** A row that this library did not write, or that was damaged. */
export interface Malformed {
  readonly key: string;
  readonly problem: string;
}

/** Sorts rows by election. One that cannot be read is told of and hides no other. Pure. */
export function byElection(rows: Iterable<Seen>): { known: Known[]; malformed: Malformed[] } {
  const leases = new Map<string, { lease: Lease; atMs: number }>();
  const terms = new Map<string, Term[]>();
  const malformed: Malformed[] = [];
  for (const { item, atMs } of rows) {
    const { [PARTITION_KEY]: election = "", [SORT_KEY]: sortKey = "" } = keyOf(item);
    try {
      // Other kinds of rows are none of this report's business.
      if (sortKey === LEASE_SORT_KEY) leases.set(named(election), { lease: toLease(election, item), atMs });
      if (sortKey.startsWith(TERM_SORT_KEY_PREFIX)) {
        const term = toTerm(item, sortKey);
        const ofElection = terms.get(named(election));
        if (ofElection) ofElection.push(term);
        else terms.set(election, [term]);
      }
    } catch (error) {
      if (!(error instanceof IncumbentError || error instanceof RowProblem)) throw error;
      // Rows can come from anywhere, their keys too.
      const key = [election, sortKey].map((part) => (NAME_OR_SORT_KEY.test(part) ? part : describe(part)));
      malformed.push({ key: key.join(" "), problem: error.message });
    }
  }
  const known = [...leases]
    // Term 0 is a placeholder of nobody, who may never come.
    .filter(([, { lease }]) => lease.term > 0)
    .map(([election, seen]) => ({ election, ...seen, terms: terms.get(election) ?? [] }))
    .sort((a, b) => (a.election < b.election ? -1 : 1));
  return { known, malformed };
}

/** The key of a row as text; the table's schema makes both strings. */
export function keyOf(item: Item): Record<string, string> {
  return Object.fromEntries(
    [PARTITION_KEY, SORT_KEY].flatMap((name) => {
      const attribute = item[name];
      return attribute && "S" in attribute ? [[name, attribute.S]] : [];
    }),
  );
}

/** A row of history read by itself; undefined when it cannot be read. */
export function readTerm(item: Item): Term | undefined {
  try {
    return toTerm(item, keyOf(item)[SORT_KEY] ?? "");
  } catch (error) {
    if (error instanceof RowProblem) return undefined;
    throw error;
  }
}

function toTerm(item: Item, sortKey: string): Term {
  const term = wholeNumber(item, "term");
  if (term === undefined || termSortKey(term) !== sortKey) {
    throw new RowProblem('attribute "term" must be the number in the sort key; found another one.');
  }
  return {
    term,
    electedAt: wholeNumber(item, "electedAt"),
    lastRenewedAt: wholeNumber(item, "lastRenewedAt"),
    endedAt: wholeNumber(item, "endedAt"),
  };
}

class RowProblem extends Error {}

const NAME_OR_SORT_KEY = /^[A-Za-z0-9._/#-]{1,213}$/;

function named(election: string): string {
  if (NAME_PATTERN.test(election)) return election;
  throw new RowProblem("the partition key is not the name of an election. Suggestion: billing/nightly.");
}

function wholeNumber(item: Item, name: string): number | undefined {
  const attribute = item[name];
  if (attribute === undefined) return undefined;
  const value = "N" in attribute ? Number(attribute.N) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RowProblem(
    `attribute "${name}" must be a whole number (N) from 0; found ${kindOf(attribute, 0)}. Suggestion: {"N":"15000"}.`,
  );
}
