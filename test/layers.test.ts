import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * The house: one storey a line, from the ground up. A folder of `src` counts as one room, and so does a file beside it.
 * A room imports only what stands lower. Types count, and so do imports at run time.
 */
const STOREYS: string[][] = [
  [
    "describe",
    "clock",
    "limits",
    "child-guard",
    "version",
    "nearest-path",
    "bare-sender",
    "fnv1a",
    "bare-env",
    "on-abort",
    "error-base",
  ],
  ["async", "worker-threads"],
  ["error-summary"],
  ["error-remedies", "row-errors"],
  ["errors", "random"],
  ["known-names"],
  ["arguments"],
  ["protocol"],
  ["store"],
  ["events"],
  ["options", "telemetry", "silence"],
  ["option-names"],
  ["resolve-options"],
  ["table-time"],
  ["timed-request"],
  ["requests"],
  ["lease-client", "last-will", "heartbeat-thread"],
  ["candidate", "views", "operator"],
  ["leader"],
  ["session"],
  ["election"],
  ["partitions"],
  ["index", "testing"],
  ["lambda", "demo"],
  ["cli"],
];

/** The same for `lib`: a folder is a construct with its props and rules, and a file beside them is for several constructs. */
const CONSTRUCTS: string[][] = [
  ["invalid-prop", "acknowledge", "place"],
  ["durations", "alarms", "dead-letter-queue", "monitor-code", "prop-names"],
  ["lease-table", "leader-function"],
  ["scheduled-leader", "leader-changes"],
  ["election-monitor"],
  ["incumbent-stack"],
  ["index", "settings"],
  ["app"],
];

/** Texts that run in a process or a thread of their own, where they have clocks of their own. */
const PROGRAMS = [
  "src/child-guard.ts",
  "src/bare-sender.ts",
  "src/last-will/programs.ts",
  "src/heartbeat-thread/program.ts",
];

/** Where the AWS SDK is known: where requests are made, and where a client is made for those who bring none. */
const SDK = ["src/store/", "src/lambda/default-client", "src/cli/", "src/demo/", "lambda/"];

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? sources(path) : path.endsWith(".ts") ? [path] : [];
  });
}

const textOf = (path: string) => readFileSync(join(root, path), "utf8");

function importsOf(path: string): string[] {
  return [...textOf(path).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] as string);
}

/** Its imports of our own files, as paths from the root. */
function neighboursOf(path: string): string[] {
  return importsOf(path)
    .filter((target) => target.startsWith("."))
    .map((target) => relative(root, resolve(root, dirname(path), target)).replace(/\.js$/, ".ts"));
}

/** Of `src/…` or `lib/…`: the folder, or the file that stands beside the folders. */
const roomOf = (path: string) => (path.split("/")[1] as string).replace(/\.ts$/, "");
const storeyOf = (room: string) => STOREYS.findIndex((rooms) => rooms.includes(room));

const library = sources("src");
const constructs = sources("lib");
const everything = [...library, ...constructs, ...sources("lambda")];

test("every room has its storey, and every storey its rooms", () => {
  expect([...new Set(library.map(roomOf))].sort()).toEqual(STOREYS.flat().sort());
});

test("a room imports only what stands lower", () => {
  const up = library.flatMap((path) =>
    neighboursOf(path)
      .filter((target) => target.startsWith("src/") && roomOf(target) !== roomOf(path))
      .filter((target) => storeyOf(roomOf(target)) >= storeyOf(roomOf(path)))
      .map((target) => `${path} → ${target}`),
  );
  expect(up).toEqual([]);
});

test("a construct imports only what stands lower", () => {
  expect([...new Set(constructs.map(roomOf))].sort()).toEqual(CONSTRUCTS.flat().sort());
  const place = (path: string) => CONSTRUCTS.findIndex((rooms) => rooms.includes(roomOf(path)));
  const up = constructs.flatMap((path) =>
    neighboursOf(path)
      .filter((target) => target.startsWith("lib/") && roomOf(target) !== roomOf(path))
      .filter((target) => place(target) >= place(path))
      .map((target) => `${path} → ${target}`),
  );
  expect(up).toEqual([]);
});

