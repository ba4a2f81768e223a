import { type Condition, ConditionParser } from "./condition.js";
import { Placeholders } from "./expression-parser.js";
import { type Update, UpdateParser } from "./update.js";
import { type Attribute, ExpressionError, type Item } from "./values.js";

export { type Attribute, ExpressionError, type Item } from "./values.js";

/**
 * DynamoDB's condition and update expressions on items in memory. Held to what DynamoDB Local does by
 * test/expressions.test.ts.
 */

type Names = Record<string, string> | undefined;
type Values = Record<string, Attribute> | undefined;

/** Whether the condition holds for the item, or for none. Throws `ExpressionError`. */
export function evaluateCondition(
  expression: string,
  names: Names,
  values: Values,
  item: Item | undefined,
): boolean {
  return within(expression, () => parseCondition(expression, new Placeholders(names, values))(item ?? {}));
}

/** The item after the update; `item` itself stays as it is. Throws `ExpressionError`. */
export function applyUpdate(
  expression: string,
  names: Names,
  values: Values,
  item: Item | undefined,
  key: Item,
): Item {
  return within(expression, () => {
    const update = parseUpdate(expression, new Placeholders(names, values));
    for (const name of Object.keys(key)) {
      if (update.attributes.has(name)) throw new ExpressionError(`${name} is part of the key`);
    }
    return update.apply(item ?? key);
  });
}

/**
 * Throws `ExpressionError` for whatever DynamoDB would refuse of a request's expressions without seeing an
 * item. Only here is a placeholder missed that none of them uses: the two share theirs.
 */
export function checkExpressions(
  expressions: { condition?: string | undefined; update?: string | undefined },
  names: Names,
  values: Values,
): void {
  const { condition, update } = expressions;
  within([condition, update].filter((expression) => expression !== undefined).join(" | "), () => {
    const placeholders = new Placeholders(names, values);
    if (condition !== undefined) parseCondition(condition, placeholders);
    if (update !== undefined) parseUpdate(update, placeholders);
    placeholders.refuseUnused();
  });
}

function parseCondition(expression: string, placeholders: Placeholders): Condition {
  return new ConditionParser(expression, placeholders).parse();
}

function parseUpdate(expression: string, placeholders: Placeholders): Update {
  return new UpdateParser(expression, placeholders).parse();
}

/** Errors say in which expression they are. */
function within<T>(expression: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(`"${expression}": ${error.message}`);
  }
}
