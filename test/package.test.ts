import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleSize } from "../bench/size.js";

/** The packed package in an empty project, as its users get it. */
let project: string;
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: project,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "incumbent-project-"));
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project]);
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  const tarball = readdirSync(project).find((file) => file.endsWith(".tgz")) as string;
  run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`);
}, 180_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test("an empty project can install it, import it, and elect in memory", () => {
  writeFileSync(join(project, "main.js"), readFileSync("examples/unit-test.ts"));
  expect(run("node", "main.js")).toBe("a suspended leader knows that it leads no longer\n");
});

test("its command answers", () => {
  expect(run("npx", "--no-install", "incumbent", "--help")).toContain("incumbent");
});

test("CommonJS can require it, as docs/running.md says", () => {
  const code =
    'console.log(typeof require("incumbent").Election, typeof require("incumbent/lambda").leaderHandler)';
  expect(run("node", "--no-warnings", "-e", code)).toBe("function function\n");
});

test("it brings no test, no jar and no source map to a missing source", () => {
  const files = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    encoding: "utf8",
  });
  const paths =
    (JSON.parse(files) as Array<{ files: Array<{ path: string }> }>)[0]?.files.map(({ path }) => path) ?? [];
  expect(paths).toContain("dist/index.d.ts");
  expect(paths).toContain("docs/monitor.template.json");
  const ours =
    /^(dist\/.+|docs\/(without-cdk\/)?[\w.-]+|examples\/[\w-]+\.ts|package\.json|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE)$/;
  const linked = ["src/protocol/README.md", "test/cdk/policies.txt"];
  expect(paths.filter((path) => !ours.test(path) && !linked.includes(path))).toEqual([]);
});

test("the client's bundle holds no third package, and does not grow unnoticed", async () => {
  const { bytes, parts, imports } = await bundleSize();
  expect([...parts.keys()].filter((part) => !part.startsWith("src"))).toEqual(["@opentelemetry/api"]);
  const ofNode = ["node:child_process", "node:os", "node:util", "node:worker_threads"];
  expect(imports).toEqual(["@aws-sdk/client-dynamodb", ...ofNode]);
  expect(bytes).toBeLessThan(MAX_BUNDLE_BYTES);
});

/** Raise it knowingly: `npm run size` says which folder grew. */
const MAX_BUNDLE_BYTES = 231_000;