test("in the store, DynamoDB and memory stand beside each other, and on the port", () => {
  const place = (path: string) => path.split("/")[2] as string;
  const across = library
    .filter((path) => path.startsWith("src/store/"))
    .flatMap((path) =>
      neighboursOf(path)
        .filter((target) => ["dynamodb", "memory"].includes(place(target)) && place(target) !== place(path))
        .map((target) => `${path} → ${target}`),
    );
  // What opens a user's table knows how.
  expect(across.filter((arrow) => !arrow.startsWith("src/store/open-store.ts →"))).toEqual([]);
});

test("no circles", () => {
  const open: string[] = [];
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string): void => {
    if (done.has(path)) return;
    const at = open.indexOf(path);
    if (at >= 0) {
      circles.push([...open.slice(at), path].join(" → "));
      return;
    }
    open.push(path);
    neighboursOf(path)
      .filter((target) => everything.includes(target))
      .forEach(visit);
    open.pop();
    done.add(path);
  };
  everything.forEach(visit);
  expect(circles).toEqual([]);
});

test("the library imports neither constructs, deployed functions nor tests", () => {
  const out = library.flatMap((path) => neighboursOf(path).filter((target) => !target.startsWith("src/")));
  expect(out).toEqual([]);
});

test("the protocol imports no package at all, and only some know the AWS SDK", () => {
  const packages = (path: string) => importsOf(path).filter((target) => !target.startsWith("."));
  const inProtocol = library.filter((path) => path.startsWith("src/protocol/")).flatMap(packages);
  expect(inProtocol).toEqual([]);
  const knowing = [...library, ...sources("lambda")]
    .filter((path) => packages(path).some((target) => target.startsWith("@aws-sdk/")))
    .filter((path) => !SDK.some((start) => path.startsWith(start)));
  expect(knowing).toEqual([]);
});

test("constructs import CDK, Node, each other, and of the library only names, limits and how values are described", () => {
  const packages = /^(aws-cdk-lib(\/|$)|constructs$|node:|\.)/;
  const own = /^(lib\/|src\/(store\/schema|limits|describe|nearest-path)\.ts$)/;
  const out = constructs.flatMap((path) => [
    ...importsOf(path).filter((target) => !packages.test(target)),
    ...neighboursOf(path).filter((target) => !own.test(target)),
  ]);
  expect(out).toEqual([]);
});

test("only the clock reads clocks and sets timers", () => {
  const reading = library
    .filter((path) => !/^src\/(cli|demo|testing)\//.test(path) && !PROGRAMS.includes(path))
    .filter((path) => /\b(setTimeout|setInterval|Date\.now|performance\.now)\b/.test(textOf(path)));
  // The memory table's own clock is the service's.
  expect(reading.sort()).toEqual(["src/clock.ts", "src/store/memory/memory-table.ts"]);
});

test("the protocol has no effects: no promises, no clocks, no randomness", () => {
  const impure = library
    .filter((path) => path.startsWith("src/protocol/"))
    .filter((path) => /\b(async|await|Promise|Math\.random|process\.)\b/.test(textOf(path)));
  expect(impure).toEqual([]);
});

test("the tree in CONTRIBUTING.md is the tree that is there, and test/ mirrors src/", () => {
  const folders = (folder: string, depth: number): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
      .flatMap(({ name }) => [
        `${folder}/${name}`,
        ...(depth > 1 ? folders(`${folder}/${name}`, depth - 1) : []),
      ]);
  const there = [...folders("src", 2), ...folders("lib", 1), ...folders("test", 1)];
  const tree = /```\n(src\/.*?)```/s.exec(textOf("CONTRIBUTING.md"))?.[1] as string;
  const told: string[] = [];
  const open: string[] = [];
  for (const line of tree.trimEnd().split("\n")) {
    const [, indent = "", name] = /^( *)([a-z-]+)\/ /.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a folder: ${line}`);
    open.length = indent.length / 2;
    open.push(name);
    if (open.length > 1) told.push(open.join("/"));
  }
  expect(told.sort()).toEqual(there.sort());
  const mirrored = folders("test", 1).map((path) => basename(path));
  expect(folders("src", 1).filter((path) => !mirrored.includes(basename(path)))).toEqual([]);
});
