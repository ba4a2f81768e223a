import { execFile } from "node:child_process";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildOptions, build } from "esbuild";

/**
 * Builds `incumbent/cdk`. CDK is CommonJS, and so are the apps that `cdk init` makes, so the constructs are one CommonJS
 * file. An ES module imports the same file. So a program never has two copies of a class, and `instanceof` is right.
 */

const root = fileURLToPath(new URL("../", import.meta.url));

const COMMON: BuildOptions = { absWorkingDir: root, bundle: true, platform: "node", logLevel: "warning" };

/** @param outdir such as `dist/cdk` */
export async function buildCdk(outdir: string): Promise<void> {
  await Promise.all([buildConstructs(outdir), buildTypes(outdir), buildMonitor(outdir)]);
}

async function buildConstructs(outdir: string): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: ["lib/index.ts", "lib/app.ts"],
    outdir: join(outdir, "lib"),
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    target: "node20",
    packages: "external",
    sourcemap: true,
    define: { "import.meta.url": "incumbentUrl" },
    banner: { js: 'const incumbentUrl=require("node:url").pathToFileURL(__filename).href;' },
  });
}

/** TypeScript writes `.d.ts`, which is an ES module here. The declarations of a `.cjs` file are `.d.cts`. */
async function buildTypes(outdir: string): Promise<void> {
  const tsc = join(createRequire(import.meta.url).resolve("typescript/package.json"), "../bin/tsc");
  const args = [tsc, "-p", join(root, "tsconfig.cdk.json"), "--outDir", resolve(root, outdir)];
  await promisify(execFile)(process.execPath, args);
  const files = await readdir(resolve(root, outdir), { recursive: true });
  await Promise.all(
    files
      .filter((file) => file.endsWith(".d.ts"))
      .map(async (file) => {
        const path = resolve(root, outdir, file);
        const text = await readFile(path, "utf8");
        await writeFile(path, text.replace(/((?:from |import\()"\.[^"]*)\.js"/g, '$1.cjs"'));
        await rename(path, path.replace(/\.d\.ts$/, ".d.cts"));
      }),
  );
}

/** AWS Lambda brings the SDK's clients. */
async function buildMonitor(outdir: string): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: ["lambda/monitor.ts"],
    outfile: join(outdir, "lambda/monitor/index.mjs"),
    format: "esm",
    target: "node22",
    minify: true,
    mainFields: ["module", "main"],
    external: ["@aws-sdk/client-*", "@aws-sdk/lib-*"],
    banner: {
      js: "import{createRequire as incumbentRequire}from'node:module';const require=incumbentRequire(import.meta.url);",
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCdk("dist/cdk");
