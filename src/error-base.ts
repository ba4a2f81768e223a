/** The base of every error that this library throws. `code` is stable; messages can change. */
export abstract class IncumbentError extends Error {
  abstract readonly code: string;
  /** Set in each class, because a minifier renames classes. */
  abstract override readonly name: string;
}
