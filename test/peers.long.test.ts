import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localEnv } from "./support/fixture.js";

/** The packed package beside the lowest and the highest version of the SDK that its peer range allows. */

const SDK = "@aws-sdk/client-dynamodb";
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "incumbent-peers-"));
let tarball: string;
let lowest: string;
let highest: string;

const TIMEOUT_MS = 180_000;

const execute = promisify(execFile);
const run = (cwd: string, command: string, ...args: string[]) =>
  execute(command, args, { cwd, env: { ...localEnv(), NODE_NO_WARNINGS: "1" } });

/** It is TypeScript and JavaScript at once: it is compiled against the SDK's types, and it runs. */
const PROGRAM = `
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";
import { createLeaseTable } from "incumbent/testing";

const client = new DynamoDBClient({});
const tableName = process.argv[2] ?? "";
await createLeaseTable(client, tableName);
const election = new Election({ client, tableName, name: "billing/nightly" });
const leadership = await election.campaign();
const Item = { pk: { S: "total" }, sk: { S: "paid" }, paid: { N: "12" } };
await leadership.transact([{ Put: { TableName: tableName, Item } }]);
const Key = { pk: { S: "total" }, sk: { S: "paid" } };
const read = await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }));
await leadership.resign();
console.log(\`term \${leadership.term} paid \${read.Item?.paid?.N}\`);
`;

beforeAll(async () => {
  await run(root, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) as string);
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { stdout } = await run(root, "npm", "view", `${SDK}@${peerDependencies[SDK]}`, "version", "--json");
  const versions: string[] = JSON.parse(stdout);
  versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  lowest = versions.at(0) as string;
  highest = versions.at(-1) as string;
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.concurrent.each([
  ["lowest", () => lowest],
  ["highest", () => highest],
])(
  "the %s version of the SDK: no warning, one copy, it compiles, and it leads",
  {
    timeout: TIMEOUT_MS,
  },
  async (name, versionOf) => {
    const version = versionOf();
    const project = join(folder, name);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const installed = await run(
      project,
      "npm",
      "install",
      ...["--no-audit", "--no-fund", "--prefer-offline", tarball, `${SDK}@${version}`],
    );
    expect(installed.stderr).toBe("");
    expect(copiesIn(project)).toEqual([[`node_modules/${SDK}`, version]]);

    writeFileSync(join(project, "program.ts"), PROGRAM);
    cpSync(join(project, "program.ts"), join(project, "program.js"));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const typeRoots = join(root, "node_modules/@types");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
    await run(
      project,
      process.execPath,
      tsc,
      ...options,
      "--typeRoots",
      typeRoots,
      "--types",
      "node",
      "program.ts",
    );
    const { stdout } = await run(project, process.execPath, "program.js", `peers-${name}-${process.pid}`);
    expect(stdout).toBe("term 1 paid 12\n");
  },
);

/** Every copy of the SDK's client, and its version. */
function copiesIn(project: string): Array<[string, string]> {
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  return Object.entries<{ version: string }>(packages)
    .filter(([path]) => path.endsWith(`node_modules/${SDK}`))
    .map(([path, { version }]) => [path, version]);
}
