import type { Requests } from "./requests.js";
import type { Action } from "./store/attributes.js";

/**
 * The key attributes of users' tables: told by the caller, seen in the key of an Update or a Delete, or else read
 * once per table. Where that is not allowed, each Put of the table goes by itself: slower, never wrong.
 */
export class TableKeys {
  readonly #names = new Map<string, readonly string[]>();
  readonly #asked = new Set<string>();

  constructor(private readonly requests: Requests) {}

  readonly names = (tableName: string): readonly string[] | undefined => this.#names.get(tableName);

  told(keys: Readonly<Record<string, readonly string[]>>): void {
    for (const [tableName, names] of Object.entries(keys)) this.#names.set(tableName, [...names].sort());
  }

  /** Resolves when of each table in a Put the key is known, or it is known that it cannot be had. */
  async learn(actions: readonly Action[]): Promise<void> {
    for (const { kind, tableName, keyOrItem } of actions) {
      if (kind !== "Put" && !this.#names.has(tableName))
        this.#names.set(tableName, Object.keys(keyOrItem).sort());
    }
    for (const { tableName } of actions) {
      if (this.#names.has(tableName) || this.#asked.has(tableName)) continue;
      this.#asked.add(tableName);
      await this.#ask(tableName);
    }
  }

  async #ask(tableName: string): Promise<void> {
    try {
      const { answer } = await this.requests.send("read a table's key", (store, _sent, signal) =>
        store.readKeyNames(tableName, signal),
      );
      if (answer.names.length > 0) this.#names.set(tableName, [...answer.names].sort());
    } catch {
      process.emitWarning(
        `transact: the key of table "${tableName}" could not be read, so each Put into it is a transaction by itself. ` +
          `Allow dynamodb:DescribeTable on it, or name its key: transact(actions, { keys: { "${tableName}": ["id"] } })`,
        "IncumbentWarning",
      );
    }
  }
}
