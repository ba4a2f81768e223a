import { ONE_ITEM_TWICE } from "../../error-summary.js";
import { type ActionRefusal, TableError, TransactionRefusedError } from "../../errors.js";
import { type Action, fromItem, isScalar } from "../transaction.js";
import {
  applyUpdate,
  checkExpressions,
  ExpressionError,
  evaluateCondition,
  type Item,
} from "./expressions.js";

/** What one action of a transaction would do. */
interface Change {
  /** The table and the key of its item. */
  readonly target: string;
  readonly refusal: ActionRefusal;
  readonly apply?: () => void;
}

/** The users' own tables, to which `transact` writes. */
export class UserTables {
  readonly #items = new Map<string, Map<string, Item>>();

  /** @param keys the names of the key attributes, by table */
  constructor(private readonly keys: Record<string, readonly string[]>) {}

  /** The items of a table, in plain values. */
  items(tableName: string): Array<Record<string, unknown>> {
    return [...this.#table(tableName).values()].map((item) => fromItem(item, true) ?? {});
  }

  keyNames(tableName: string): readonly string[] {
    this.#table(tableName);
    return this.keys[tableName] ?? [];
  }

  /** Finds what each action changes. Nothing is changed until `apply`. */
  plan(actions: readonly Action[]): Change[] {
    const changes = actions.map((action) => this.#planOne(action));
    if (new Set(changes.map(({ target }) => target)).size < changes.length) {
      throw malformed(ONE_ITEM_TWICE);
    }
    return changes;
  }

  /** Throws what DynamoDB refuses before it reads an item. */
  #planOne(action: Action): Change {
    const table = this.#table(action.tableName);
    const key = this.#keyOf(action);
    const id = JSON.stringify(Object.values(key));
    const target = `${action.tableName} ${id}`;
    const item = table.get(id);
    const { conditionExpression: condition, updateExpression: update, names, values } = action;
    try {
      checkExpressions({ condition, update }, names, values);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw malformed(error.message);
    }
    const refuse = (code: string, message: string, old?: Item) => ({
      target,
      refusal: { code, message, item: fromItem(old, action.plain) },
    });
    const accept = (apply?: () => void) => ({ target, refusal: { code: "None" }, ...(apply && { apply }) });
    try {
      if (condition && !evaluateCondition(condition, names, values, item)) {
        return refuse(
          "ConditionalCheckFailed",
          "The conditional request failed",
          action.returnOld ? item : undefined,
        );
      }
      if (action.kind === "ConditionCheck") return accept();
      if (action.kind === "Delete") return accept(() => table.delete(id));
      if (action.kind === "Put") return accept(() => table.set(id, action.keyOrItem));
      const changed = update ? applyUpdate(update, names, values, item, key) : { ...item, ...key };
      return accept(() => table.set(id, changed));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return refuse("ValidationError", error.message);
    }
  }

  #keyOf(action: Action): Item {
    const names = this.keys[action.tableName] ?? [];
    const given = Object.keys(action.keyOrItem);
    if (action.kind !== "Put" && given.length !== names.length) {
      throw malformed(`the key of "${action.tableName}" is ${names.join(", ")}`);
    }
    return Object.fromEntries(
      names.map((name) => {
        const attribute = action.keyOrItem[name];
        const empty =
          attribute &&
          (("S" in attribute && attribute.S === "") || ("B" in attribute && !attribute.B.length));
        if (!attribute || !isScalar(attribute) || empty) {
          throw malformed(`the key attribute "${name}" is missing, empty, or no string, number or bytes`);
        }
        return [name, attribute];
      }),
    );
  }

  #table(name: string): Map<string, Item> {
    if (!this.keys[name]) {
      const fix = `name the key of each table that \`transact\` writes to: new MemoryTable({ keys: { "${name}": ["id"] } }).`;
      throw new TableError(name, "missing", fix);
    }
    const table = this.#items.get(name) ?? new Map<string, Item>();
    this.#items.set(name, table);
    return table;
  }
}

/** DynamoDB refuses the request as a whole. */
function malformed(why: string): TransactionRefusedError {
  return new TransactionRefusedError([], { why });
}
