import { InvalidOptionError } from "../errors.js";

/** What is used of Lambda's context. */
export interface LambdaContext {
  /** Milliseconds left until Lambda kills the sandbox. */
  getRemainingTimeInMillis(): number;
}

export function remainingMsOf(context: LambdaContext | undefined): number {
  const remainingMs = context?.getRemainingTimeInMillis?.();
  if (typeof remainingMs === "number" && Number.isFinite(remainingMs)) return remainingMs;
  throw new InvalidOptionError(
    "context",
    "must be Lambda's context, the second argument of a handler: it tells how much time is left",
    context,
    { getRemainingTimeInMillis: "() => 30000" },
  );
}
