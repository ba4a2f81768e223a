import { SchemaVersionError } from "../errors.js";

/** Rule 1h. The version of the rows that this client writes. */
export const SCHEMA_VERSION = 1;
/** That of a lease row from its first acquire under a session on (rule 14b). The highest that this client understands. */
export const SESSION_SCHEMA_VERSION = 2;

/** A row as it is stored. */
export interface Versioned {
  /** Absent counts as 1. */
  readonly schemaVersion?: number | undefined;
}

/** Whether this client understands the row. */
export function isKnown({ schemaVersion = 1 }: Versioned): boolean {
  return schemaVersion <= SESSION_SCHEMA_VERSION;
}

/** Throws `SchemaVersionError` for a row that only a newer client understands. */
export function checkSchemaVersion(
  election: string,
  sortKey: string,
  { schemaVersion = 1 }: Versioned,
): void {
  if (!isKnown({ schemaVersion })) {
    throw new SchemaVersionError(election, sortKey, schemaVersion, SESSION_SCHEMA_VERSION);
  }
}
