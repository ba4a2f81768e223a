import { Code, describe, suggested } from "./describe.js";
import { IncumbentError } from "./error-base.js";
import { malformedRemedy, TABLE_PROBLEMS, unavailable } from "./error-remedies.js";
import { inBrackets } from "./error-summary.js";

export { MalformedLeaseError, SchemaVersionError } from "./row-errors.js";
export { IncumbentError };

/** Why a leadership ended. `crashed` and those below it are losses; the others were planned. */
export type EndReason =
  /** The lease was given back: `resign()` was called, the work returned, or the caller's signal aborted. */
  | "resigned"
  /** Somebody asked the holder to step down. */
  | "stepped-down"
  /** The lease went to a named successor: by `resign({ to })`, `stepDown({ to })` or an operator. */
  | "handed-off"
  /** A candidate of higher rank joined (`preempt`). */
  | "preempted"
  /** `maxTenureMs` was over, and a candidate was next in line. */
  | "rotated"
  /** An operator paused the election. */
  | "paused"
  /** `healthy()` did not return `true`. */
  | "unhealthy"
  /** The leader's process ended without giving the lease back, and its last will gave it back (`lastWill`). */
  | "crashed"
  /** No renewal was confirmed in time, so this candidate trusted its lease no longer. */
  | "expired"
  /** Another candidate holds the lease under a later term. */
  | "superseded"
  /** An operator took the lease away. The term's fenced writes are refused. */
  | "evicted"
  /** The lease row is gone from the table. */
  | "deleted"
  /** This library found a bug of its own (`InternalError`), and trusts nothing that it knew of the lease. */
  | "internal-error"
  /** The session under which the lease was held is over (`Session`): it ran out, or its row is another's or gone. */
  | "session-lost"
  /**
   * A newer version of this library wrote a reason that this version does not know, or nobody recorded the end. Only for
   * other candidates' terms.
   */
  | "unknown";

/**
 * An option cannot work. The message names the option, the rule, the kind of value received and a value that works. The
 * value itself is not kept, because options hold credentials.
 */
export class InvalidOptionError extends IncumbentError {
  override readonly name = "InvalidOptionError";
  readonly code = "INVALID_OPTION";
  /** The kind of value, such as `a string of 12 characters`. */
  readonly received: string;
  /**
   * A value that works, or a text of code that makes one. Undefined: leave the option out. For an unknown name: the most
   * similar known name.
   */
  readonly suggestion: unknown;

  constructor(
    readonly option: string,
    readonly rule: string,
    received: unknown,
    suggestion: unknown,
  ) {
    const kind = describe(received);
    super(`${option}: ${rule}; received ${kind}. ${suggested(suggestion)}`);
    this.received = kind;
    this.suggestion = suggestion instanceof Code ? suggestion.text : suggestion;
  }
}

/** The leadership is over, is ending, or has less trust left than was requested. */
export class LeaseLostError extends IncumbentError {
  override readonly name = "LeaseLostError";
  readonly code = "LEASE_LOST";

  constructor(
    readonly election: string,
    /** The term that ended. */
    readonly term: number,
    readonly reason: EndReason,
    /** Milliseconds since it ended. Negative: it is not over, but this much less trust is left than was requested. */
    readonly lateByMs: number,
    what = `is over: ${reason}, ${Math.max(0, Math.round(lateByMs))} ms ago`,
    options?: { cause?: unknown },
  ) {
    super(`Leadership of "${election}" (term ${term}) ${what}.`, options);
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
    /** The term in the lease row now. Undefined: the row is gone. */
    readonly currentTerm: number | undefined,
    options?: { cause?: unknown },
  ) {
    super(
      `Write under term ${term} of "${election}" refused, nothing was written: ` +
        `${currentTerm === undefined ? "the lease row is gone" : `the lease is at term ${currentTerm}`}. ` +
        "Suggestion: stop the work of this term.",
      options,
    );
  }
}

/** Why one action of a transaction was refused. Refusals have the order of the actions. */
export interface ActionRefusal {
  /** DynamoDB's code: `ConditionalCheckFailed`, `ValidationError`, …; `None`: this action was not the cause. */
  readonly code: string;
  /** DynamoDB's message. Undefined where it can quote a value. */
  readonly message?: string | undefined;
  /** The item as it is, if the action has `ReturnValuesOnConditionCheckFailure: "ALL_OLD"`. */
  readonly item?: Record<string, unknown> | undefined;
}

/** A transaction was refused because of its own actions. Nothing of it was written. `refusals` has one entry per action. */
export class TransactionRefusedError extends IncumbentError {
  override readonly name = "TransactionRefusedError";
  readonly code = "TRANSACTION_REFUSED";

  constructor(
    /** Empty: DynamoDB refused the request as a whole. */
    readonly refusals: readonly ActionRefusal[],
    options: { cause?: unknown; why?: string } = {},
  ) {
    const isMalformed = refusals.length === 0 || refusals.some(({ code }) => code === "ValidationError");
    const own = refusals.flatMap(({ code, message }, i) =>
      code === "None" ? [] : `actions[${i}]: ${message ?? code}`,
    );
    const { cause, why = `DynamoDB finds the request malformed${inBrackets(cause)}` } = options;
    const said = [(cause as Error | undefined)?.message, ...refusals.map(({ message }) => message)];
    const remedy = isMalformed ? ` Suggestion: ${malformedRemedy(said, options.why)}.` : "";
    super(`Transaction refused, nothing was written: ${own.join("; ") || why}.${remedy}`, options);
  }
}

