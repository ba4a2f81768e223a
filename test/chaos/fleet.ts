import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dieWithUs } from "../../src/child-guard.js";
import { onObject } from "./lines.js";
import type { FromWorker, ToWorker, WorkerConfig } from "./messages.js";

const PROGRAM = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** One process of a worker, from its start to its end. */
export class Life {
  /** Its ids as a candidate, once it has told. */
  readonly candidates: string[] = [];
  /** Whether somebody wants it gone: then its end is no accident. */
  doomed = false;
  /** Resolves when the process is gone and all it said was heard. */
  readonly over: Promise<void>;
  lastWords = "";
  readonly #child: ChildProcess;

  constructor(
    config: WorkerConfig,
    env: NodeJS.ProcessEnv,
    heard: (message: FromWorker) => void,
    /** Called before the process is ended. */
    private readonly onDoomed = () => {},
  ) {
    const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, JSON.stringify(config)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_NO_WARNINGS: "1", ...env },
    });
    dieWithUs(child);
    this.#child = child;
    // A worker that just died is noticed by its end.
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      this.lastWords += error.message;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.lastWords = (this.lastWords + text).slice(-2_000);
    });
    onObject(child.stdout, (message) => heard(message as FromWorker));
    this.over = new Promise((resolve) => child.once("close", () => resolve()));
  }

  get alive(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Its loop turns no more for so long. */
  block(blockMs: number): void {
    this.answer({ blockMs });
  }

  /** The companion that executes its will is killed. False: it has none. */
  killCompanion(): boolean {
    const companion = childrenOf(this.#child.pid).find(isCompanion);
    if (companion === undefined) return false;
    process.kill(companion, "SIGKILL");
    return true;
  }

  answer(answer: ToWorker): void {
    this.#child.stdin?.write(`${JSON.stringify(answer)}\n`);
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** It gives its lease back and ends; if it does not, it is killed. */
  resign(killAfterMs: number): Promise<void> {
    this.#doom();
    this.#child.kill("SIGTERM");
    const insist = setTimeout(() => this.#child.kill("SIGKILL"), killAfterMs);
    return this.over.finally(() => clearTimeout(insist));
  }

  #doom(): void {
    if (!this.doomed) this.onDoomed();
    this.doomed = true;
  }

  /** Ends stopped ones too. */
  kill(): Promise<void> {
    this.#doom();
    this.#child.kill("SIGKILL");
    return this.over;
  }
}

/** Nowhere but on Linux. */
function childrenOf(pid: number | undefined): number[] {
  return readProc(`${pid}/task/${pid}/children`).trim().split(" ").map(Number);
}

function isCompanion(pid: number): boolean {
  return readProc(`${pid}/cmdline`).startsWith("incumbent-last-will");
}

/** Empty: that process has ended. */
function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, "utf8");
  } catch {
    return "";
  }
}
