import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, run } from "./command.js";
import { StepFailure } from "./steps.js";

const CANDIDATES = ["python3.11", "python3"];
const LEAST = [3, 11] as const;
/** There once all is installed: an environment without it was broken off. */
const STAMP = "complete";

/**
 * A virtual environment with just what `requirements.txt` pins, made in `folder` once per content of that file.
 * Needs Python and PyPI the first time, neither's name after. Rejects with `StepFailure`.
 */
export async function virtualEnvironment(
  folder: string,
  requirements: string,
  options: CommandOptions,
): Promise<{ python: string; found: string }> {
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const environment = join(folder, `python-${hash}`);
  const python = join(environment, "bin", "python");
  if (existsSync(join(environment, STAMP))) return { python, found: "there already" };
  const system = await findPython(options);
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await run(system, ["-m", "venv", environment], options);
  // Wheels only: nothing that comes from there is executed to install it.
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
  await run(python, [...pip, "--requirement", requirements], options);
  writeFileSync(join(environment, STAMP), "");
  return { python, found: "made" };
}

async function findPython(options: CommandOptions): Promise<string> {
  const ask = "import sys; print(*sys.version_info[:2])";
  for (const name of CANDIDATES) {
    try {
      const { output } = await run(name, ["-c", ask], options);
      const [major = 0, minor = 0] = output.trim().split(" ").map(Number);
      if (major === LEAST[0] && minor >= LEAST[1]) return name;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof StepFailure) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new StepFailure(
    `The emulated AWS needs Python ${LEAST.join(".")} or newer with venv as ${CANDIDATES.join(" or ")}: ` +
      "install it (apt install python3 python3-venv).",
  );
}
