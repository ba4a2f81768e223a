import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { build } from "esbuild";
import { bytesBy, MINIFIED, packageOf } from "../../bench/size.js";

/** What is in the asset, and what it costs to load. */

/** How an import is timed: a median of so many fresh processes. */
const IMPORTS = 7;

/** Bytes of the asset by package, largest first: bundled once more as the construct does it, with an account. */
export async function contentsOf(entry: string): Promise<ReadonlyMap<string, number>> {
  const external = ["@aws-sdk/client-*", "@aws-sdk/lib-*"];
  const { metafile } = await build({ ...MINIFIED, entryPoints: [entry], external });
  return bytesBy(metafile, partOf);
}

function partOf(path: string): string {
  return packageOf(path) ?? (/(^|\/)(src|dist)\//.test(path) ? "incumbent" : "the job");
}

/** Milliseconds of an import in a fresh process, as the asset's own folder resolves it. */
export function importMs(specifier: string, taskRoot: string): number {
  const program = `const from = performance.now(); await import(${JSON.stringify(specifier)}); console.log(performance.now() - from);`;
  const times: number[] = [];
  for (let i = 0; i < IMPORTS; i++) {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: taskRoot,
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: "1" },
      encoding: "utf8",
    });
    if (!Number.isFinite(Number.parseFloat(stdout))) throw new Error(`${dirname(taskRoot)}: ${stderr}`);
    times.push(Number.parseFloat(stdout));
  }
  return median(times);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
