import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));

/** Who may import whom: only what stands lower. One layer a line, from the bottom. Types count too. */
const LAYERS: string[][] = [
  ["store/schema", "describe", "clock", "backoff", "lane", "deferred", "guardian", "local-tools"],
  ["error-summary"],
  ["errors"],
  ["events", "rhythm", "service-clock", "lease", "line"],
  ["sighting", "takeover", "fencing", "options", "landed", "fate", "leader"],
  ["store/reserved-words", "store/values", "store/expression-parser", "store/condition", "store/update"],
  ["store/expressions", "store/attribute-form"],
  ["store/plain-values"],
  [
    "store/attributes",
    "store/lease-limits",
    "store/row",
    "store/update-expression",
    "store/errors-of-dynamodb",
    "store/create-table",
    "store/date-header",
  ],
  ["store/item-keys", "store/item-size", "store/lease-store"],
  [
    "store/lease-codec",
    "store/term-codec",
    "store/row-rules",
    "roll",
    "farewell",
    "trust",
    "metronome",
    "proclamation",
  ],
  ["store/dynamodb-table", "store/dynamodb-founding"],
  ["store/dynamodb-registry"],
  ["store/dynamodb", "store/memory", "manual-clock", "dynamodb-local"],
  ["requests", "testing", "health", "store-of", "calls"],
  ["holder", "standing", "records", "operator", "table-keys", "commit-queue", "open-number"],
  ["succession"],
  ["tenure", "observer", "chronicle"],
  ["commits"],
  ["leadership", "campaign"],
  ["serving", "telemetry"],
  ["election"],
  ["index"],
  [
    "lambda/context",
    "lambda/sandbox-clock",
    "lambda/plan",
    "lambda/tick",
    "lambda/out-of-time",
    "lambda/sticky",
  ],
  ["lambda/default-client", "lambda/deadline", "lambda/environment", "lambda/result"],
  ["lambda/settings"],
  ["lambda/sandbox"],
  ["lambda/invocations"],
  ["lambda/handler", "lambda/middleware"],
  ["lambda"],
];

/** Free of effects: decided by what was seen and what time it is. */
const PURE = [
  "rhythm",
  "service-clock",
  "lease",
  "line",
  "roll",
  "sighting",
  "takeover",
  "landed",
  "describe",
  "error-summary",
  "fencing",
  "store/attribute-form",
  "store/plain-values",
  "store/item-keys",
  "fate",
  "store/row-rules",
  "store/lease-limits",
  "lambda/plan",
  "lambda/tick",
];

function sources(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : path.endsWith(".ts") ? [path] : [];
  });
}

function moduleName(path: string): string {
  return relative(root, path)
    .replace(/\.(ts|js)$/, "")
    .replaceAll("\\", "/");
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] as string);
}

const layerOf = (name: string) => LAYERS.findIndex((layer) => layer.includes(name));
const library = sources().filter((path) => !moduleName(path).startsWith("cli/"));

test("every module of the library has its layer", () => {
  expect(library.map(moduleName).filter((name) => layerOf(name) < 0)).toEqual([]);
});

test("imports go down, or to a neighbour of the same layer that does not import back", () => {
  const up = library.flatMap((path) =>
    importsOf(path)
      .filter((target) => target.startsWith("."))
      .map((target) => moduleName(resolve(dirname(path), target)))
      .filter((target) => layerOf(target) > layerOf(moduleName(path)))
      .map((target) => `${moduleName(path)} → ${target}`),
  );
  expect(up).toEqual([]);
});

test("the library imports neither the CLI nor tests", () => {
  const out = library.flatMap((path) =>
    importsOf(path).filter((target) => /cli\/|\.\.\/(test|lib|lambda|bench|examples)/.test(target)),
  );
  expect(out).toEqual([]);
});

test("only the stores know the AWS SDK", () => {
  const knowing = library
    .filter((path) => importsOf(path).some((target) => target.startsWith("@aws-sdk/")))
    .map(moduleName);
  expect(knowing.sort()).toEqual([
    "lambda/default-client",
    "store/attributes",
    "store/create-table",
    "store/dynamodb",
    "store/dynamodb-founding",
    "store/dynamodb-registry",
    "store/dynamodb-table",
  ]);
});

test("constructs import CDK, Node, each other, and of the library only the schema and how values are described", () => {
  const lib = fileURLToPath(new URL("../lib/", import.meta.url));
  const allowed = /^(aws-cdk-lib(\/|$)|constructs$|node:|\.\/|\.\.\/src\/(store\/schema|describe)\.js$)/;
  const out = sources(lib).flatMap((path) => importsOf(path).filter((target) => !allowed.test(target)));
  expect(out).toEqual([]);
});

test("only the clock reads clocks and sets timers", () => {
  const reading = library
    .filter((path) =>
      /\b(setTimeout|setInterval|Date\.now|performance\.now)\b/.test(readFileSync(path, "utf8")),
    )
    .map(moduleName)
    .filter((name) => !["dynamodb-local", "guardian"].includes(name));
  // The memory table's own clock is the service's.
  expect(reading.sort()).toEqual(["clock", "store/memory"]);
});

test("pure modules have no effects: no promises, no clocks, no randomness", () => {
  const impure = PURE.filter((name) =>
    /\b(async|await|Promise|Math\.random|process\.)\b/.test(readFileSync(join(root, `${name}.ts`), "utf8")),
  );
  expect(impure).toEqual([]);
});
