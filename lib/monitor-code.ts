import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { refuse } from "./invalid-prop.js";

/**
 * The code of the monitor's function. The package has the bundle. The repository has the source, which CDK bundles. This file
 * is beside `index.ts`, because the package is built from it, and finds the bundle from there.
 */
export function monitorCode(scope: Construct): { readonly code: Code } | { readonly entry: string } {
  const bundled = fileURLToPath(new URL("../lambda/monitor/", import.meta.url));
  if (existsSync(`${bundled}index.mjs`)) return { code: Code.fromAsset(bundled) };
  const entry = fileURLToPath(new URL("../lambda/monitor.ts", import.meta.url));
  if (existsSync(entry)) return { entry };
  return refuse(
    scope,
    "lambda/monitor",
    "is missing: the package was not built whole",
    undefined,
    "npm run build",
  );
}
