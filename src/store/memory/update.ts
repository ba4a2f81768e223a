import {
  type Attribute,
  type AttributeType,
  add,
  canonical,
  ExpressionError,
  elements,
  type Item,
  setOf,
  typeOf,
} from "../attribute.js";
import {
  at,
  ExpressionParser,
  expectTypes,
  type Operand,
  type Path,
  refuseSame,
} from "./expression-parser.js";

/** The change of one path. No value: it is removed. */
interface Edit {
  readonly path: Path;
  valueFrom(item: Item): Attribute | undefined;
}

export interface Update {
  /** The top-level attributes that it changes. */
  readonly attributes: ReadonlySet<string>;
  /** The item after the update. */
  apply(item: Item): Item;
}

/** A right-hand side. Sums and list_append are `whole`: they cannot be a part of another one. */
interface Value extends Pick<Operand, "path" | "type"> {
  get(item: Item): Attribute;
  readonly whole?: true;
}

const SECTIONS = ["SET", "REMOVE", "ADD", "DELETE"] as const;
const SET_TYPES: readonly AttributeType[] = ["SS", "NS", "BS"];

export class UpdateParser extends ExpressionParser {
  parse(): Update {
    const edits: Edit[] = [];
    const seen = new Set<string>();
    do {
      const section = this.accept(...SECTIONS) ?? this.fail();
      if (seen.has(section)) throw new ExpressionError(`more than one ${section} section`);
      seen.add(section);
      edits.push(...this.list(() => this.#edit(section)));
    } while (!this.atEnd());
    refuseOverlaps(edits.map(({ path }) => path));
    return {
      attributes: new Set(edits.map(({ path }) => path[0] as string)),
      apply: (item) => applyAll(edits, item),
    };
  }

  #edit(section: (typeof SECTIONS)[number]): Edit {
    const path = this.path();
    if (section === "REMOVE") return { path, valueFrom: () => undefined };
    if (section === "SET") {
      this.expect("=");
      const value = this.#value();
      return { path, valueFrom: (item) => value.get(item) };
    }
    const literal = this.literal();
    const operand = { type: typeOf(literal) };
    if (section === "ADD") {
      expectTypes(section, [operand], ["N", ...SET_TYPES]);
      return { path, valueFrom: (item) => added(at(item, path), literal) };
    }
    expectTypes(section, [operand], SET_TYPES);
    return { path, valueFrom: (item) => without(at(item, path), literal) };
  }

  #value(): Value {
    const left = this.#term();
    const sign = this.accept("+", "-");
    if (!sign) return left;
    const [a, b] = [this.#part(left), this.#part(this.#term())];
    expectTypes(sign, [a, b], ["N"]);
    return {
      whole: true,
      get(item) {
        const [one, other] = [a.get(item), b.get(item)];
        if (!("N" in one && "N" in other)) throw wrongType();
        return add(one.N, other.N, sign === "+" ? 1n : -1n);
      },
    };
  }

  #term(): Value {
    const inner = this.parenthesized(() => this.#value());
    if (inner) return inner;
    const name = this.call();
    if (name === undefined) return required(this.pathOrLiteral());
    if (name !== "if_not_exists" && name !== "list_append") {
      throw new ExpressionError("it has a function that no update has");
    }
    const [a, b] = this.argumentsOf(name, 2, () => this.#part(this.#term())) as [Value, Value];
    return name === "if_not_exists" ? ifNotExists(a, b) : listAppend(a, b);
  }

  #part(value: Value): Value {
    return value.whole ? this.fail() : value;
  }
}

function required(operand: Operand): Value {
  return {
    ...operand,
    get(item) {
      const value = operand.get(item);
      if (value === undefined) throw new ExpressionError("it refers to an attribute the item does not have");
      return value;
    },
  };
}

function ifNotExists(wanted: Value, otherwise: Value): Value {
  const { path } = wanted;
  if (!path) throw new ExpressionError("if_not_exists takes a document path");
  refuseSame("if_not_exists", wanted, [otherwise]);
  return {
    get(item) {
      const fallback = otherwise.get(item); // Must be there even when it is not needed.
      return at(item, path) ?? fallback;
    },
  };
}

function listAppend(a: Value, b: Value): Value {
  expectTypes("list_append", [a, b], ["L"]);
  return {
    whole: true,
    get(item) {
      const [one, other] = [a.get(item), b.get(item)];
      if (!("L" in one && "L" in other)) throw wrongType();
      return { L: [...one.L, ...other.L] };
    },
  };
}

function added(current: Attribute | undefined, literal: Attribute): Attribute {
  if (current === undefined) return literal;
  if ("N" in current && "N" in literal) return add(current.N, literal.N);
  return setOf(typeOf(literal), [
    ...membersOf(without(current, literal)),
    ...membersOf(literal),
  ]) as Attribute;
}

function without(current: Attribute | undefined, literal: Attribute): Attribute | undefined {
  if (current === undefined) return undefined;
  if (typeOf(current) !== typeOf(literal)) throw wrongType();
  const gone = new Set(membersOf(literal).map(canonical));
  return setOf(
    typeOf(current),
    membersOf(current).filter((member) => !gone.has(canonical(member))),
  );
}

function membersOf(set: Attribute | undefined): Attribute[] {
  return (set && elements(set)) ?? [];
}

function applyAll(edits: Edit[], item: Item): Item {
  const values = edits.map((edit) => edit.valueFrom(item));
  const result = structuredClone(item);
  const lists = new Set<{ L: Attribute[] }>();
  edits.forEach(({ path }, i) => {
    const parent = at(result, path.slice(0, -1));
    const step = path.at(-1) as string | number;
    if (typeof step === "number" && parent && "L" in parent) {
      lists.add(parent);
      put(parent.L, step, values[i]);
    } else if (typeof step === "string" && parent && "M" in parent) {
      put(parent.M, step, values[i]);
    } else {
      throw new ExpressionError("the item has nothing that could hold one of its paths");
    }
  });
  // Every index refers to the list before the update. Removed and missing entries have left holes.
  for (const list of lists) list.L = Object.values(list.L);
  return result;
}

function put(content: object, step: string | number, value: Attribute | undefined): void {
  if (value === undefined) Reflect.deleteProperty(content, step);
  // Not by assignment, because __proto__ is a valid name.
  else Object.defineProperty(content, step, { value, writable: true, enumerable: true, configurable: true });
}

function refuseOverlaps(paths: Path[]): void {
  paths.forEach((one, i) => {
    for (const other of paths.slice(i + 1)) {
      const apart = one.findIndex((step, depth) => step !== other[depth]);
      const [a, b] = [one[apart], other[apart]];
      if (a === undefined || b === undefined || typeof a !== typeof b) {
        throw new ExpressionError("two of its paths overlap");
      }
    }
  });
}

function wrongType(): ExpressionError {
  return new ExpressionError("an attribute of the item, or the value meant for it, has the wrong type");
}
