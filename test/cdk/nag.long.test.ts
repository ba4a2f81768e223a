import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { CfnResource, Stack } from "aws-cdk-lib";
import { beforeAll, expect, test } from "vitest";
import { folder, root, run } from "./app.js";
import { eachConstruct, PACKS, resourcesOf, STACKS } from "./nag.js";

/** cdk-nag 2, which most apps still have. It looks at constructs of the same copy of CDK. */

interface Finding {
  readonly ruleId: string;
  readonly findingId: string;
  readonly resource: CfnResource;
}
type Checks = new (options: object) => { visit(resource: CfnResource): void };
let checks: Record<(typeof PACKS)[number], Checks>;

beforeAll(async () => {
  const own = join(folder, "nag");
  mkdirSync(own);
  writeFileSync(join(own, "package.json"), "{}");
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--prefer-offline"];
  await run("npm", ["install", ...options, "cdk-nag@2"], { cwd: own });
  for (const name of ["aws-cdk-lib", "constructs"]) {
    symlinkSync(join(root, "node_modules", name), join(own, "node_modules", name));
  }
  checks = createRequire(join(own, "package.json"))("cdk-nag");
});

test.each(STACKS)("cdk-nag 2 finds nothing that is not explained: %s", (_, make) => {
  expect(PACKS.flatMap((pack) => findingsOf(pack, make()))).toEqual([]);
});

test("cdk-nag 2 too finds that alarms notify nobody if there is no topic for them", () => {
  const findings = PACKS.flatMap((pack) => findingsOf(pack, eachConstruct(false)));
  const rules = new Set(findings.map((finding) => finding.split(" ")[1]));
  expect([...rules]).toEqual([
    "NIST.800.53.R4-CloudWatchAlarmAction",
    "NIST.800.53.R5-CloudWatchAlarmAction",
  ]);
});

function findingsOf(pack: (typeof PACKS)[number], stack: Stack): string[] {
  const findings: string[] = [];
  const note = ({ ruleId, findingId, resource }: Finding) =>
    findings.push(`${resource.node.path}: ${ruleId} ${findingId}`);
  const ignore = () => {};
  const logger = {
    onNonCompliance: note,
    onError: note,
    onCompliance: ignore,
    onSuppressed: ignore,
    onSuppressedError: ignore,
    onNotApplicable: ignore,
  };
  const visitor = new checks[pack]({ reports: false, additionalLoggers: [logger] });
  for (const resource of resourcesOf(stack)) visitor.visit(resource);
  return findings;
}
