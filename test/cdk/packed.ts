import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildCdk } from "../../build/cdk.js";
import { root } from "./app.js";

/** Makes the package as it is published, in this folder: `npm test` has built all of it but `incumbent/cdk`. */
export async function makePackage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const part of ["dist", "package.json", "README.md", "LICENSE", "CHANGELOG.md"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  await buildCdk(join(folder, "dist/cdk"));
}