/**
 * Nobody can tell whether a transaction was committed: no answer came, or the lease row no longer shows it. It was
 * applied once or not at all.
 */
export class TransactionUnknownError extends IncumbentError {
  override readonly name = "TransactionUnknownError";
  readonly code = "TRANSACTION_UNKNOWN";

  constructor(election: string, term: number, options?: { cause?: unknown }) {
    super(
      `Unknown whether a transaction under term ${term} of "${election}" was committed, once or not at all. ` +
        `Suggestion: read the items before you write them again.`,
      options,
    );
  }
}

/** The table cannot be used as it is. Another try does not help; `fix` says what does. */
export class TableError extends IncumbentError {
  override readonly name = "TableError";
  readonly code = "TABLE_UNUSABLE";
  /** Undefined: a transaction has several tables, and DynamoDB does not say which one is meant. */
  readonly tableName: string | undefined;

  constructor(
    tables: string | readonly string[],
    readonly problem: keyof typeof TABLE_PROBLEMS,
    readonly fix: string,
    options?: { cause?: unknown },
  ) {
    const [only, ...others] = [tables].flat();
    const which =
      others.length > 0 ? `One of the tables "${[only, ...others].join('", "')}"` : `Table "${only}"`;
    super(`${which} ${TABLE_PROBLEMS[problem]}. Suggestion: ${fix}${inBrackets(options?.cause)}`, options);
    this.tableName = others.length > 0 ? undefined : only;
  }
}

/** The table did not answer, or throttled the request. Another try can help. */
export class TableUnavailableError extends IncumbentError {
  override readonly name = "TableUnavailableError";
  readonly code = "TABLE_UNAVAILABLE";

  constructor(doing: string, options?: { cause?: unknown }) {
    super(unavailable(doing, options?.cause), options);
  }
}

/** Somebody holds the lease, and what was asked for needs a lease that nobody holds. Nothing was changed. */
export class LeaseHeldError extends IncumbentError {
  override readonly name = "LeaseHeldError";
  readonly code = "LEASE_HELD";

  constructor(
    readonly election: string,
    /** The candidate that holds it. */
    readonly holder: string,
    readonly term: number,
  ) {
    super(
      `The lease of "${election}" is held by ${holder} (term ${term}), and ticks can be reset only while nobody holds it. ` +
        "Suggestion: wait until the run has ended, or end it: Operator.pause() or requestStepDown(), then resetTick(); " +
        "evict() if it is dead.",
    );
  }
}

/** Two campaigns at once on one `Election`: they would be the same candidate twice. */
export class AlreadyCampaigningError extends IncumbentError {
  override readonly name = "AlreadyCampaigningError";
  readonly code = "ALREADY_CAMPAIGNING";

  constructor(name: string, kind: "Election" | "Partitions" = "Election") {
    const [does, other] =
      kind === "Election"
        ? ["campaigns for or leads", "a second Election for a second candidate"]
        : ["runs", "a second Partitions for a second member"];
    super(`This ${kind} object already ${does} "${name}". Suggestion: await that call, or make ${other}.`);
  }
}

/**
 * The leadership has ended, and the work still runs when `stopTimeoutMs` is over. The lease is no longer renewed, and it is
 * never given back while the work runs: it runs out. Until the work has stopped, each new bid of this `Election` rejects with
 * this error.
 */
export class WorkNotStoppedError extends IncumbentError {
  override readonly name = "WorkNotStoppedError";
  readonly code = "WORK_NOT_STOPPED";
  readonly #stopped: Promise<void>;

  constructor(
    readonly election: string,
    /** The term that ended. */
    readonly term: number,
    /** The time that the work had, in milliseconds. */
    readonly stopTimeoutMs: number,
    stopped: Promise<void>,
  ) {
    super(
      `The work of "${election}" (term ${term}) still runs: it did not stop within stopTimeoutMs (${stopTimeoutMs} ms). ` +
        "Its lease is no longer renewed, and runs out. Suggestion: end this process, or await `stopped` of this error; and " +
        "let the work stop when `leadership.signal` aborts.",
    );
    this.#stopped = stopped;
  }

  /**
   * Resolves when the work has stopped after all. If the lease was still there, it has been given back by then. Never
   * rejects.
   */
  get stopped(): Promise<void> {
    return this.#stopped;
  }
}

/** The session under which the call bids was closed (`Session.close()`). Nothing was acquired, or it has been given back. */
export class SessionClosedError extends IncumbentError {
  override readonly name = "SessionClosedError";
  readonly code = "SESSION_CLOSED";

  constructor() {
    super("The session is closed, and its leases have been given back. Suggestion: make a new Session.");
  }
}

/**
 * A bug of this library: it found something that cannot be, such as another row than the one that it had just written. It
 * trusts nothing from then on: a leadership ends at once (`internal-error`), its lease is neither renewed nor given back,
 * and runs out. Please report it, with the message. A `store` or a `clock` of your own can cause it too.
 */
export class InternalError extends IncumbentError {
  override readonly name = "InternalError";
  readonly code = "INTERNAL_ERROR";

  constructor(
    /** What was found. It quotes no value. */
    readonly found: string,
  ) {
    super(
      `This cannot be: ${found}. It is a bug of incumbent, or of a store or clock given to it. Please report it.`,
    );
  }
}
