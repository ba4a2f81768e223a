import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

/** The app of cdk.json, by the real CLI: without a network and without an account. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "incumbent-synth-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const offline = {
  PATH: process.env.PATH,
  HOME: folder,
  AWS_EC2_METADATA_DISABLED: "true",
  CI: "1",
  NODE_NO_WARNINGS: "1",
};

test("cdk synth makes the stack, with two functions that load", async () => {
  const output = join(folder, "one");
  const cli = join(root, "node_modules/aws-cdk/bin/cdk");
  const args = [cli, "synth", "--quiet", "--no-notices", "--no-version-reporting", "--output", output];
  await run(process.execPath, args, { cwd: root, env: offline });

  const template = JSON.parse(readFileSync(join(output, "incumbent.template.json"), "utf8"));
  const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === "AWS::Lambda::Function")).toHaveLength(2);
  expect(types.filter((type) => type === "AWS::Scheduler::Schedule")).toHaveLength(2);

  // The AWS SDK, which Lambda brings.
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const assets = readdirSync(output).filter((name) => name.startsWith("asset."));
  expect(assets).toHaveLength(2);
  for (const asset of assets) {
    const file = pathToFileURL(join(output, asset, "index.mjs"));
    const code = `import { handler } from ${JSON.stringify(file)}; process.stdout.write(typeof handler);`;
    const env = { ...offline, AWS_REGION: "eu-west-1", INCUMBENT_TABLE: "incumbent" };
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], { env });
    expect(stdout).toBe("function");
  }
});

function app(context: Record<string, unknown>, output: string) {
  const env = {
    ...offline,
    CDK_OUTDIR: join(folder, output),
    CDK_CONTEXT_JSON: JSON.stringify({ "aws:cdk:bundling-stacks": [], ...context }),
  };
  return run(process.execPath, ["--import", "tsx", "lib/app.ts"], { cwd: root, env });
}

test("three Regions make three stacks, of which the first comes first", async () => {
  await app({ regions: "eu-west-1,eu-west-2,eu-central-1", job: "examples/scheduled-job.ts" }, "three");
  const { artifacts } = JSON.parse(readFileSync(join(folder, "three", "manifest.json"), "utf8"));
  const first = "incumbent-eu-west-1";
  for (const stack of ["incumbent-eu-west-2", "incumbent-eu-central-1"]) {
    expect(artifacts[stack].dependencies).toContain(first);
    expect(artifacts[stack].properties.stackName).toBe("incumbent");
  }
  expect(artifacts[first].dependencies).not.toContain("incumbent-eu-west-2");
});

test.each([
  [
    { regions: "eu-west-1,us-east-1,ap-northeast-1" },
    "incumbent-eu-west-1/Table: regions: must be of one Region set (eu-west-1, eu-west-2, eu-west-3, eu-central-1), " +
      "without us-east-1, ap-northeast-1; received an array of 3. " +
      'Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].\n',
  ],
  [
    { monitor: "perhaps" },
    'context "monitor": must be true or false; received a string of 7 characters. Suggestion: true.\n',
  ],
  [
    { job: "nowhere.ts" },
    "incumbent/Job/Job: entry: must be a file that exports `handler`; received a string of 10 characters. Suggestion: src/nightly.ts.\n",
  ],
])("context that cannot be is told in one line: %j", async (context, line) => {
  await expect(app(context, "none")).rejects.toMatchObject({ code: 1, stderr: line });
});
