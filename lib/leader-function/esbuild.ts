import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import type { IConstruct } from "constructs";
import { Kind } from "../../src/describe.js";
import { InvalidPropError } from "../invalid-prop.js";

/**
 * Without esbuild CDK bundles in Docker, and its error names only Docker.
 * @returns the error of a function that could not be bundled, in words that say what to install
 */
export function bundlingError(scope: IConstruct, error: unknown): unknown {
  if (hasEsbuild()) return error;
  const rule = "needs esbuild, which is not installed; CDK bundled in Docker instead, and that failed";
  const suggestion = "npm install --save-dev esbuild";
  return new InvalidPropError(scope.node.path, "entry", rule, new Kind("no esbuild"), suggestion);
}

/** CDK looks for it in the same two places: beside itself, and in the PATH. */
function hasEsbuild(): boolean {
  try {
    const cdk = createRequire(createRequire(import.meta.url).resolve("aws-cdk-lib/package.json"));
    cdk.resolve("esbuild/package.json");
    return true;
  } catch {
    return spawnSync("esbuild", ["--version"]).status === 0;
  }
}
