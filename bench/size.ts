import { gzipSync } from "node:zlib";
import { type BuildOptions, build, type Metafile } from "esbuild";

/** `npm run size`: what the client adds to an application's bundle, and where it comes from. */

const ROOT = new URL("..", import.meta.url).pathname;

export interface BundleSize {
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Bytes by folder of `src` or by package, the largest first. */
  readonly parts: ReadonlyMap<string, number>;
  /** The modules that are not included: Node's own, and the SDK's client. */
  readonly imports: readonly string[];
}

/** Everything that `incumbent` exports in one minified file. Only the SDK's client stays outside, as in Lambda. */
export async function bundleSize(): Promise<BundleSize> {
  const { metafile, outputFiles } = await build({
    ...MINIFIED,
    stdin: { contents: 'export * from "./src/index.ts";', resolveDir: ROOT, loader: "ts" },
    absWorkingDir: ROOT,
    external: ["@aws-sdk/client-dynamodb"],
  });
  const [output] = Object.values(metafile.outputs);
  const [file] = outputFiles;
  if (output === undefined || file === undefined) throw new Error("esbuild wrote nothing");
  return {
    bytes: output.bytes,
    gzipBytes: gzipSync(file.contents).length,
    parts: bytesBy(metafile, partOf),
    imports: [...new Set(output.imports.map(({ path }) => path))].sort(),
  };
}

/** A bundle for Node as the construct makes it, minified and in memory. */
export const MINIFIED = {
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  outdir: ".",
  platform: "node",
  format: "esm",
  mainFields: ["module", "main"] as string[],
  logLevel: "silent",
} as const satisfies BuildOptions;

/** Bytes of a bundle by part, the largest first. `partOf` names the part to which a file belongs. */
export function bytesBy(
  { outputs }: Metafile,
  partOf: (path: string) => string,
): ReadonlyMap<string, number> {
  const parts = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      parts.set(partOf(path), (parts.get(partOf(path)) ?? 0) + bytesInOutput);
    }
  }
  return new Map([...parts].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a));
}

/** The package that a file is from; undefined for this repository's own. */
export function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

function partOf(path: string): string {
  const name = packageOf(path);
  if (name !== undefined) return name;
  const folder = path.split("/").slice(0, -1).join("/");
  return folder || "the entry";
}

async function main(): Promise<void> {
  const { bytes, gzipBytes, parts, imports } = await bundleSize();
  const kB = (size: number) => `${(size / 1000).toFixed(1).padStart(7)} kB`;
  for (const [part, size] of parts) console.log(`${kB(size)}  ${part}`);
  console.log(`${kB(bytes)}  together, minified; ${kB(gzipBytes).trim()} compressed with gzip`);
  console.log(`Not in it: ${imports.join(", ")}`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
