import { expect, test } from "vitest";
import { audit } from "../../src/demo/audit.js";
import { generatePayments, InputError, parsePayments, readPayments } from "../../src/demo/payments.js";
import { paceMs, planScenes } from "../../src/demo/scenes.js";
import { timeline } from "../../src/demo/timeline.js";

const HEADER = "id,account,amount,currency";
const parse = (...lines: string[]) => parsePayments([HEADER, ...lines].join("\n"), "p.csv");

function problems(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.problems;
    throw error;
  }
  throw new Error("was accepted");
}

test("money becomes whole minor units, by its digits", () => {
  const amounts = ["0.29", "1", "12.5", "19.99", "0.01", "999999999999.99", "007.10"];
  const payments = parse(...amounts.map((amount, i) => `p${i},acme,${amount},EUR`));
  expect(payments.map(({ amountMinor }) => amountMinor)).toEqual([
    29, 100, 1_250, 1_999, 1, 99_999_999_999_999, 710,
  ]);
});

test("byte order mark, CRLF, quotes, other orders and more columns are taken", () => {
  const text =
    '\ufeffCurrency, amount ,note,ID,account\r\nEUR,"1.50","a, ""b""",p 1,"Müller, Söhne"\r\n\r\nUSD,2,,p2,b\r\n';
  expect(parsePayments(text, "p.csv")).toEqual([
    { id: "p 1", account: "Müller, Söhne", amountMinor: 150, currency: "EUR" },
    { id: "p2", account: "b", amountMinor: 200, currency: "USD" },
  ]);
});

test("every bad row is named by its line, with the rule and what was found", () => {
  const rows = ["p1,a,abc,EUR", "p2,a,1,EUR", "", "p2,a,1,eur", "p3,a,1", `${"x".repeat(65)},,0.00,EUR`];
  expect(problems(() => parse(...rows))).toEqual([
    "p.csv:2: amount must be a decimal above 0, below 10^12, with at most two digits after the point, such as 12.50; found a string of 3 characters",
    "p.csv:5: currency must be three capital letters, such as EUR; found a string of 3 characters",
    "p.csv:5: id must be unique; the same one is on line 3 already",
    "p.csv:6: must have 4 fields; found 3",
    "p.csv:7: id must be 1 to 64 characters, such as p-17; found a string of 65 characters",
    "p.csv:7: account must be 1 to 64 characters, such as acme; found an empty string",
    "p.csv:7: amount must be a decimal above 0, below 10^12, with at most two digits after the point, such as 12.50; found a string of 4 characters",
  ]);
});

test.each(["-1", "+1", "1.234", "1,5", "1e3", "0", "0.0", ".5", "5.", "NaN", "1 000", "1000000000000"])(
  "an amount of %j is refused",
  (amount) => {
    expect(problems(() => parse(`p1,a,"${amount}",EUR`))).toHaveLength(1);
  },
);

test("a row that spans lines is named by the line on which it ends, and those after it are right", () => {
  expect(problems(() => parse('p1,"a\nb",1,EUR', "p2,a,x,EUR"))).toEqual([
    expect.stringMatching(/^p\.csv:3: account must be/),
    expect.stringMatching(/^p\.csv:4: amount must be/),
  ]);
});

test("the first twenty problems are named and the others counted", () => {
  const named = problems(() => parse(...Array.from({ length: 50 }, (_, i) => `p${i},a,x,EUR`)));
  expect(named).toHaveLength(21);
  expect(named.at(-1)).toBe("… and 30 more");
});

