import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type CsvError, parse } from "csv-parse/sync";
import { describe } from "../describe.js";

/** One row of the input. Money is in minor units (cents), whole numbers, so that sums are exact. */
export interface Payment {
  readonly id: string;
  readonly account: string;
  readonly amountMinor: number;
  readonly currency: string;
}

/** The input cannot be used. It has one line for each problem. No payment was made. */
export class InputError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "InputError";
  }
}

const COLUMNS = ["id", "account", "amount", "currency"] as const;
type Column = (typeof COLUMNS)[number];

/** The message names this many bad rows, and counts the others. */
const NAMED_PROBLEMS = 20;

/** The rule of each column, and a value that works. */
const RULES: Record<Column, { accepts: RegExp; rule: string }> = {
  id: { accepts: /^[^\p{Cc}]{1,64}$/u, rule: "must be 1 to 64 characters, such as p-17" },
  account: { accepts: /^[^\p{Cc}]{1,64}$/u, rule: "must be 1 to 64 characters, such as acme" },
  amount: {
    accepts: /^(?!0+(\.0+)?$)\d{1,12}(\.\d{1,2})?$/,
    rule: "must be a decimal above 0, below 10^12, with at most two digits after the point, such as 12.50",
  },
  currency: { accepts: /^[A-Z]{3}$/, rule: "must be three capital letters, such as EUR" },
};

/** Reads payments from a CSV file. Rejects with an `InputError` that names the lines of bad rows. */
export async function readPayments(path: string): Promise<Payment[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "ENOENT" ? "there is no such file" : `cannot be read (${error.code})`;
    throw new InputError([`${path}: ${why}`]);
  });
  try {
    return parsePayments(new TextDecoder("utf-8", { fatal: true }).decode(bytes), basename(path));
  } catch (error) {
    if (error instanceof TypeError) throw new InputError([`${path}: is not UTF-8 text`]);
    throw error;
  }
}

interface Row {
  readonly record: string[];
  /** The line on which the record ends, from 1. */
  readonly info: { readonly lines: number };
}

/** The payments in a CSV text. Throws `InputError`, with `name` as the file's name. Pure. */
export function parsePayments(text: string, name: string): Payment[] {
  const [header, ...rows] = parseRows(text, name);
  if (!header) throw new InputError([`${name}: is empty; the first line must be ${COLUMNS.join(",")}`]);
  const titles = header.record.map((title) => title.toLowerCase());
  const missing = COLUMNS.filter((column) => !titles.includes(column));
  if (missing.length > 0) {
    throw new InputError([
      `${name}:1: column${missing.length > 1 ? "s" : ""} ${missing.join(", ")} missing; ` +
        `the first line must name ${COLUMNS.join(",")}`,
    ]);
  }
  if (rows.length === 0) throw new InputError([`${name}: has no payments, only a first line`]);

  const problems: string[] = [];
  const lineOf = new Map<string, number>();
  const payments = rows.map(({ record, info }) => {
    const say = (problem: string) => problems.push(`${name}:${info.lines}: ${problem}`);
    if (record.length !== titles.length) {
      say(`must have ${titles.length} fields; found ${record.length}`);
      return undefined;
    }
    const field = (column: Column) => record[titles.indexOf(column)] ?? "";
    for (const column of COLUMNS) {
      const { accepts, rule } = RULES[column];
      if (!accepts.test(field(column))) say(`${column} ${rule}; found ${describe(field(column))}`);
    }
    const id = field("id");
    const earlier = lineOf.get(id);
    if (earlier !== undefined) say(`id must be unique; the same one is on line ${earlier} already`);
    else lineOf.set(id, info.lines);
    return {
      id,
      account: field("account"),
      amountMinor: toMinor(field("amount")),
      currency: field("currency"),
    };
  });
  if (problems.length > 0) throw new InputError(shorten(problems));
  return payments as Payment[];
}

function parseRows(text: string, name: string): Row[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as Row[];
  } catch (error) {
    // Its message quotes the line.
    const { code, lines } = error as CsvError & { lines?: number };
    throw new InputError([`${name}:${lines ?? 1}: is not CSV (${code})`]);
  }
}

function shorten(problems: string[]): string[] {
  if (problems.length <= NAMED_PROBLEMS) return problems;
  return [...problems.slice(0, NAMED_PROBLEMS), `… and ${problems.length - NAMED_PROBLEMS} more`];
}

/** Converts digits, because 0.29 × 100 is not 29 in floating point. */
function toMinor(amount: string): number {
  const [whole = "", part = ""] = amount.split(".");
  return Number(whole + part.padEnd(2, "0"));
}

const CURRENCIES = ["EUR", "USD", "CHF"];

/** Invented payments of about twenty accounts, the same ones at each call. */
export function generatePayments(count: number): Payment[] {
  let state = 20_240_229;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: count }, (_, i) => {
    const account = below(20) + 1;
    return {
      id: `p-${String(i + 1).padStart(4, "0")}`,
      account: `account-${String(account).padStart(2, "0")}`,
      amountMinor: 1 + below(50_000),
      currency: CURRENCIES[account % CURRENCIES.length] as string,
    };
  });
}
