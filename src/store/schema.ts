/** Names in the table. `pk` is the election's name, and for its candidates a partition of their own. */

export const PARTITION_KEY = "pk";
export const SORT_KEY = "sk";
/** DynamoDB's own clean-up attribute, epoch seconds. A lease row never carries it. */
export const TTL_ATTRIBUTE = "ttl";

export const DEFAULT_TABLE_NAME = "incumbent";

export const LEASE_SORT_KEY = "lease";
export const TERM_SORT_KEY_PREFIX = "term#";

export const CANDIDATE_SORT_KEY_PREFIX = "candidate#";
/**
 * Counts those who join. It stays beside the lease: candidates may delete rows in their partition, and the counter must
 * never begin again.
 */
export const ARRIVAL_SORT_KEY = "arrival";

/**
 * The partition of an election's candidates. Their rows are the only ones that a candidate may delete, and IAM tells
 * rows apart by the partition key alone.
 */
export function candidatesPartition(election: string): string {
  return `${election}#candidates`;
}

/** Twelve digits, so that sort keys sort as numbers do. */
export function termSortKey(term: number): string {
  return TERM_SORT_KEY_PREFIX + String(term).padStart(12, "0");
}

/** The term of a history row; undefined when that is no sort key of ours. */
export function termOfSortKey(sortKey: string): number | undefined {
  if (!/^term#\d{12}$/.test(sortKey)) return undefined;
  const term = Number(sortKey.slice(TERM_SORT_KEY_PREFIX.length));
  return term >= 1 ? term : undefined;
}
