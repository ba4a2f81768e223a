/** Names in the table. `pk` is the election's name; its candidates have their own partition. */

export const PARTITION_KEY = "pk";
export const SORT_KEY = "sk";
/** DynamoDB's TTL attribute, in seconds since the epoch. A lease row never has it. */
export const TTL_ATTRIBUTE = "ttl";

export const DEFAULT_TABLE_NAME = "incumbent";

export const LEASE_SORT_KEY = "lease";
export const TERM_SORT_KEY_PREFIX = "term#";

export const CANDIDATE_SORT_KEY_PREFIX = "candidate#";
/**
 * Counts the candidates that join. It is beside the lease, because candidates may delete rows in their partition and the
 * counter must never begin again.
 */
export const ARRIVAL_SORT_KEY = "arrival";

/**
 * The partition of an election's candidates. A candidate may delete only these rows, and IAM can limit it by the
 * partition key only.
 */
export function candidatesPartition(election: string): string {
  return `${election}#candidates`;
}

/** Twelve digits, so that sort keys have the order of the numbers. */
export function termSortKey(term: number): string {
  return TERM_SORT_KEY_PREFIX + String(term).padStart(12, "0");
}

/** The term of a history row. Undefined: the sort key is not ours. */
export function termOfSortKey(sortKey: string): number | undefined {
  if (!/^term#\d{12}$/.test(sortKey)) return undefined;
  const term = Number(sortKey.slice(TERM_SORT_KEY_PREFIX.length));
  return term >= 1 ? term : undefined;
}
