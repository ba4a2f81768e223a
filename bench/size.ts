import { gzipSync } from "node:zlib";
import { build } from "esbuild";

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
    stdin: { contents: 'export * from "./src/index.ts";', resolveDir: ROOT, loader: "ts" },
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    outdir: ".",
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    external: ["@aws-sdk/client-dynamodb"],
    logLevel: "silent",
  });
  const [output] = Object.values(metafile.outputs);
  const [file] = outputFiles;
  if (output === undefined || file === undefined) throw new Error("esbuild wrote nothing");
  const parts = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    parts.set(partOf(path), (parts.get(partOf(path)) ?? 0) + bytesInOutput);
  }
  return {
    bytes: output.bytes,
    gzipBytes: gzipSync(file.contents).length,
    parts: new Map([...parts].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a)),
    imports: [...new Set(output.imports.map(({ path }) => path))].sort(),
  };
}

function partOf(path: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
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
