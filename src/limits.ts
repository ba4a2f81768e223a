/** The minimums, maximums and name patterns for users and rows, and for more than one module. */

/** The rules of names, as errors say them. */
export const NAME_RULE = "must be 1 to 200 characters: A-Z a-z 0-9 . _ / -";
export const LABEL_RULE = "must be 1 to 100 characters: A-Z a-z 0-9 . _ -";

/** A table's name or ARN. */
export const TABLE_PATTERN = /^[A-Za-z0-9_.:/-]{3,1024}$/;
export const TABLE_CHARACTER = /[A-Za-z0-9_.:/-]/;
/** The name of a table that is created: it has no ARN yet. */
export const NEW_TABLE_PATTERN = /^[A-Za-z0-9_.-]{3,255}$/;

/**
 * Election names. They have no ':' and no '#', so no name is another election's `<name>#candidates` (pitfall: composite
 * keys that collide).
 */
export const NAME_PATTERN = /^[A-Za-z0-9._/-]{1,200}$/;

/** The names of sessions' rows begin so (rule 14a). No election has such a name. */
export const SESSION_PARTITION_PREFIX = "session#";

/** Labels and groups. */
export const LABEL_PATTERN = /^[A-Za-z0-9._-]{1,100}$/;

/** The largest number of twelve digits. With one term per millisecond it lasts for 31 years. */
export const MAX_TERM = 999_999_999_999;

/** Floors stay far below the largest term (rule 13): a row that was damaged must not use up the terms of others. */
export const MAX_FLOOR = 900_000_000_000;

/** Above this a holder can still renew for years, and the numbers stay exact. */
export const MAX_REVISION_TO_FOLLOW = 2 ** 52;
/**
 * What an eviction adds to the revision. The term that it uses is in no history, so after a deletion of the row a
 * candidate can lead it. With this step that tenure never reaches the pair of the evicted row: 2^32 renewals take
 * years. With stand-ins, which use eight revisions each (rule 12b), they take most of a year at the shortest interval.
 */
export const EVICTION_STEP = 2 ** 32;
/** Up to this revision an operator can evict, and the next holder can still renew. */
export const MAX_REVISION_TO_EVICT = MAX_REVISION_TO_FOLLOW - EVICTION_STEP;

/** Limits of options. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const MAX_LEASE_MS = DAY_MS;
/** The longest lease of a session: the lease rows under it last 16 times as long, and a stall (rule 14b). */
export const MAX_SESSION_LEASE_MS = HOUR_MS;
export const MAX_RESERVATION_MS = 31 * DAY_MS;
/** The longest published value, in characters. */
export const MAX_VALUE = 1_024;
/** The longest label and group that is read from a candidate's row, in characters. */
export const MAX_CANDIDATE_TEXT = 1_024;
/** The longest id of a successor, in characters. A candidate's own is shorter: its label and a random part. */
export const MAX_SUCCESSOR = 200;
/** The most candidates in a lease row's line. A place further back would never be reached. */
export const MAX_LINE = 16;
/** A follower that waits long polls at most this often, whatever interval a row has. */
export const MIN_INTERVAL_MS = 50;
/** The longest that renewals are signed ahead: DynamoDB takes a signed request for five minutes. */
export const MAX_STALL_MS = 240_000;
/** The most renewals that are signed ahead. */
export const MAX_STAND_INS = 64;
/** The most partitions of a group: a member's row names those that it holds in at most `MAX_CANDIDATE_TEXT` characters. */
export const MAX_PARTITIONS = 4_096;
/** The longest tick, in characters. */
export const MAX_TICK = 100;
/** The most completed ticks that a lease row keeps. */
export const MAX_TICKS = 64;
/** An announced moment that is longer ago is written as this. */
export const MIN_RELEASE_IN_MS = -MAX_LEASE_MS;
