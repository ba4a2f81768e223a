import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Longest first. One of these that began last would run alone, while the other worker has nothing to do. */
const DEAREST = [
  "test/demo/demo.test.ts",
  "test/cli/cli.test.ts",
  "test/testing/dynamodb-local.test.ts",
  "test/cli/run.test.ts",
  "test/readme.test.ts",
  "test/mistakes/mistakes.test.ts",
  "test/simulation.test.ts",
  "test/candidate/processes.test.ts",
  "test/monitor/monitor.test.ts",
  "test/cdk/synth.test.ts",
  "test/child-guard.test.ts",
  "test/package.test.ts",
  "test/lambda/table.test.ts",
  "test/cli/operate.test.ts",
  "test/cli/secrets.test.ts",
  "test/store/expressions.test.ts",
  // Of `npm run test:long`.
  "test/demo/succession-processes.long.test.ts",
  "test/demo/succession.long.test.ts",
  "test/demo/demo.long.test.ts",
  "test/readme-walk.long.test.ts",
  "test/exploration.long.test.ts",
  "test/cdk/init.long.test.ts",
  "test/aws/run.long.test.ts",
];

/** Vitest itself knows which files take long only from an earlier run: not on a fresh clone. */
export class DearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = DEAREST.indexOf(relative(this.ctx.config.root, moduleId));
      return found < 0 ? DEAREST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
