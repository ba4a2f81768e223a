import { type Attribute, ExpressionError, type Item } from "../attribute.js";
import { type Condition, ConditionParser } from "./condition.js";
import { Placeholders } from "./expression-parser.js";
import { type Update, UpdateParser } from "./update.js";

export { type Attribute, ExpressionError, type Item } from "../attribute.js";

/**
 * DynamoDB's condition and update expressions, on items in memory. test/store/expressions.test.ts compares them with
 * DynamoDB Local. Errors name the rule and quote nothing of an expression, because they can end up in logs.
 */

type Names = Record<string, string> | undefined;
type Values = Record<string, Attribute> | undefined;

/** Whether the condition is true for the item, or for a missing item. Throws `ExpressionError`. */
export function evaluateCondition(
  expression: string,
  names: Names,
  values: Values,
  item: Item | undefined,
): boolean {
  return parseCondition(expression, new Placeholders(names, values))(item ?? {});
}

/** The item after the update. `item` itself is not changed. Throws `ExpressionError`. */
export function applyUpdate(
  expression: string,
  names: Names,
  values: Values,
  item: Item | undefined,
  key: Item,
): Item {
  const update = parseUpdate(expression, new Placeholders(names, values));
  for (const name of Object.keys(key)) {
    if (update.attributes.has(name)) throw new ExpressionError("it changes a part of the key");
  }
  return update.apply(item ?? key);
}

/**
 * Throws `ExpressionError` for everything that DynamoDB refuses without reading an item. Only here unused placeholders
 * are found, because both expressions share them.
 */
export function checkExpressions(
  expressions: { condition?: string | undefined; update?: string | undefined },
  names: Names,
  values: Values,
): void {
  const { condition, update } = expressions;
  const placeholders = new Placeholders(names, values);
  if (condition !== undefined) parseCondition(condition, placeholders);
  if (update !== undefined) parseUpdate(update, placeholders);
  placeholders.refuseUnused();
}

function parseCondition(expression: string, placeholders: Placeholders): Condition {
  return new ConditionParser(expression, placeholders).parse();
}

function parseUpdate(expression: string, placeholders: Placeholders): Update {
  return new UpdateParser(expression, placeholders).parse();
}
