import { IncumbentError, WorkNotStoppedError } from "../errors.js";

/** The invocation was about to time out, so the work was stopped before it had finished. */
export class OutOfTimeError extends IncumbentError {
  readonly code = "OUT_OF_TIME";
  /** Set here, because a minifier renames classes. */
  override readonly name = "OutOfTimeError";

  constructor(
    readonly election: string,
    /** How long before the timeout it was stopped, in milliseconds. */
    readonly drainMs: number,
    options?: { cause?: unknown },
  ) {
    const isLate = options?.cause instanceof WorkNotStoppedError;
    super(
      `The work of "${election}" was stopped ${drainMs} ms before its invocation's timeout, and had not finished. ` +
        (isLate
          ? "It stopped too late for the lease to be given back in time. Suggestion: let the work throw when `signal` aborts."
          : "The lease was given back. Suggestion: give the function a longer timeout, or the work less to do."),
      options,
    );
  }
}
