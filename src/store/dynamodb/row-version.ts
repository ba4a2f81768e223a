import { SCHEMA_VERSION } from "../../protocol/schema-version.js";
import type { Update } from "./update-expression.js";

/** The attributes of a row's version in writes (rule 1h). */

/** Set with a row that was not there, or is this client's own. */
export const ownVersion = { schemaVersion: SCHEMA_VERSION } satisfies Update["set"];

/** Copied onto a row that others write too: it keeps the version that it has. */
export const keptVersion = {
  schemaVersion: { from: "schemaVersion", otherwise: SCHEMA_VERSION },
} satisfies Update["copy"];
