import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** The code cites the protocol's rules by number: each number that is cited is defined, once. */

const README = readFileSync("src/protocol/README.md", "utf8");

/** `## Rule 4: …`, `**4a Trust**`, `| 2a | acquire …` and `| P1 exclusion …`. */
function definitions(): string[] {
  const whole = [...README.matchAll(/^## Rule (\d+):/gm)];
  const parts = [...README.matchAll(/^(?:- )?\*\*(\d+[a-z]) [^*]+\*\*|^\| (\d+[a-z]) \|/gm)];
  const promises = [...README.matchAll(/^\| (P\d) /gm)];
  return [...whole, ...parts, ...promises].map(([, bullet, row]) => (bullet ?? row) as string);
}

/** "rule 4b", "Rules 4b and 4c", "rules 3a to 3d", "(4b, 7d)", "promise P1". */
function citations(text: string): string[] {
  const number = String.raw`\d+[a-z]?`;
  const list = `${number}(?:(?:, | and | or | to )${number})*`;
  const cited = [
    ...text.matchAll(new RegExp(String.raw`\b[Rr]ules? (${list})\b`, "g")),
    ...text.matchAll(/\((\d[a-z](?:(?:, | and | or | to )\d[a-z])*)\)/g),
    ...text.matchAll(/\bpromise (P\d)\b/g),
  ];
  return cited.flatMap(([, numbers = ""]) => numbers.match(/P?\d+[a-z]?/g) ?? []);
}

const defined = definitions();
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => `src/${path}`);

test("every rule that the code cites is defined in src/protocol/README.md", () => {
  const cited = sources.flatMap((path) =>
    citations(readFileSync(path, "utf8")).map((rule) => ({ path, rule })),
  );
  expect(cited.length).toBeGreaterThan(40);
  expect(cited.filter(({ rule }) => !defined.includes(rule))).toEqual([]);
});

test("every rule that the protocol refers to is defined there, once, and none is skipped", () => {
  expect(citations(README).filter((rule) => !defined.includes(rule))).toEqual([]);
  expect(defined.filter((rule, i) => defined.indexOf(rule) !== i)).toEqual([]);
  for (const rule of defined.filter((each) => /[b-z]$/.test(each))) {
    const before = rule.slice(0, -1) + String.fromCharCode(rule.charCodeAt(rule.length - 1) - 1);
    expect(defined, `before ${rule}`).toContain(before);
  }
});

test("every file that the protocol names is there", () => {
  const files = [...README.matchAll(/`((?:[a-z-]+\/)*[a-z-]+\.(?:ts|md))`/g)].map(
    ([, file]) => file as string,
  );
  expect(files.length).toBeGreaterThan(20);
  const places = (file: string) => [`src/protocol/${file}`, `src/${file}`, file];
  expect(files.filter((file) => !places(file).some((path) => existsSync(path)))).toEqual([]);
});

test("every attribute that the protocol and docs/restore.md list is one that the store writes or reads", () => {
  const store = readdirSync("src/store/dynamodb").map((file) =>
    readFileSync(`src/store/dynamodb/${file}`, "utf8"),
  );
  const rows = README.split("\n").filter((line) => /^\| `(lease|term#|arrival|candidate#)/.test(line));
  const names = rows.flatMap((row) =>
    [...(row.split("|")[2] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(names.length).toBeGreaterThan(40);
  const [, removed = ""] = / REMOVE ([^']+)'/.exec(readFileSync("docs/restore.md", "utf8")) ?? [];
  expect(removed).toContain("holder");
  // DynamoDB reserves some names: they are written `#name`.
  names.push(...removed.split(", ").map((name) => name.replace(/^#/, "")));
  const isUsed = (name: string | undefined) => store.some((text) => new RegExp(`\\b${name}\\b`).test(text));
  expect(names.filter((name) => !isUsed(name))).toEqual([]);
});
