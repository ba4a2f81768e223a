import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { MINIFIED } from "../../bench/size.js";

/** A program of this directory as one minified file, as applications are deployed. It starts faster than with tsx, too. */
export class Bundled implements Disposable {
  private constructor(
    private readonly folder: string,
    readonly file: string,
  ) {}

  static async from(program: string, format: "esm" | "cjs"): Promise<Bundled> {
    const folder = mkdtempSync(join(tmpdir(), "incumbent-bundled-"));
    const outfile = join(folder, `program.${format === "esm" ? "mjs" : "cjs"}`);
    const { outdir: _, ...options } = MINIFIED;
    const entryPoints = [fileURLToPath(new URL(program, import.meta.url))];
    await build({ ...options, write: true, metafile: false, format, outfile, entryPoints });
    return new Bundled(folder, outfile);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
