import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { app, folder, offline, root, run } from "./app.js";

/** The app of cdk.json by the real CLI, with its functions bundled. */

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
  // The map of the job's bundle names its source. The monitor's bundle has none, as in the package.
  const maps = assets
    .map((asset) => join(output, asset, "index.mjs.map"))
    .filter((map) => existsSync(map))
    .map((map) => JSON.parse(readFileSync(map, "utf8")));
  expect(maps).toEqual([
    expect.objectContaining({
      sources: expect.arrayContaining([expect.stringMatching(/scheduled-job\.ts$/)]),
    }),
  ]);
  for (const asset of assets) {
    const file = pathToFileURL(join(output, asset, "index.mjs"));
    const code = `import { handler } from ${JSON.stringify(file)}; process.stdout.write(typeof handler);`;
    const env = { ...offline, AWS_REGION: "eu-west-1", INCUMBENT_TABLE: "incumbent" };
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], { env });
    expect(stdout).toBe("function");
  }
});

test("the CLI has the commands and options that docs/deploy.md names for a table that exists already", async () => {
  const cli = join(root, "node_modules/aws-cdk/bin/cdk");
  const help = (...args: string[]) => run(process.execPath, [cli, ...args, "--help"], { env: offline });
  expect(readFileSync(join(root, "docs/deploy.md"), "utf8")).toContain(
    "npx cdk deploy --import-existing-resources",
  );
  expect((await help("deploy")).stdout).toContain("--import-existing-resources");
  expect((await help("drift")).stdout).toContain("drift");
});

test.each([
  [
    { regions: "eu-west-1,us-east-1,ap-northeast-1" },
    "incumbent-eu-west-1/Table: regions: must be of one Region set (eu-west-1, eu-west-2, eu-west-3, eu-central-1), " +
      "without us-east-1, ap-northeast-1; received an array of 3. " +
      'Suggestion: ["eu-west-1","eu-west-2","eu-west-3"].\n',
  ],
  [
    { job: "nowhere.ts" },
    "incumbent/Job/Job: entry: must be a file that exports `handler`, and there is no file at this path from the folder where cdk runs; received a string of 10 characters. Suggestion: src/nightly.ts.\n",
  ],
])("context that cannot be is told in one line: %j", async (context, line) => {
  await expect(app(context, "none")).rejects.toMatchObject({ code: 1, stderr: line });
});