test("what cannot be a list of payments at all is told in one line", () => {
  expect(problems(() => parsePayments("", "p.csv"))).toEqual([
    "p.csv: is empty; the first line must be id,account,amount,currency",
  ]);
  expect(problems(() => parsePayments(HEADER, "p.csv"))).toEqual([
    "p.csv: has no payments, only a first line",
  ]);
  expect(problems(() => parsePayments("id,amount\np1,2", "p.csv"))).toEqual([
    "p.csv:1: columns account, currency missing; the first line must name id,account,amount,currency",
  ]);
  expect(problems(() => parse('p1,"a"b,1,EUR'))).toEqual([
    expect.stringMatching(/^p\.csv:2: is not CSV \(CSV_/),
  ]);
});

test("a file's control characters do not reach the terminal", () => {
  const [problem] = problems(() => parse("p\u001b[2J\u009b1,a,1,EUR"));
  expect(problem).not.toMatch(/\p{Cc}/u);
});

test("a missing file is told by its name", async () => {
  await expect(readPayments("no/such.csv")).rejects.toThrow("no/such.csv: there is no such file");
});

test("generated payments are valid, unique and always the same", () => {
  const payments = generatePayments(500);
  expect(new Set(payments.map(({ id }) => id)).size).toBe(500);
  expect(payments).toEqual(generatePayments(500));
  const rows = payments.map((p) => [p.id, p.account, (p.amountMinor / 100).toFixed(2), p.currency].join(","));
  expect(parse(...rows)).toEqual(payments);
});

test.each([
  [1, []],
  [2, [1]],
  [3, [1, 2]],
  [4, [1, 2, 3]],
  [5, [1, 2, 4]],
  [40, [8, 18, 28]],
  [500, [100, 225, 350]],
])("of %i payments, scenes are played after %j", (count, after) => {
  expect([...planScenes(count).values()]).toEqual(after);
});

test("payments are made at a speed that people can follow, and slower where a higher rank must come back", () => {
  expect([4, 40, 500, 100_000].map((count) => paceMs(count, "random", 3_000))).toEqual([150, 150, 10, 1]);
  expect([4, 40, 500, 100_000].map((count) => paceMs(count, "rank", 3_000))).toEqual([500, 500, 34, 1]);
});

test("the audit finds duplicates, losses and wrong balances", () => {
  const input = parse("p1,a,1,EUR", "p2,a,2,EUR", "p3,b,3,EUR");
  const row = (i: number, appliedUnder: number[]) => ({
    ...(input[i] as (typeof input)[number]),
    position: i,
    timesApplied: appliedUnder.length,
    appliedUnder,
  });
  const payments = [row(0, [1]), row(1, [1, 2]), row(2, [])];
  const balances = new Map([["account#a#EUR", 500n]]);
  expect(audit(input, { payments, balances, refusals: 1 })).toMatchObject({
    payments: 3,
    appliedOnce: 1,
    duplicates: [{ id: "p2", terms: [1, 2] }],
    lost: ["p3"],
    staleWritesRefused: 1,
    wrongBalances: ["account#a#EUR", "account#b#EUR"],
  });
});

test("the picture escapes what it is given", () => {
  const svg = timeline({
    title: `<script>"&`,
    description: "",
    workers: [{ label: "<b>" }],
    terms: [{ term: 1, worker: "<b>", electedAtMs: 0 }],
    marks: [{ kind: "refused", worker: "<b>", atMs: 500 }],
    failovers: [],
    endMs: 1_000,
  });
  expect(svg).not.toMatch(/<script>|<b>/);
  expect(svg).toContain("&lt;script&gt;&quot;&amp;");
});

test("the picture shows each worker's rank, who took over by rank, and says what the refused late write means", () => {
  const svg = timeline({
    title: "",
    description: "",
    workers: [
      { label: "worker-1", rank: 1 },
      { label: "worker-2", rank: 2 },
    ],
    terms: [
      { term: 1, worker: "worker-1", electedAtMs: 0, endedAtMs: 4_000 },
      { term: 2, worker: "worker-2", electedAtMs: 4_100 },
    ],
    marks: [
      { kind: "preempted", worker: "worker-1", atMs: 4_000 },
      {
        kind: "refused",
        worker: "worker-1",
        atMs: 9_900,
        caption: "late write of term 1 refused: term 2 leads",
      },
    ],
    failovers: [],
    endMs: 10_000,
  });
  for (const text of [
    "rank 1",
    "rank 2",
    "a higher rank takes over",
    "late write of term 1 refused: term 2 leads",
  ]) {
    expect(svg).toContain(`>${text}</text>`);
  }
  // At the right end, and still inside.
  const [, x] = /<text x="([\d.]+)"[^>]*>late write of term 1/.exec(svg) ?? [];
  expect(Number(x)).toBeLessThan(1_080 - 130);
});
