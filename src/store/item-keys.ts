import { Code, Kind } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { canonical } from "./attribute.js";
import type { Action } from "./transaction.js";

/** The items of some actions. A transaction may touch an item only once, and calls on one item keep their order. */
export interface Touched {
  /** Items whose key is known. */
  readonly items: ReadonlySet<string>;
  /** All tables. */
  readonly tables: ReadonlySet<string>;
  /** Tables with an unknown item: it can be any. */
  readonly anyOf: ReadonlySet<string>;
}

/** The names of a table's key attributes, if they are known. */
export type KeyNames = (tableName: string) => readonly string[] | undefined;

export function touchedBy(actions: readonly Action[], keyNames: KeyNames): Touched {
  const items = new Set<string>();
  const tables = new Set<string>();
  const anyOf = new Set<string>();
  for (const { kind, tableName, keyOrItem } of actions) {
    tables.add(tableName);
    // A Put does not show which of its attributes are the key.
    const names = kind === "Put" ? keyNames(tableName) : Object.keys(keyOrItem).sort();
    if (names === undefined) anyOf.add(tableName);
    else items.add(itemOf(tableName, keyOrItem, names));
  }
  return { items, tables, anyOf };
}

function itemOf(tableName: string, keyOrItem: Action["keyOrItem"], names: readonly string[]): string {
  return JSON.stringify([tableName, ...names.map((name) => keyValueOf(keyOrItem[name]))]);
}

/**
 * Throws `InvalidOptionError` if two of these actions are on one item, as far as the keys are known. DynamoDB finds the
 * others.
 */
export function checkDistinct(actions: readonly Action[], keyNames: KeyNames): void {
  const seen = new Map<string, number>();
  for (const [at, { kind, tableName, keyOrItem }] of actions.entries()) {
    const names = kind === "Put" ? keyNames(tableName) : Object.keys(keyOrItem).sort();
    if (!names?.every((name) => keyOrItem[name])) continue;
    const item = itemOf(tableName, keyOrItem, names);
    const first = seen.get(item);
    seen.set(item, at);
    if (first === undefined) continue;
    const rule = `must not be on the same item as actions[${first}]: DynamoDB takes one action per item`;
    const kinds = new Kind(`${kind} after ${actions[first]?.kind}`);
    throw new InvalidOptionError(`actions[${at}]`, rule, kinds, new Code("one action that does both"));
  }
}

/** To DynamoDB 1 and 1.0 are the same number. An invalid key is refused there, so any text is good for it. */
function keyValueOf(attribute: Action["keyOrItem"][string] | undefined): string {
  try {
    return attribute === undefined ? "" : canonical(attribute);
  } catch {
    return "";
  }
}

/** The items of some calls, to check whether another call can touch one of them. */
export class TouchedItems {
  readonly #items = new Counts();
  readonly #tables = new Counts();
  readonly #anyOf = new Counts();

  add({ items, tables, anyOf }: Touched): void {
    this.#items.add(items);
    this.#tables.add(tables);
    this.#anyOf.add(anyOf);
  }

  remove({ items, tables, anyOf }: Touched): void {
    this.#items.remove(items);
    this.#tables.remove(tables);
    this.#anyOf.remove(anyOf);
  }

  meets({ items, tables, anyOf }: Touched): boolean {
    return this.#items.hasAny(items) || this.#tables.hasAny(anyOf) || this.#anyOf.hasAny(tables);
  }
}

class Counts {
  readonly #counts = new Map<string, number>();

  add(names: ReadonlySet<string>): void {
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  remove(names: ReadonlySet<string>): void {
    for (const name of names) {
      const left = (this.#counts.get(name) ?? 0) - 1;
      if (left > 0) this.#counts.set(name, left);
      else this.#counts.delete(name);
    }
  }

  hasAny(names: ReadonlySet<string>): boolean {
    for (const name of names) if (this.#counts.has(name)) return true;
    return false;
  }
}
