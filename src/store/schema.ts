import { fnv1a } from "../fnv1a.js";

/** Names in the table. `pk` is the election's name; its candidates have their own partition. */

export const PARTITION_KEY = "pk";
export const SORT_KEY = "sk";
/** DynamoDB's TTL attribute, in seconds since the epoch. A lease row has it only while it may be forgotten (rule 13). */
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

/** The partitions of floors, by which terms go on when a name was forgotten (rule 13). Never another number. */
export const FLOOR_SHARDS = 256;
export const FLOOR_SORT_KEY = "floor";
/** All of them. No election has such a name. */
export const FLOOR_PARTITION_PREFIX = "floor#";

/**
 * The partition of the floor of this election's shard. It belongs to many elections, so it has rights of its own. Two
 * versions must agree on it for ever: a name that finds another floor would begin again.
 */
export function floorPartition(election: string): string {
  return `${FLOOR_PARTITION_PREFIX}${fnv1a(election) % FLOOR_SHARDS}`;
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
