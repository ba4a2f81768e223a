import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { Leadership } from "./leadership.js";

/**
 * The same promise. A caller that forgets its `await` and uses it as the leadership gets an error that says so, instead of
 * "guard is not a function".
 */
export function refuseUnawaited<T extends Leadership | undefined>(
  call: string,
  promise: Promise<T>,
): Promise<T> {
  for (const name of Reflect.ownKeys(Leadership.prototype)) {
    if (name in promise) continue;
    const get = () => {
      const rule = `must be awaited before it is used, because ${call}() returns a promise`;
      throw new InvalidOptionError("leadership", rule, promise, new Code(`await election.${call}()`));
    };
    Object.defineProperty(promise, name, { get });
  }
  return promise;
}
