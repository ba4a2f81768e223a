/** Writes Terraform as `terraform fmt` does. */

/** A reference or a call, which has no quotation marks. */
export class Expression {
  constructor(readonly code: string) {}
}

/** A nested block: `ttl { … }`, in place of an attribute `ttl = { … }`. An array of them is one block after another. */
export class Block {
  constructor(readonly body: Readonly<Record<string, unknown>>) {}
}

/** A call with one argument. */
export class Call {
  constructor(
    readonly name: string,
    readonly argument: unknown,
  ) {}
}

export function blockText(head: string, body: Readonly<Record<string, unknown>>, indent = ""): string {
  return `${indent}${head} {\n${bodyText(body, `${indent}  `)}${indent}}\n`;
}

function bodyText(body: Readonly<Record<string, unknown>>, indent: string): string {
  const entries = Object.entries(body);
  const attributes = entries.filter(([, value]) => blocksOf(value).length === 0);
  const blocks = entries.flatMap(([name, value]) =>
    blocksOf(value).map((block) => blockText(name, block.body, indent)),
  );
  return [attributesText(attributes, indent), ...blocks].filter((text) => text !== "").join("\n");
}

function blocksOf(value: unknown): Block[] {
  return [value].flat().filter((one) => one instanceof Block);
}

/** `terraform fmt` aligns the equals signs of lines in a row. An attribute of several lines ends the row. */
function attributesText(attributes: [string, unknown][], indent: string): string {
  const texts = attributes.map(([name, value]) => [name, valueText(value, indent)] as const);
  const rows: (readonly [string, string])[][] = [];
  let open: (readonly [string, string])[] | undefined;
  for (const entry of texts) {
    if (entry[1].includes("\n")) {
      rows.push([entry]);
      open = undefined;
    } else if (open) open.push(entry);
    else {
      open = [entry];
      rows.push(open);
    }
  }
  return rows
    .flatMap((row) => {
      const width = Math.max(...row.map(([name]) => name.length));
      return row.map(([name, text]) => `${indent}${name.padEnd(width)} = ${text}\n`);
    })
    .join("");
}

function valueText(value: unknown, indent = ""): string {
  if (value instanceof Expression) return value.code;
  if (value instanceof Call) return `${value.name}(${valueText(value.argument, indent)})`;
  if (Array.isArray(value)) {
    const entries = value.map((entry) => valueText(entry, `${indent}  `));
    if (!entries.some((text) => text.includes("\n"))) return `[${entries.join(", ")}]`;
    return `[\n${entries.map((text) => `${indent}  ${text},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object" && value !== null) {
    const quoted = Object.entries(value).map(([name, one]): [string, unknown] => [key(name), one]);
    return `{\n${attributesText(quoted, `${indent}  `)}${indent}}`;
  }
  return JSON.stringify(value);
}

function key(name: string): string {
  return /^\w+$/.test(name) ? name : JSON.stringify(name);
}
