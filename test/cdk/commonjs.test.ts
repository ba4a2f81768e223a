import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { folder, offline, root, run } from "./app.js";
import { makePackage } from "./packed.js";

/** `incumbent/cdk` where CDK apps are: CommonJS. What `cdk init` makes of it is in init.long.test.ts. */

beforeAll(async () => {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@types"), { recursive: true });
  await makePackage(join(modules, "incumbent"));
  for (const name of ["aws-cdk-lib", "@aws-cdk", "constructs", "@types/node", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
});

const APP = `
const { App, Stack, Duration } = require("aws-cdk-lib");
const { Template } = require("aws-cdk-lib/assertions");
const required = require("incumbent/cdk");

async function main() {
  const imported = await import("incumbent/cdk");
  const names = Object.keys(required);
  const stack = new Stack(new App());
  // A table of the one and a monitor of the other.
  const table = new required.LeaseTable(stack, "Leases");
  new imported.ElectionMonitor(stack, "Monitor", { table, elections: [] });
  let refusal;
  try {
    new imported.ElectionMonitor(stack, "Bad", { table, elections: [], interval: Duration.hours(2) });
  } catch (error) {
    refusal = error;
  }
  console.log(JSON.stringify({
    names,
    same: names.filter((name) => imported[name] === required[name]),
    functions: Object.keys(Template.fromStack(stack).findResources("AWS::Lambda::Function")).length,
    refused: refusal instanceof required.InvalidPropError,
  }));
}
void main();
`;

test("CommonJS requires it, an ES module imports it, and both have the same classes", async () => {
  writeFileSync(join(folder, "app.cjs"), APP);
  // As Jest and Node before 20.19: an ES module cannot be required.
  const flags = process.allowedNodeEnvironmentFlags.has("--no-experimental-require-module")
    ? ["--no-experimental-require-module"]
    : [];
  const env = { ...offline, CDK_OUTDIR: join(folder, "commonjs"), CDK_VALIDATION: "false" };
  const { stdout } = await run(process.execPath, [...flags, "app.cjs"], { cwd: folder, env });
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ functions: 1, refused: true });
  expect(told.names).toContain("LeaseTable");
  expect(told.same).toEqual(told.names);
});

test("its types resolve from CommonJS and from an ES module", async () => {
  const text = `
    import { App, Stack } from "aws-cdk-lib";
    import { LeaseTable, InvalidPropError } from "incumbent/cdk";
    export const table: LeaseTable = new LeaseTable(new Stack(new App(), "S"), "Leases");
    // @ts-expect-error: the types are there, so a wrong prop is seen
    new LeaseTable(new Stack(new App(), "T"), "Leases", { tabelName: "leases" });
    export const prop: string = new InvalidPropError(undefined, "a", "b", 1, "c").prop;
  `;
  for (const name of ["types.cts", "types.mts"]) writeFileSync(join(folder, name), text);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--module",
    "node16",
    "--types",
    "node",
  ];
  await run(process.execPath, [tsc, ...options, "types.cts", "types.mts"], { cwd: folder }).catch((error) => {
    throw new Error(error.stdout);
  });
});

const WITHOUT_ESBUILD = `
const { App, Duration, Stack } = require("aws-cdk-lib");
const { ScheduleExpression } = require("aws-cdk-lib/aws-scheduler");
const { LeaseTable, ScheduledLeader } = require("incumbent/cdk");

const stack = new Stack(new App(), "Own");
const table = new LeaseTable(stack, "Leases");
const schedule = ScheduleExpression.rate(Duration.hours(1));
try {
  new ScheduledLeader(stack, "Nightly", { table, election: "reports/daily", schedule, entry: "nightly.js" });
} catch (error) {
  console.log(String(error));
}
`;

test("without esbuild and Docker, the error names esbuild and how to install it", async () => {
  writeFileSync(join(folder, "nightly.js"), "exports.handler = async () => {};");
  writeFileSync(join(folder, "package-lock.json"), "{}");
  writeFileSync(join(folder, "without.cjs"), WITHOUT_ESBUILD);
  // CDK then looks for esbuild beside the links, not beside the packages that they point to.
  const flags = ["--preserve-symlinks", "--preserve-symlinks-main"];
  const env = { ...offline, PATH: folder, CDK_OUTDIR: join(folder, "without"), CDK_VALIDATION: "false" };
  const { stdout } = await run(process.execPath, [...flags, "without.cjs"], { cwd: folder, env });
  expect(stdout).toBe(
    "InvalidPropError: Own/Nightly/Job: entry: needs esbuild, which is not installed; CDK bundled in Docker instead, " +
      "and that failed; received no esbuild. Suggestion: npm install --save-dev esbuild.\n",
  );
});
