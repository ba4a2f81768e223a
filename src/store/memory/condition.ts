import {
  type Attribute,
  type AttributeType,
  bytes,
  compare,
  ExpressionError,
  elements,
  equal,
  type Item,
  TYPES,
  typeOf,
} from "../attribute.js";
import { ExpressionParser, expectTypes, type Operand, refuseSame } from "./expression-parser.js";

export type Condition = (item: Item) => boolean;

/** Comparisons by the order of two values. Two values can have no order. */
const ORDERED: Record<string, (order: number) => boolean> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};
const OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN"] as const;
type Operator = (typeof OPERATORS)[number];

const ORDERED_TYPES: readonly AttributeType[] = ["S", "N", "B"];
const SIZED_TYPES: readonly AttributeType[] = ["S", "B", "SS", "NS", "BS", "L", "M"];
const MAX_ALTERNATIVES = 100;

/** Function names are case-sensitive. Keywords are not. */
const FUNCTIONS: Record<string, { count: number; condition(...operands: Operand[]): Condition }> = {
  attribute_exists: { count: 1, condition: (operand) => exists("attribute_exists", operand) },
  attribute_not_exists: { count: 1, condition: (operand) => not(exists("attribute_not_exists", operand)) },
  attribute_type: { count: 2, condition: hasType },
  begins_with: { count: 2, condition: beginsWith },
  contains: { count: 2, condition: contains },
};

export class ConditionParser extends ExpressionParser {
  parse(): Condition {
    const condition = this.#condition(this.#or());
    if (!this.atEnd()) this.fail();
    return condition;
  }

  // Parentheses may hold a condition or an operand, so until its operator is read either can be at hand.
  #or(): Condition | Operand {
    let left = this.#and();
    while (this.accept("OR")) {
      const [a, b] = [this.#condition(left), this.#condition(this.#and())];
      left = (item) => a(item) || b(item);
    }
    return left;
  }

  #and(): Condition | Operand {
    let left = this.#not();
    while (this.accept("AND")) {
      const [a, b] = [this.#condition(left), this.#condition(this.#not())];
      left = (item) => a(item) && b(item);
    }
    return left;
  }

  #not(): Condition | Operand {
    return this.accept("NOT") ? not(this.#condition(this.#not())) : this.#comparison();
  }

  #comparison(): Condition | Operand {
    const left = this.#term();
    if (typeof left === "function") return left;
    const operator = this.accept(...OPERATORS);
    if (!operator) return left;
    const right = this.#rightOf(operator);
    refuseSame(operator, left, right);
    return compared(operator, left, right);
  }

  #rightOf(operator: Operator): Operand[] {
    const operand = () => this.#operand();
    if (operator === "IN") {
      this.expect("(");
      const all = this.list(operand);
      this.expect(")");
      return all;
    }
    const first = operand();
    if (operator !== "BETWEEN") return [first];
    this.expect("AND");
    return [first, operand()];
  }

  #term(): Condition | Operand {
    const inner = this.parenthesized(() => this.#or());
    if (inner) return inner;
    const name = this.call();
    if (name === undefined) return this.pathOrLiteral();
    const operand = () => this.#operand();
    if (name === "size") return size(this.argumentsOf(name, 1, operand)[0] as Operand);
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (!known) throw new ExpressionError("it has a function that no condition has");
    return known.condition(...this.argumentsOf(name, known.count, operand));
  }

  #operand(): Operand {
    const term = this.#term();
    return typeof term === "function" ? this.fail() : term;
  }

  #condition(node: Condition | Operand): Condition {
    return typeof node === "function" ? node : this.fail();
  }
}

function not(condition: Condition): Condition {
  return (item) => !condition(item);
}

function compared(operator: Operator, left: Operand, right: Operand[]): Condition {
  const [first, second] = right as [Operand, Operand];
  switch (operator) {
    case "=":
      return isIn(left, right);
    case "<>":
      // Also if an attribute is missing.
      return not(isIn(left, right));
    case "IN":
      if (right.length > MAX_ALTERNATIVES) {
        throw new ExpressionError(`IN takes at most ${MAX_ALTERNATIVES} operands, not ${right.length}`);
      }
      return isIn(left, right);
    case "BETWEEN": {
      expectTypes(operator, [left, ...right], ORDERED_TYPES);
      refuseEmptyRange(first, second);
      const [notBelow, notAbove] = [inOrder(">=", left, first), inOrder("<=", left, second)];
      return (item) => notBelow(item) && notAbove(item);
    }
    default:
      expectTypes(operator, [left, first], ORDERED_TYPES);
      return inOrder(operator, left, first);
  }
}

function isIn(left: Operand, right: Operand[]): Condition {
  return on(left, (value, item) =>
    right.some((operand) => {
      const other = operand.get(item);
      return other !== undefined && equal(value, other);
    }),
  );
}

function inOrder(operator: string, left: Operand, right: Operand): Condition {
  const holds = ORDERED[operator] as (order: number) => boolean;
  return onBoth(left, right, (a, b) => {
    const order = compare(a, b);
    return order !== undefined && holds(order);
  });
}

function exists(by: string, operand: Operand): Condition {
  if (!operand.path) throw new ExpressionError(`${by} takes a document path`);
  return on(operand, () => true);
}

function hasType(operand: Operand, type: Operand): Condition {
  const name = type.literal && "S" in type.literal ? type.literal.S : undefined;
  if (!TYPES.some((known) => known === name)) {
    throw new ExpressionError(`attribute_type takes a :value that is one of ${TYPES}`);
  }
  return on(operand, (value) => typeOf(value) === name);
}

function beginsWith(operand: Operand, prefix: Operand): Condition {
  refuseSame("begins_with", operand, [prefix]);
  expectTypes("begins_with", [operand, prefix], ["S", "B"]);
  return onBoth(operand, prefix, (a, b) => typeOf(a) === typeOf(b) && !!bytes(a)?.startsWith(bytes(b) ?? ""));
}

function contains(operand: Operand, part: Operand): Condition {
  refuseSame("contains", operand, [part]);
  return onBoth(operand, part, (a, b) => {
    const whole = bytes(a);
    if (whole === undefined) return (elements(a) ?? []).some((element) => equal(element, b));
    return typeOf(a) === typeOf(b) && whole.includes(bytes(b) ?? "");
  });
}

function size(operand: Operand): Operand {
  expectTypes("size", [operand], SIZED_TYPES);
  return {
    type: "N",
    get(item) {
      const length = sizeOf(operand.get(item));
      return length === undefined ? undefined : { N: String(length) };
    },
  };
}

function sizeOf(value: Attribute | undefined): number | undefined {
  if (value === undefined) return undefined;
  if ("S" in value) return value.S.length;
  if ("B" in value) return value.B.length;
  if ("M" in value) return Object.keys(value.M).length;
  return elements(value)?.length;
}

/** False if the item has no such value. */
function on(operand: Operand, holds: (value: Attribute, item: Item) => boolean): Condition {
  return (item) => {
    const value = operand.get(item);
    return value !== undefined && holds(value, item);
  };
}

function onBoth(a: Operand, b: Operand, holds: (a: Attribute, b: Attribute) => boolean): Condition {
  return on(a, (one, item) => on(b, (other) => holds(one, other))(item));
}

function refuseEmptyRange(low: Operand, high: Operand): void {
  if (!low.literal || !high.literal) return;
  const order = compare(low.literal, high.literal);
  if (order === undefined || order > 0) {
    throw new ExpressionError("BETWEEN takes bounds of one type, the lower one first");
  }
}
