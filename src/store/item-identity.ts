import { type Action, isScalar } from "./attributes.js";
import type { Item } from "./expressions.js";

/**
 * Whether two actions may touch one item, which one transaction must not do twice. A Put does not say which
 * of its attributes are the key, so the names are learnt from keys seen on the same table; until then two
 * Puts that share any scalar attribute count as meeting. Erring costs a commit, never a write.
 */
export class ItemIdentity {
  readonly #keyNames = new Map<string, readonly string[]>();

  mayMeet(a: readonly Action[], b: readonly Action[]): boolean {
    return a.some((one) => b.some((other) => this.#mayBeOne(one, other)));
  }

  #mayBeOne(a: Action, b: Action): boolean {
    if (a.tableName !== b.tableName) return false;
    for (const action of [a, b]) {
      if (action.kind !== "Put") this.#keyNames.set(action.tableName, Object.keys(action.keyOrItem));
    }
    const names = this.#keyNames.get(a.tableName);
    if (names) return names.every((name) => same(a.keyOrItem, b.keyOrItem, name));
    return Object.keys(a.keyOrItem).some((name) => same(a.keyOrItem, b.keyOrItem, name));
  }
}

function same(a: Item, b: Item, name: string): boolean {
  const [one, other] = [a[name], b[name]];
  if (!one || !other || !isScalar(one) || !isScalar(other)) return false;
  // 1 and 1.0 are one number to DynamoDB.
  if ("N" in one && "N" in other) return Number(one.N) === Number(other.N);
  return JSON.stringify(one) === JSON.stringify(other);
}
