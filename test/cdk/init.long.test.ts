import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { folder, root, run } from "./app.js";
import { makePackage } from "./packed.js";

/** The app that `cdk init` makes, with the packed package: its own Jest, its own `cdk synth`, and an old TypeScript. */

const app = join(folder, "own");
/** Of its own, so that the app's `tsc` stays the one that `cdk init` chose. */
const oldCompiler = join(folder, "old-compiler");
const MINUTES = 60_000;
const env = { ...process.env, CDK_VALIDATION: "false", CI: "1", NODE_NO_WARNINGS: "1" };

/** An error shows what the command printed. */
async function inFolder(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    return (await run(command, args, { cwd, env })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  }
}

const inApp = (command: string, ...args: string[]) => inFolder(app, command, ...args);

/** What npm has in its cache can be too old to fit together. */
async function install(cwd: string, ...packages: string[]): Promise<void> {
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages];
  await inFolder(cwd, "npm", ...args, "--prefer-offline").catch(() =>
    inFolder(cwd, "npm", ...args, "--prefer-online"),
  );
}

const docs = readFileSync(join(root, "docs/deploy.md"), "utf8");
/** The code of docs/deploy.md, to the letter: the job, the stack, and the file in `bin/`. */
const [HANDLER = "", STACK = "", BIN = ""] = [...docs.matchAll(/^```ts\n(.*?)^```/gms)].map(
  ([, code = ""]) => code,
);

const TEST = `
import * as cdk from 'aws-cdk-lib/core';
import { Template } from 'aws-cdk-lib/assertions';
import { InvalidPropError, LeaseTable } from 'incumbent/cdk';
import { NightlyStack } from '../lib/nightly-stack';

test('the tables, the job and the monitor', () => {
  const app = new cdk.App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const template = Template.fromStack(new NightlyStack(app, 'MyTestStack'));
  template.resourceCountIs('AWS::DynamoDB::GlobalTable', 2);
  template.resourceCountIs('AWS::Lambda::Function', 2);
});

test('what cannot work is refused', () => {
  const table = new LeaseTable(new cdk.Stack(), 'Leases');
  expect(() => table.grantCandidate(undefined as never)).toThrow(InvalidPropError);
});
`;

beforeAll(async () => {
  mkdirSync(app);
  const cli = join(root, "node_modules/aws-cdk/bin/cdk");
  await inApp(process.execPath, cli, "init", "app", "--language", "typescript", "--generate-only");
  await makePackage(join(folder, "package"));
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    cwd: join(folder, "package"),
  });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  await install(app, join(folder, tarball));
  mkdirSync(oldCompiler);
  writeFileSync(join(oldCompiler, "package.json"), "{}");
  await install(oldCompiler, "typescript@~5.4.5");
  writeFileSync(join(app, "lib/nightly-stack.ts"), STACK);
  writeFileSync(join(app, "bin/own.ts"), BIN);
  writeFileSync(join(app, "test/own.test.ts"), TEST);
  mkdirSync(join(app, "src"));
  writeFileSync(join(app, "src/nightly.ts"), HANDLER);
}, 15 * MINUTES);

test("its own Jest runs", { timeout: 5 * MINUTES }, async () => {
  await inApp("npm", "test");
});

test("its own cdk synth makes the stack, with two functions", { timeout: 5 * MINUTES }, async () => {
  await inApp("npx", "--no-install", "cdk", "synth", "--quiet", "--no-notices", "--no-version-reporting");
  const output = join(app, "cdk.out");
  const template = JSON.parse(readFileSync(join(output, "Nightly.template.json"), "utf8"));
  const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === "AWS::Lambda::Function")).toHaveLength(2);
  expect(readdirSync(output).filter((name) => name.startsWith("asset."))).toHaveLength(2);
});

test("the app in the package makes its stack from the cdk.json and the job of docs/deploy.md", {
  timeout: 5 * MINUTES,
}, async () => {
  const [, config = ""] = /^```json\n({\n {2}"app".*?)^```/ms.exec(docs) ?? [];
  const [command = ""] = /^npx cdk synth --quiet/m.exec(docs) ?? [];
  // What the page has installed there.
  const packaged = join(folder, "packaged");
  mkdirSync(join(packaged, "src"), { recursive: true });
  symlinkSync(join(app, "node_modules"), join(packaged, "node_modules"));
  copyFileSync(join(app, "package-lock.json"), join(packaged, "package-lock.json"));
  writeFileSync(join(packaged, "cdk.json"), config);
  writeFileSync(join(packaged, "src/nightly.ts"), HANDLER);
  await inFolder(packaged, "sh", "-c", `${command} --no-notices --no-version-reporting`);
  const output = join(packaged, "cdk.out");
  const template = JSON.parse(readFileSync(join(output, "incumbent.template.json"), "utf8"));
  const resources = Object.values<{ Type: string; Properties: Record<string, unknown> }>(template.Resources);
  const schedules = resources.filter(({ Type }) => Type === "AWS::Scheduler::Schedule");
  expect(schedules.map(({ Properties }) => Properties.ScheduleExpression)).toContain("rate(5 minutes)");
  expect(readdirSync(output).filter((name) => name.startsWith("asset."))).toHaveLength(2);
});

test("TypeScript 5.4 with module commonjs compiles it, and Node runs that", {
  timeout: 10 * MINUTES,
}, async () => {
  const compilerOptions = {
    target: "ES2022",
    module: "commonjs",
    strict: true,
    skipLibCheck: true,
    types: ["node"],
    outDir: "old",
  };
  const config = { compilerOptions, include: ["bin", "lib", "src"] };
  writeFileSync(join(app, "tsconfig.old.json"), JSON.stringify(config));
  const tsc = join(oldCompiler, "node_modules/typescript/lib/tsc.js");
  expect(await inApp(process.execPath, tsc, "--version")).toContain("5.4");
  await inApp(process.execPath, tsc, "-p", "tsconfig.old.json");
  await inApp(process.execPath, "old/bin/own.js");
});
