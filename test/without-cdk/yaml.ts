/** Writes plain data as YAML, block by block. */
export function yamlOf(value: unknown, indent = ""): string {
  if (Array.isArray(value))
    return value.map((entry) => `${indent}- ${nested(entry, `${indent}  `)}`).join("");
  return Object.entries(value as object)
    .map(([name, entry]) => {
      const filled = isFilled(entry);
      return `${indent}${scalar(name)}:${filled ? `\n${yamlOf(entry, `${indent}  `)}` : ` ${scalar(entry)}\n`}`;
    })
    .join("");
}

/** After the dash of a list. */
function nested(entry: unknown, indent: string): string {
  return isFilled(entry) ? yamlOf(entry, indent).slice(indent.length) : `${scalar(entry)}\n`;
}

function isFilled(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** A text in quotation marks where it could be read as something else. A JSON text is YAML too. */
function scalar(value: unknown): string {
  const plain =
    typeof value === "string" && /^[A-Za-z$/][\w ./:${}-]*$/.test(value) && !/: |:$| $/.test(value);
  return plain && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(value) ? value : JSON.stringify(value);
}
