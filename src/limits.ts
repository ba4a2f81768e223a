/** Every minimum, maximum and name pattern that more than one module knows, or that users and rows are held to. */

/** A table's name or ARN. */
export const TABLE_PATTERN = /^[A-Za-z0-9_.:/-]{3,1024}$/;
export const TABLE_CHARACTER = /[A-Za-z0-9_.:/-]/;

/** Election names: no ':' and no '#', so no name is another election's `<name>#candidates` (pitfall: composite keys that collide). */
export const NAME_PATTERN = /^[A-Za-z0-9._/-]{1,200}$/;

/** Labels and groups. */
export const LABEL_PATTERN = /^[A-Za-z0-9._-]{1,100}$/;

/** What twelve digits can hold: one term a millisecond would take 31 years. */
export const MAX_TERM = 999_999_999_999;

/** From here a holder can renew for ages, and numbers stay exact. */
export const MAX_REVISION_TO_FOLLOW = 2 ** 52;
/**
 * What an eviction adds to the revision. The term that it uses up stands in no history, so after a deletion of the row it is
 * led: such a step keeps that tenure from ever reaching the pair of the evicted row. 2^32 renewals take years.
 */
export const EVICTION_STEP = 2 ** 32;
/** Below this a row can be evicted, and the next holder can go on. */
export const MAX_REVISION_TO_EVICT = MAX_REVISION_TO_FOLLOW - EVICTION_STEP;

/** As the options allow. */
export const DAY_MS = 86_400_000;
export const MAX_LEASE_MS = DAY_MS;
export const MAX_RESERVATION_MS = 31 * DAY_MS;
/** A published value, in characters. */
export const MAX_VALUE = 1_024;
/** Label and group of a candidate's row, in characters, as rows are read. */
export const MAX_CANDIDATE_TEXT = 1_024;
/** Candidates that a lease row lists: more places would never be waited for. */
export const MAX_LINE = 16;
/** However soon a row says that it is written again, nobody polls for that more often than this for long. */
export const MIN_INTERVAL_MS = 50;
/** An announced moment that lies further back is told as this. */
export const MIN_RELEASE_IN_MS = -MAX_LEASE_MS;
