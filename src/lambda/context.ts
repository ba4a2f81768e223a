import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";

/** The part of Lambda's context that the handler uses. */
export interface LambdaContext {
  /** Milliseconds left until Lambda kills the sandbox. */
  getRemainingTimeInMillis(): number;
}

export function remainingMsOf(context: LambdaContext | undefined): number {
  const remainingMs = context?.getRemainingTimeInMillis?.();
  if (typeof remainingMs === "number" && Number.isFinite(remainingMs)) return remainingMs;
  throw new InvalidOptionError(
    "context",
    "must be Lambda's context, the second argument of a handler: it knows how much time is left",
    context,
    new Code("{ getRemainingTimeInMillis: () => 30_000 }"),
  );
}
