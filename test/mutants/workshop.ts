import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import type { Kind } from "../simulation/kinds.js";
import type { Mutant } from "./catalogue.js";
import type { Hint, Kill } from "./hunt.js";

const run = promisify(execFile);
/** Where `tsc -p tsconfig.proof.json` puts the sound code. */
const BUILT = ".proof";
const COPIED = [
  "src",
  "test/simulation",
  "test/exploration",
  "test/support/wills.js",
  "test/mutants/hunt.js",
];
/** As in tsconfig.json: imports stay as they are written, and fields are defined as the language says. */
const compilerOptions = { verbatimModuleSyntax: true, useDefineForClassFields: true };
/** A fault that makes a run go on for ever is found by that. Longer than any search takes beside other programs. */
const MAX_HUNT_MS = 900_000;

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
  async hunt(seeds: number, hint: Hint | undefined): Promise<Kill | undefined> {
    await this.#build();
    const hunter = join(this.#folder, "test/mutants/hunt.js");
    const flags = ["--stack-trace-limit=0", "--max-semi-space-size=32"];
    const options = ["--kind", kindOf(this.mutant), "--seeds", String(seeds)];
    if (hint !== undefined) options.push("--hint", JSON.stringify(hint));
    const { stdout } = await run(process.execPath, [...flags, hunter, ...options], { timeout: MAX_HUNT_MS });
    return (JSON.parse(stdout) as Kill | null) ?? undefined;
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Copies the build of the sound code, and builds the one file with the fault anew: a build of all takes 2 s a mutant. */
  async #build(): Promise<void> {
    this.clear();
    mkdirSync(this.#folder, { recursive: true });
    for (const part of COPIED) {
      cpSync(join(this.root, BUILT, part), join(this.#folder, part), { recursive: true });
    }
    const { file, from, to } = this.mutant;
    const faulty = mutate(readFileSync(join(this.root, file), "utf8"), this.mutant, from, to);
    // A fault need not please the type checker; what it emits is run all the same.
    const { code } = await transform(faulty, {
      loader: "ts",
      target: "es2023",
      tsconfigRaw: { compilerOptions },
    });
    writeFileSync(join(this.#folder, file.replace(/\.ts$/, ".js")), code);
  }
}

/** The simulation in which a fault can show. */
function kindOf({ file, name }: Mutant): Kind {
  if (file.startsWith("src/partitions/")) return "partitions";
  return name.startsWith("session-") ? "sessions" : "elections";
}

function mutate(text: string, { name, file }: Mutant, from: string, to: string): string {
  const times = text.split(from).length - 1;
  if (times === 1) return text.replace(from, () => to);
  throw new Error(`mutant ${name}: its line stands ${times} times in ${file}; it must be found exactly once`);
}
