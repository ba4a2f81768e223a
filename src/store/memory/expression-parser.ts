import {
  type Attribute,
  type AttributeType,
  canonical,
  ExpressionError,
  type Item,
  typeOf,
} from "../attribute.js";
import { isReserved } from "./reserved-words.js";

/** The common part of conditions and updates: words, placeholders, document paths, operands. */

export type Path = ReadonlyArray<string | number>;

export interface Operand {
  /** Undefined: the item has no such value. */
  get(item: Item): Attribute | undefined;
  /** Of an operand that is a document path. */
  readonly path?: Path;
  /** Of an operand that is a `:value`. */
  readonly literal?: Attribute;
  /** The type, if it is known without an item. */
  readonly type?: AttributeType;
}

/** A request's `#names` and `:values`. Those that no expression used are refused at the end. */
export class Placeholders {
  readonly #unused: Set<string>;

  constructor(
    private readonly names: Record<string, string> | undefined,
    private readonly values: Record<string, Attribute> | undefined,
  ) {
    if (names && Object.keys(names).length === 0) {
      throw new ExpressionError("ExpressionAttributeNames must not be empty");
    }
    if (values && Object.keys(values).length === 0) {
      throw new ExpressionError("ExpressionAttributeValues must not be empty");
    }
    this.#unused = new Set([...Object.keys(names ?? {}), ...Object.keys(values ?? {})]);
  }

  name(placeholder: string): string {
    this.#unused.delete(placeholder);
    const name = this.names?.[placeholder];
    if (name === undefined) throw new ExpressionError("a #placeholder is not in ExpressionAttributeNames");
    return name;
  }

  value(placeholder: string): Attribute {
    this.#unused.delete(placeholder);
    const value = this.values?.[placeholder];
    if (value === undefined) throw new ExpressionError("a :placeholder is not in ExpressionAttributeValues");
    canonical(value); // Refuses what DynamoDB would not take.
    return value;
  }

  refuseUnused(): void {
    if (this.#unused.size === 0) return;
    throw new ExpressionError(`no expression uses ${this.#unused.size} of the placeholders`);
  }
}

/** Any other character is a token that no rule accepts. */
const TOKENS = /[#:]\w+|[A-Za-z]\w*|0|[1-9]\d*|<>|[<>]=|[^ \t\r\n]/g;
const REMEMBERED = 1_000;
const known = new Map<string, readonly string[]>();

function tokensOf(expression: string): readonly string[] {
  let tokens = known.get(expression);
  if (!tokens) {
    tokens = expression.match(TOKENS) ?? [];
    if (known.size === REMEMBERED) known.clear();
    known.set(expression, tokens);
  }
  return tokens;
}

/**
 * Reads an expression once, from left to right, and returns a function of an item. It resolves placeholders meanwhile,
 * so it refuses everything that is wrong without an item, as DynamoDB does.
 */
export class ExpressionParser {
  readonly #tokens: readonly string[];
  readonly #parenthesized = new WeakSet<object>();
  #next = 0;

  constructor(
    expression: string,
    protected readonly placeholders: Placeholders,
  ) {
    this.#tokens = tokensOf(expression);
  }

  /** Any of these words or signs, in upper case, if it comes next. */
  protected accept<T extends string>(...tokens: T[]): T | undefined {
    const next = this.#tokens[this.#next]?.toUpperCase();
    const found = tokens.find((token) => token === next);
    if (found) this.#next += 1;
    return found;
  }

  protected expect(token: string): void {
    if (!this.accept(token)) this.fail();
  }

  protected atEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  protected fail(): never {
    const token = this.#tokens[this.#next];
    // An error shows a sign, but not a word, which can be anything.
    const at =
      token !== undefined && /^[()[\]<>=,.+-]{1,2}$/.test(token) ? `"${token}"` : `token ${this.#next + 1}`;
    throw new ExpressionError(`syntax error at ${token === undefined ? "its end" : at}`);
  }

  protected list<T>(read: () => T): T[] {
    const all = [read()];
    while (this.accept(",")) all.push(read());
    return all;
  }

  /** What is in parentheses, when one comes next. */
  protected parenthesized<T extends object>(read: () => T): T | undefined {
    if (!this.accept("(")) return undefined;
    const inner = read();
    this.expect(")");
    if (this.#parenthesized.has(inner)) throw new ExpressionError("redundant parentheses");
    this.#parenthesized.add(inner);
    return inner;
  }

  /** The name of a function, when a call comes next; its arguments follow. */
  protected call(): string | undefined {
    const name = this.#tokens[this.#next] ?? "";
    if (this.#tokens[this.#next + 1] !== "(" || !/^[a-z]/i.test(name)) return undefined;
    this.#next += 1;
    return name;
  }

  protected argumentsOf<T>(name: string, count: number, read: () => T): T[] {
    this.expect("(");
    const all = this.list(read);
    this.expect(")");
    if (all.length !== count) throw new ExpressionError(`${name} takes ${count} operands, not ${all.length}`);
    return all;
  }

  protected path(): Path {
    const path: Array<string | number> = [this.#name()];
    for (;;) {
      if (this.accept(".")) path.push(this.#name());
      else if (this.accept("[")) {
        path.push(this.#index());
        this.expect("]");
      } else return path;
    }
  }

  protected literal(): Attribute {
    return this.placeholders.value(this.#take(/^:./));
  }

  protected pathOrLiteral(): Operand {
    if (this.#tokens[this.#next]?.startsWith(":")) {
      const literal = this.literal();
      return { get: () => literal, literal, type: typeOf(literal) };
    }
    const path = this.path();
    return { get: (item) => at(item, path), path };
  }

  #name(): string {
    const token = this.#take(/^(#.|[a-z])/i);
    if (token.startsWith("#")) return this.placeholders.name(token);
    if (isReserved(token)) throw new ExpressionError(`${token} is a reserved word: use a #placeholder`);
    return token;
  }

  #index(): number {
    const index = Number(this.#take(/^\d/));
    if (index >= 2 ** 31) throw new ExpressionError(`the list index ${index} is too large`);
    return index;
  }

  #take(shape: RegExp): string {
    const token = this.#tokens[this.#next] ?? "";
    if (!shape.test(token)) this.fail();
    this.#next += 1;
    return token;
  }
}

/** What an item has at a path. */
export function at(item: Item, path: Path): Attribute | undefined {
  return path.reduce<Attribute | undefined>(within, { M: item });
}

function within(value: Attribute | undefined, step: string | number): Attribute | undefined {
  if (value === undefined) return undefined;
  if (typeof step === "number") return "L" in value ? value.L[step] : undefined;
  return "M" in value && Object.hasOwn(value.M, step) ? value.M[step] : undefined;
}

/** Refuses operands whose type is known and not one of these. */
export function expectTypes(
  by: string,
  operands: Array<Pick<Operand, "type">>,
  types: readonly AttributeType[],
): void {
  for (const { type } of operands) {
    if (type && !types.includes(type)) throw new ExpressionError(`${by} takes no operand of type ${type}`);
  }
}

export function refuseSame(
  by: string,
  first: Pick<Operand, "path">,
  others: Array<Pick<Operand, "path">>,
): void {
  const path = first.path && JSON.stringify(first.path);
  if (path && others.some((other) => JSON.stringify(other.path) === path)) {
    throw new ExpressionError(`${by} is given one path twice`);
  }
}
