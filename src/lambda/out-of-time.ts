import { IncumbentError } from "../errors.js";

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
    super(
      `The work of "${election}" was stopped ${drainMs} ms before its invocation's timeout, and had not finished. ` +
        "The lease was given back. Suggestion: give the function a longer timeout, or the work less to do.",
      options,
    );
  }
}
