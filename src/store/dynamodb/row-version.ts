import { SCHEMA_VERSION, SESSION_SCHEMA_VERSION } from "../../protocol/schema-version.js";
import type { Update } from "./update-expression.js";

/** The attributes of a row's version in writes (rule 1h). */

/** Set with a row that was not there, or is this client's own. */
export const ownVersion = { schemaVersion: SCHEMA_VERSION } satisfies Update["set"];

/** Copied onto a row that others write too: it keeps the version that it has. */
export const keptVersion = {
  schemaVersion: { from: "schemaVersion", otherwise: SCHEMA_VERSION },
} satisfies Update["copy"];

/** A lease row that is acquired under a session has this version at least, and it is the highest that this client takes over. */
export const sessionVersion = { schemaVersion: SESSION_SCHEMA_VERSION } satisfies Update["set"];
