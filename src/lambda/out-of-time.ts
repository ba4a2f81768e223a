import { IncumbentError } from "../error-base.js";
import { WorkNotStoppedError } from "../errors.js";

/** The invocation was about to time out, so the work was stopped before it had finished, or did not begin at all. */
export class OutOfTimeError extends IncumbentError {
  readonly code = "OUT_OF_TIME";
  /** Set here, because a minifier renames classes. */
  override readonly name = "OutOfTimeError";

  constructor(
    readonly election: string,
    /** How long before the timeout this was, in milliseconds. */
    readonly drainMs: number,
    { cause, hasBegun }: { cause: unknown; hasBegun: boolean },
  ) {
    super(hasBegun ? stopped(election, drainMs, cause) : notBegun(election, drainMs), { cause });
  }
}

function stopped(election: string, drainMs: number, cause: unknown): string {
  return (
    `The work of "${election}" was stopped ${drainMs} ms before its invocation's timeout, and had not finished. ` +
    (cause instanceof WorkNotStoppedError
      ? "It stopped too late for the lease to be given back in time. Suggestion: let the work throw when `signal` aborts."
      : "The lease was given back. Suggestion: give the function a longer timeout, or the work less to do.")
  );
}

function notBegun(election: string, drainMs: number): string {
  return (
    `The work of "${election}" did not begin: ${drainMs} ms before its invocation's timeout it was still bidding for the lease. ` +
    "Suggestion: let Lambda try it again; give the function a longer timeout if that happens often."
  );
}
