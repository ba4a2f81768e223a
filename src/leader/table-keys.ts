import type { Clock } from "../clock.js";
import { TableUnavailableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import { checkDistinct, type Touched, touchedBy } from "../store/item-keys.js";
import type { Action } from "../store/transaction.js";

/** The wait before another request to a table that did not answer. */
const ASK_AGAIN_MS = 5_000;

/**
 * Rule 9h. The key attributes of users' tables: given by the caller, proven by an update that landed, or read
 * once per table, beside the calls. While they are unknown, each Put into the table has a transaction of its
 * own: slower, never wrong.
 */
export class TableKeys {
  readonly #names = new Map<string, readonly string[]>();
  /** Tables with a request under way, or with none before this time (monotonic). */
  readonly #askedUntilMs = new Map<string, number>();

  constructor(
    private readonly client: LeaseClient,
    private readonly clock: Clock,
    /** Aborts when no request should be sent any more. */
    private readonly signal: AbortSignal,
  ) {}

  /** The items of these actions: computed once, and again when more keys are known. */
  touchedBy(actions: readonly Action[]): () => Touched {
    let known = -1;
    let touched: Touched | undefined;
    return () => {
      if (touched === undefined || known !== this.#names.size) {
        touched = touchedBy(actions, (tableName) => this.#names.get(tableName));
      }
      known = this.#names.size;
      return touched;
    };
  }

  /** Throws `InvalidOptionError` if two of the actions are on one item. The keys of some show those of others. */
  checkDistinct(actions: readonly Action[]): void {
    if (actions.length < 2) return;
    const own = new Map<string, readonly string[]>();
    for (const { kind, tableName, keyOrItem } of actions) {
      if (kind !== "Put") own.set(tableName, Object.keys(keyOrItem).sort());
    }
    checkDistinct(actions, (tableName) => this.#names.get(tableName) ?? own.get(tableName));
  }

  /** Known keys stay: with a wrong key two writes of one item could change their order. */
  given(keys: Readonly<Record<string, readonly string[]>>): void {
    for (const [tableName, names] of Object.entries(keys)) this.#learn(tableName, names);
  }

  /** These actions succeeded, so what they used as a key is the key. */
  proven(actions: readonly Action[]): void {
    for (const { kind, tableName, keyOrItem } of actions) {
      if (kind !== "Put") this.#learn(tableName, Object.keys(keyOrItem));
    }
  }

  /** Reads the unknown keys that these actions need. */
  need(actions: readonly Action[]): void {
    for (const { kind, tableName } of actions) {
      if (kind !== "Put" || this.#names.has(tableName)) continue;
      if ((this.#askedUntilMs.get(tableName) ?? 0) > this.clock.monotonicMs()) continue;
      this.#askedUntilMs.set(tableName, Number.POSITIVE_INFINITY);
      void this.#ask(tableName);
    }
  }

  #learn(tableName: string, names: readonly string[]): void {
    if (this.#names.has(tableName) || names.length === 0) return;
    this.#names.set(tableName, [...names].sort());
  }

  async #ask(tableName: string): Promise<void> {
    try {
      const { answer } = await this.client.readKeyNames(tableName, this.signal);
      this.#learn(tableName, answer.names);
    } catch (error) {
      if (this.signal.aborted) return;
      if (error instanceof TableUnavailableError) {
        this.#askedUntilMs.set(tableName, this.clock.monotonicMs() + ASK_AGAIN_MS);
        return;
      }
      process.emitWarning(
        `transact: the key of table "${tableName}" could not be read, so each Put into it is a transaction by itself. ` +
          `Allow dynamodb:DescribeTable on it, or name its key: transact(actions, { keys: { "${tableName}": ["id"] } })`,
        "IncumbentWarning",
      );
    }
  }
}
