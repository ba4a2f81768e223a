import { AwsSolutionsChecks, NIST80053R4Checks, NIST80053R5Checks } from "cdk-nag";
import { expect, test } from "vitest";
import { eachConstruct, PACKS, STACKS } from "./nag.js";

/** cdk-nag 3. Version 2 is in nag.long.test.ts. */

const CHECKS = { AwsSolutionsChecks, NIST80053R4Checks, NIST80053R5Checks };

test.each(STACKS)(
  "cdk-nag's AwsSolutions and NIST checks find nothing that is not explained: %s",
  (_, make) => {
    const stack = make();
    const findings = PACKS.flatMap((pack) => findingsOf(pack, stack));
    expect(findings).toEqual([]);
  },
);

test("that alarms notify nobody is found if there is no topic for them, and nothing else is", () => {
  const findings = PACKS.flatMap((pack) => findingsOf(pack, eachConstruct(false)));
  const rules = new Set(findings.map((finding) => finding.split(" ")[1]));
  expect([...rules]).toEqual([
    "NIST.800.53.R4-CloudWatchAlarmAction",
    "NIST.800.53.R5-CloudWatchAlarmAction",
  ]);
});

function findingsOf(pack: (typeof PACKS)[number], stack: ReturnType<typeof eachConstruct>): string[] {
  const { violations } = new CHECKS[pack]().validateScope(stack);
  return violations.flatMap(({ ruleName, description, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${constructPath}: ${ruleName} ${description}`),
  );
}
