import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A TypeScript file of this directory in a process of its own, which says JSON objects, one a line. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves when the program and everybody who inherited its output has ended. */
  readonly silent: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #said: Record<string, unknown>[] = [];
  #heard = () => {};

  constructor(file: string, ...args: string[]) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", path, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child = child;
    this.#exited = new Promise((resolve) => child.once("exit", () => resolve()));
    this.silent = new Promise((resolve) => child.once("close", () => resolve()));
    createInterface({ input: child.stdout })
      .on("line", (line) => {
        this.#said.push(JSON.parse(line));
        this.#heard();
      })
      .on("close", () => this.#heard());
  }

  /** What the program said under this name, the `count`-th time. */
  async says<T>(name: string, count = 1): Promise<T> {
    for (;;) {
      const said = this.#said.filter((line) => name in line)[count - 1];
      if (said) return said[name] as T;
      if (this.child.stdout?.readableEnded) throw new Error(`it ended and never said ${name}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }
}

export function say(what: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
