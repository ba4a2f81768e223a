import { IncumbentError } from "../errors.js";

/** The work was told to stop before its invocation's timeout, and stopped without having finished. */
export class OutOfTimeError extends IncumbentError {
  readonly code = "OUT_OF_TIME";
  /** Bundles are minified, and their classes renamed. */
  override readonly name = "OutOfTimeError";

  constructor(
    readonly election: string,
    /** So long before the timeout it was told to, in milliseconds. */
    readonly drainMs: number,
    options?: { cause?: unknown },
  ) {
    super(
      `The work of "${election}" was told to stop ${drainMs} ms before its invocation's timeout, and had not ` +
        "finished. The lease was given back. Give the function a longer timeout, or the work less to do.",
      options,
    );
  }
}
