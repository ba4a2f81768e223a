import { SchemaVersionError } from "../errors.js";

/** Rule 1h. The version of the rows that this client writes, and the highest that it understands. */
export const SCHEMA_VERSION = 1;

/** A row as it is stored. */
export interface Versioned {
  /** Absent counts as 1. */
  readonly schemaVersion?: number | undefined;
}

/** Whether this client understands the row. */
export function isKnown({ schemaVersion = 1 }: Versioned): boolean {
  return schemaVersion <= SCHEMA_VERSION;
}

/** Throws `SchemaVersionError` for a row that only a newer client understands. */
export function checkSchemaVersion(
  election: string,
  sortKey: string,
  { schemaVersion = 1 }: Versioned,
): void {
  if (!isKnown({ schemaVersion })) {
    throw new SchemaVersionError(election, sortKey, schemaVersion, SCHEMA_VERSION);
  }
}
