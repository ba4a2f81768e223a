import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dieWithUs } from "../src/child-guard.js";
import { inNamespace } from "./namespace.js";

export interface Failed {
  readonly type: "failed";
  readonly message: string;
}

/** One process of the bench. Its messages get the time of their arrival, by the one clock of the bench. */
export class WorkerProcess<Config extends { isPid1?: boolean }, From, To extends object> {
  readonly #child: ChildProcess;
  #lastWords = "";
  #isSilenced = false;

  constructor(
    program: string,
    readonly config: Config,
    heard: (message: From | Failed, atMs: number) => void,
  ) {
    const child = fork(program, [JSON.stringify(config)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      ...(config.isPid1 ? inNamespace(process.execPath) : { execArgv: [] }),
      env: { ...process.env, NODE_NO_WARNINGS: "1" },
    });
    dieWithUs(child);
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-2_000);
    });
    child.on("message", (message: From) => {
      const atMs = performance.now();
      if (!this.#isSilenced) heard(message, atMs);
    });
    child.once("exit", () => {
      if (this.#isSilenced) return;
      heard({ type: "failed", message: `it ended by itself. ${this.#lastWords}` }, performance.now());
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  say(message: To): void {
    this.#child.send(message, () => {});
  }

  /** From now on its messages and its end do not count. */
  silence(): void {
    this.#isSilenced = true;
  }

  /** SIGKILL. Messages that arrive after it do not count. */
  kill(): void {
    this.silence();
    this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.kill();
    await exited;
  }
}
