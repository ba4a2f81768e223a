import { Code, suggested } from "./describe.js";
import { IncumbentError } from "./error-base.js";
import { NAME_PATTERN } from "./limits.js";

/** The sort key of a lease row. */
const LEASE_ROW = "lease";
/** That of the counter of candidates. */
const ARRIVAL_ROW = "arrival";
/** That of a floor (rule 13). */
const FLOOR_ROW = "floor";
/** A floor that is too low makes terms come again, so no number is suggested. */
const FLOOR_REMEDY = new Code("set it above the last terms of all names, as docs/restore.md says");

/** What may be done about a malformed row. */
const REPAIR = "remove or repair the attribute; delete the row only if it is no history of this election.";
const REPAIRS: Readonly<Record<string, string>> = {
  [LEASE_ROW]: "repair it, or delete it and the next term follows its history.",
  [FLOOR_ROW]:
    "repair it. Never delete it, and never lower or remove its floor: terms of deleted names would come again.",
};

/**
 * A row of the election, or the floor by which its terms go on, was not written by this library, or was damaged. It was left
 * as it is. The message quotes no value of it.
 */
export class MalformedLeaseError extends IncumbentError {
  override readonly name = "MalformedLeaseError";
  readonly code = "MALFORMED_LEASE";
  /** What works in place of the attribute, or how to find it. */
  readonly suggestion: unknown;
  /** Undefined when the row's key is not the name of an election. */
  readonly election: string | undefined;
  /** The row's sort key, or only its prefix, if the rest is no number. */
  readonly row: string;

  constructor(
    election: string,
    readonly attribute: string,
    readonly rule: string,
    /** The kind of attribute found, such as `S`, or `nothing`. */
    readonly received: string,
    suggestion: unknown,
    /** The row's sort key. */
    row = LEASE_ROW,
  ) {
    const key = shownKey(election, row);
    const remedy = row === FLOOR_ROW && attribute === "floor" ? FLOOR_REMEDY : suggestion;
    super(
      `${key.text}: attribute "${attribute}" ${rule}; found ${received}. ${suggested(remedy)} ` +
        `The row was left as it is: ${REPAIRS[row] ?? REPAIR}`,
    );
    this.suggestion = remedy instanceof Code ? remedy.text : remedy;
    this.election = key.election;
    this.row = key.row;
  }
}

/** A newer version of this library wrote a row that this version does not understand. It did not change the row. */
export class SchemaVersionError extends IncumbentError {
  override readonly name = "SchemaVersionError";
  readonly code = "SCHEMA_VERSION";
  /** Undefined when the row's key is not the name of an election. */
  readonly election: string | undefined;
  /** The row's sort key. */
  readonly row: string;

  constructor(
    election: string,
    row: string,
    /** The row's `schemaVersion`. */
    readonly schemaVersion: number,
    /** The highest one that this client understands. */
    readonly knownVersion: number,
  ) {
    const key = shownKey(election, row);
    super(
      `${key.text} has schemaVersion ${schemaVersion}, and this version of incumbent understands up to ` +
        `${knownVersion}. Suggestion: upgrade incumbent here. The row was left as it is.`,
    );
    this.election = key.election;
    this.row = key.row;
  }
}

/** Rows and their keys can come from anywhere, so only known text is quoted. */
function shownKey(election: string, sortKey: string) {
  const isName = NAME_PATTERN.test(election);
  const row = isSortKey(sortKey) ? sortKey : `${/^(term|candidate)#/.exec(sortKey)?.[0] ?? ""}…`;
  const isKnown = isName || (row === FLOOR_ROW && /^floor#\d{1,3}$/.test(election));
  const whose = isKnown ? `"${election}"` : "a name that no election has";
  return { election: isName ? election : undefined, row, text: `Row "${row}" of ${whose}` };
}

function isSortKey(text: string): boolean {
  return [LEASE_ROW, ARRIVAL_ROW, FLOOR_ROW].includes(text) || /^term#[\d.-]{0,20}$/.test(text);
}
