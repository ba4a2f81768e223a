import { type Attribute, ExpressionError, type Item } from "../attribute.js";
import { type Condition, ConditionParser } from "./condition.js";
import { Placeholders } from "./expression-parser.js";
import { type Update, UpdateParser } from "./update.js";

export { type Attribute, ExpressionError, type Item } from "../attribute.js";

/**
 * DynamoDB's condition and update expressions on items in memory. Held to what DynamoDB Local does by
 * test/expressions.test.ts. Errors name the rule, and nothing that stands in an expression: they can end up in logs.
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
  return parseCondition(expression, new Placeholders(names, values))(item ?? {});
}

/** The item after the update; `item` itself stays as it is. Throws `ExpressionError`. */
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
 * Throws `ExpressionError` for whatever DynamoDB would refuse of a request's expressions without seeing an
 * item. Only here is a placeholder missed that none of them uses: the two share theirs.
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
