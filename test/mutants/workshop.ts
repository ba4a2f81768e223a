import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Mutant } from "./catalogue.js";
import type { Kill } from "./hunt.js";

const run = promisify(execFile);
const TYPESCRIPT = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);
const COPIED = ["src", "test/simulation", "test/exploration", "test/mutants/hunt.ts"];
/** A fault that makes a run go on for ever is found by that. */
const MAX_HUNT_MS = 240_000;

/** Where one mutant is made: a copy of the code inside the repository, so that packages are found. */
export class Workshop {
  readonly #folder: string;

  constructor(
    private readonly root: string,
    private readonly mutant: Mutant,
  ) {
    this.#folder = join(root, ".proof/mutants", mutant.name);
  }

  /** Undefined: the mutant survived. */
  async hunt(seeds: number): Promise<Kill | undefined> {
    await this.#build();
    const hunter = join(this.#folder, "built/test/mutants/hunt.js");
    const flags = ["--stack-trace-limit=0", "--max-semi-space-size=32"];
    const { stdout } = await run(process.execPath, [...flags, hunter, "--seeds", String(seeds)], {
      timeout: MAX_HUNT_MS,
    });
    return (JSON.parse(stdout) as Kill | null) ?? undefined;
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #build(): Promise<void> {
    this.clear();
    mkdirSync(this.#folder, { recursive: true });
    for (const part of COPIED) cpSync(join(this.root, part), join(this.#folder, part), { recursive: true });
    const { file, from, to } = this.mutant;
    const path = join(this.#folder, file);
    writeFileSync(path, mutate(readFileSync(path, "utf8"), this.mutant, from, to));
    const config = {
      extends: join(this.root, "tsconfig.proof.json"),
      compilerOptions: { rootDir: ".", outDir: "built" },
      include: ["src", "test"],
    };
    writeFileSync(join(this.#folder, "tsconfig.json"), JSON.stringify(config));
    // A fault need not please the type checker; what it emits is run all the same.
    await run(process.execPath, [TYPESCRIPT, "-p", this.#folder]).catch(() => {});
  }
}

function mutate(text: string, { name, file }: Mutant, from: string, to: string): string {
  const times = text.split(from).length - 1;
  if (times === 1) return text.replace(from, () => to);
  throw new Error(`mutant ${name}: its line stands ${times} times in ${file}; it must be found exactly once`);
}
