import { describe, suggested } from "./describe.js";
import { inBrackets } from "./error-summary.js";
import { NAME_PATTERN } from "./limits.js";

/** Why a tenure ended. `expired` and those after it are losses; the others were planned. */
export type EndReason =
  /** Given back: `resign()`, the work returned, or the caller's signal aborted. */
  | "resigned"
  /** Somebody asked the holder to step down. */
  | "stepped-down"
  /** To a successor that was named: by `resign({ to })`, `stepDown({ to })` or an operator. */
  | "handed-off"
  /** A candidate of higher rank joined (`preempt`). */
  | "preempted"
  /** `maxTenureMs` was over, and somebody was next. */
  | "rotated"
  /** An operator paused the election. */
  | "paused"
  /** `healthy()` said no. */
  | "unhealthy"
  /** Trust ran out before a renewal was confirmed. */
  | "expired"
  /** Another candidate holds the lease under a later term. */
  | "superseded"
  /** An operator took the lease away; the term is fenced off. */
  | "evicted"
  /** The lease row is gone from the table. */
  | "deleted";

/** Base of every error this library throws. `code` is stable; messages may be reworded. */
export abstract class IncumbentError extends Error {
  abstract readonly code: string;
  /** Told in each class: a minifier renames classes, and logs should still say which error it was. */
  abstract override readonly name: string;
}

/**
 * An option cannot work. Names the option, the rule, the kind of value received and one that works. What was received is
 * described and not kept: options hold credentials.
 */
export class InvalidOptionError extends IncumbentError {
  override readonly name = "InvalidOptionError";
  readonly code = "INVALID_OPTION";
  /** The kind of value, such as `a string of 12 characters`. */
  readonly received: string;

  constructor(
    readonly option: string,
    readonly rule: string,
    received: unknown,
    /** A value that works; undefined: leave the option out. For a name that is not an option: the nearest that is one. */
    readonly suggestion: unknown,
  ) {
    const kind = describe(received);
    super(`${option}: ${rule}; received ${kind}. ${suggested(suggestion)}`);
    this.received = kind;
  }
}

/** The leadership is over, is ending, or has less trust left than was asked for. */
export class LeaseLostError extends IncumbentError {
  override readonly name = "LeaseLostError";
  readonly code = "LEASE_LOST";

  constructor(
    readonly election: string,
    /** The term that ended. */
    readonly term: number,
    readonly reason: EndReason,
    /** Milliseconds since it ended. Negative: not over yet, but so much less is left than was asked for. */
    readonly lateByMs: number,
    what = `is over: ${reason}, ${Math.max(0, Math.round(lateByMs))} ms ago`,
  ) {
    super(`Leadership of "${election}" (term ${term}) ${what}.`);
  }
}

/** A fenced write was refused: the lease no longer belongs to this term. Nothing was written. */
export class FencedOutError extends IncumbentError {
  override readonly name = "FencedOutError";
  readonly code = "FENCED_OUT";

  constructor(
    readonly election: string,
    /** The term of the write that was refused. */
    readonly term: number,
    /** The term that stands in the lease row now; undefined when the row is gone. */
    readonly currentTerm: number | undefined,
    options?: { cause?: unknown },
  ) {
    super(
      `Write under term ${term} of "${election}" refused: ` +
        (currentTerm === undefined ? "the lease row is gone." : `the lease stands at term ${currentTerm}.`),
      options,
    );
  }
}

/** Why one action of a transaction was refused, in the order of the actions given. */
export interface ActionRefusal {
  /** DynamoDB's code: `None` for an innocent action, `ConditionalCheckFailed`, `ValidationError`, … */
  readonly code: string;
  /** What DynamoDB says of it; undefined where its text may quote a value. */
  readonly message?: string | undefined;
  /** The item as it stands, if the action asked for `ReturnValuesOnConditionCheckFailure: "ALL_OLD"`. */
  readonly item?: Record<string, unknown> | undefined;
}

