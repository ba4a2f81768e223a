import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { RawFile } from "./part.js";
import { markdown, type Report } from "./report.js";

const HIDDEN = "<hidden>";

/** Where a run writes. What names an account or a person is replaced in every file. */
export class ReportFolder {
  readonly #texts = new Map<RawFile, string>();
  #hidden: readonly string[] = [homedir()].filter((path) => path.length > 1);

  constructor(private readonly path: string) {}

  /** An account's id. */
  hide(text: string | undefined): void {
    if (text) this.#hidden = [...this.#hidden, text];
  }

  keep(file: RawFile, lines: readonly object[]): void {
    this.#texts.set(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  /** @returns the report with its list of files. */
  write(report: Report): Report {
    const files = [...this.#texts].map(([name, text]) => {
      const hidden = this.#without(text);
      writeFileSync(join(this.path, name), hidden);
      const sha256 = createHash("sha256").update(hidden).digest("hex");
      return { name, lines: hidden.split("\n").length - 1, sha256 };
    });
    const whole = { ...report, files };
    writeFileSync(join(this.path, "report.json"), this.#without(`${JSON.stringify(whole, undefined, 2)}\n`));
    writeFileSync(join(this.path, "report.md"), this.#without(markdown(whole)));
    return whole;
  }

  /** Also any account in an ARN, such as that of another account's role. */
  #without(text: string): string {
    const known = this.#hidden.reduce((rest, hidden) => rest.replaceAll(hidden, HIDDEN), text);
    return known.replace(/(arn:[\w-]+:[\w-]+:[\w-]*:)\d{12}\b/g, `$1${HIDDEN}`);
  }
}
