import { describe } from "../describe.js";

/** Wrong usage: printed as one line, exit code 2. */
export class UsageError extends Error {}

/** Describes the value and does not repeat it: errors of command lines end up in logs. */
export function refused(
  option: string,
  rule: string,
  value: unknown,
  suggestion: string | number,
): UsageError {
  return new UsageError(`${option}: ${rule}; received ${describe(value)}. Suggestion: ${suggestion}.`);
}

/** A whole number given as an option, or undefined when it was not given. */
export function wholeNumber(
  option: string,
  value: string | undefined,
  { min, max, suggestion }: { min: number; max: number; suggestion: number },
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw refused(`--${option}`, `must be a whole number from ${min} to ${max}`, value, suggestion);
}

/** citty ignores unknown options, but a typing error must not be ignored. */
export function refuseUnknown(rawArgs: readonly string[], args: object): void {
  const end = rawArgs.indexOf("--");
  for (const [at, word] of (end < 0 ? rawArgs : rawArgs.slice(0, end)).entries()) {
    const [, short, long] = /^-(?:([^-].*)|-(?:no-)?([^=]+).*)$/.exec(word) ?? [];
    const name = long ?? short;
    if (name === undefined || word === "-h" || name === "help") continue;
    if (short !== undefined || !(name in args)) {
      const known = Object.keys(args).filter((arg) => !/^_|^election$/.test(arg));
      // Its name is not shown: -p and a password can be one word.
      const meant = meantOf(name, known);
      const hint = meant === undefined ? "" : ` (did you mean --${meant}?)`;
      const all = known.map((arg) => `--${arg}`).join(", ");
      throw new UsageError(`argument ${at + 1}: no such option${hint}; the options are ${all}.`);
    }
  }
}

/** A command without arguments would ignore a word, such as the value of an option whose name was forgotten. */
export function refuseWords([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new UsageError(`an argument is not understood (${describe(word)}); options start with --.`);
}

/** citty would take the next option for the value of an option that has none. */
export function refuseMissingValue(
  rawArgs: readonly string[],
  args: Readonly<Record<string, { readonly type?: string }>>,
): void {
  const end = rawArgs.indexOf("--");
  const words = end < 0 ? rawArgs : rawArgs.slice(0, end);
  for (const [at, word] of words.entries()) {
    const name = word.startsWith("--") ? word.slice(2) : "";
    if (args[name]?.type !== "string" || !(words[at + 1] ?? "--").startsWith("--")) continue;
    const rule = "needs a value, and an option or nothing follows";
    throw new UsageError(`--${name}: ${rule}. If the value begins with "--", write --${name}=VALUE.`);
  }
}

/** The known word that a mistyped or shortened one stands for. */
export function meantOf(word: string, known: readonly string[]): string | undefined {
  return known.find((one) => edits(word, one) <= 2 || (word.length > 2 && one.startsWith(word)));
}

/** How many letters must be added, left out or changed to turn one word into the other. */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const changed = (row[j] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