/** A transaction was refused because of its own actions. Nothing of it was written. */
export class TransactionRefusedError extends IncumbentError {
  override readonly name = "TransactionRefusedError";
  readonly code = "TRANSACTION_REFUSED";

  constructor(
    readonly refusals: readonly ActionRefusal[],
    options?: { cause?: unknown },
  ) {
    const bad = refusals.flatMap((r, i) =>
      r.code === "None" ? [] : [`action ${i}: ${r.message ?? r.code}`],
    );
    super(`Transaction refused, nothing was written: ${bad.join("; ") || "no reason given"}.`, options);
  }
}

/** Nothing tells whether a transaction was committed: no answer, or the lease row no longer reaches back to it. It was applied once or not at all. */
export class TransactionUnknownError extends IncumbentError {
  override readonly name = "TransactionUnknownError";
  readonly code = "TRANSACTION_UNKNOWN";

  constructor(election: string, term: number, options?: { cause?: unknown }) {
    super(
      `Nothing told whether a transaction under term ${term} of "${election}" was committed. ` +
        `It was applied once or not at all: read the items back before you write them again.`,
      options,
    );
  }
}

/** The table cannot be used as it is; trying again does not help. `fix` says what does. */
export class TableError extends IncumbentError {
  override readonly name = "TableError";
  readonly code = "TABLE_UNUSABLE";

  constructor(
    readonly tableName: string,
    readonly problem: "missing" | "key-schema" | "access-denied" | "credentials" | "request",
    readonly fix: string,
    options?: { cause?: unknown },
  ) {
    super(`Table "${tableName}": ${problem}. ${fix}${inBrackets(options?.cause)}`, options);
  }
}

/** The table did not answer, or asked to be asked later. Trying again may help. */
export class TableUnavailableError extends IncumbentError {
  override readonly name = "TableUnavailableError";
  readonly code = "TABLE_UNAVAILABLE";

  constructor(doing: string, options?: { cause?: unknown }) {
    super(`No answer from the table to ${doing}${inBrackets(options?.cause)}.`, options);
  }
}

/** The sort key of a lease row. */
const LEASE_ROW = "lease";

/**
 * A row under the election's key was not written by this library, or was damaged. It is left as it is. What stands in it
 * is not told.
 */
export class MalformedLeaseError extends IncumbentError {
  override readonly name = "MalformedLeaseError";
  readonly code = "MALFORMED_LEASE";
  /** Undefined when the row's key is not the name of an election. */
  readonly election: string | undefined;
  /** The row's sort key; only its prefix, where the rest is no number. */
  readonly row: string;

  constructor(
    election: string,
    readonly attribute: string,
    readonly rule: string,
    /** The kind of attribute found, such as `S`, or `nothing`. */
    readonly received: string,
    readonly suggestion: unknown,
    /** The row's sort key. */
    row = LEASE_ROW,
  ) {
    // Rows can come from anywhere, their keys too.
    const isName = NAME_PATTERN.test(election);
    const known = isSortKey(row) ? row : `${/^(term|candidate)#/.exec(row)?.[0] ?? ""}…`;
    const whose = isName ? `"${election}"` : "a name that no election has";
    super(
      `Row "${known}" of ${whose}: attribute "${attribute}" ${rule}; found ${received}. ${suggested(suggestion)} ` +
        `The row was left as it is: ${
          row === LEASE_ROW
            ? "repair it, or delete it and the next term follows its history."
            : "remove or repair the attribute; delete the row only if it is no history of this election."
        }`,
    );
    this.election = isName ? election : undefined;
    this.row = known;
  }
}

/** Two campaigns at once on one `Election`: they would be the same candidate twice. */
export class AlreadyCampaigningError extends IncumbentError {
  override readonly name = "AlreadyCampaigningError";
  readonly code = "ALREADY_CAMPAIGNING";

  constructor(election: string) {
    super(
      `This Election object already campaigns for or leads "${election}". ` +
        `Await it, or make a second Election for a second candidate.`,
    );
  }
}

function isSortKey(text: string): boolean {
  return text === LEASE_ROW || /^term#[\d.-]{0,20}$/.test(text);
}
