import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { build } from "esbuild";

/** What is in the asset, and what it costs to load. */

/** How an import is timed: a median of so many fresh processes. */
const IMPORTS = 7;

/** Bytes of the asset by package, largest first: bundled once more as the construct does it, with an account. */
export async function contentsOf(entry: string): Promise<ReadonlyMap<string, number>> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    metafile: true,
    write: false,
    outdir: ".",
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    minify: true,
    external: ["@aws-sdk/client-*", "@aws-sdk/lib-*"],
    logLevel: "silent",
  });
  const bytes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOf(path);
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return new Map([...bytes].filter(([, size]) => size > 0).sort(([, a], [, b]) => b - a));
}

function packageOf(path: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  if (name) return name;
  return /(^|\/)(src|dist)\//.test(path) ? "incumbent" : "the job";
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
