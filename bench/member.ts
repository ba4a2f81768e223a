import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dieWithUs } from "../src/child-guard.js";
import type { Death, FromWorker, ToWorker, WorkerConfig } from "./messages.js";
import { inNamespace } from "./namespace.js";

/** One worker process. Its messages get the time of their arrival, by the one clock of the bench. */
export class Member {
  candidateId: string | undefined;
  readonly #child: ChildProcess;
  #lastWords = "";
  #isKilled = false;

  constructor(
    program: string,
    readonly config: WorkerConfig,
    heard: (message: FromWorker, atMs: number) => void,
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
    child.on("message", (message: FromWorker) => {
      const atMs = performance.now();
      if (this.#isKilled) return;
      if (message.type === "hello") this.candidateId = message.candidateId;
      heard(message, atMs);
    });
    child.once("exit", () => {
      if (this.#isKilled) return;
      heard({ type: "failed", message: `it ended by itself. ${this.#lastWords}` }, performance.now());
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  say(message: ToWorker): void {
    this.#child.send(message, () => {});
  }

  /** SIGKILL. Messages that arrive after it do not count. */
  kill(): void {
    this.#isKilled = true;
    this.#child.kill("SIGKILL");
  }

  /** Messages that arrive after it do not count. */
  die(how: Death): void {
    if (how === "SIGKILL") this.kill();
    else this.say({ type: "die", how });
    this.#isKilled = true;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.kill();
    await exited;
  }
}
