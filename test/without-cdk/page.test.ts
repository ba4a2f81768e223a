import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";

/** docs/without-cdk.md. */

const page = readFileSync("docs/without-cdk.md", "utf8");
const folder = mkdtempSync(join(tmpdir(), "incumbent-without-cdk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it links each file of docs/without-cdk/, and no other", () => {
  const linked = [...page.matchAll(/\]\(without-cdk\/([^)]+)\)/g)].map(([, name]) => name);
  expect([...new Set(linked)].sort()).toEqual(readdirSync("docs/without-cdk").sort());
});

test("its table has each variable that leaderHandler reads", () => {
  const read = readdirSync("src/lambda").flatMap((name) => [
    ...readFileSync(join("src/lambda", name), "utf8").matchAll(/env\.(INCUMBENT_\w+)/g),
  ]);
  const told = [...page.matchAll(/^\| `(INCUMBENT_\w+)` \|/gm)].map(([, name]) => name);
  expect(told.sort()).toEqual([...new Set(read.map(([, name]) => name))].sort());
});

test("its bundle loads, and has no client of the AWS SDK in it", () => {
  const command = /^npx (esbuild .*?)\nzip/ms.exec(page)?.[1] as string;
  const file = join(folder, "index.mjs");
  const here = command.replace("src/nightly.ts", "examples/scheduled-job.ts").replace("job/index.mjs", file);
  execFileSync("sh", ["-c", `${here} --log-level=error`], {
    env: { ...process.env, PATH: `${resolve("node_modules/.bin")}:${process.env.PATH}` },
  });
  expect(readFileSync(file, "utf8")).toMatch(/from"@aws-sdk\/client-dynamodb"/);
  // The SDK, which Lambda brings.
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  const code = `import { handler } from ${JSON.stringify(pathToFileURL(file))}; process.stdout.write(typeof handler);`;
  const env = {
    ...process.env,
    AWS_REGION: "eu-west-1",
    INCUMBENT_TABLE: "incumbent",
    INCUMBENT_ELECTION: "e",
  };
  expect(
    execFileSync(process.execPath, ["--input-type=module", "--eval", code], { env, encoding: "utf8" }),
  ).toBe("function");
});
