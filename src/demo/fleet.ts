import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { dieWithUs } from "../child-guard.js";
import type { FromWorker, ToWorker } from "./messages.js";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));

export type Status = "starting" | "following" | "leading" | "frozen" | "killed" | "ended";

/** A worker, through all its processes, as the coordinator knows it. */
export interface Worker {
  readonly label: string;
  /** With `--order rank`, where the highest leads. */
  readonly rank: number | undefined;
  status: Status;
  /** The term it leads, or led last. */
  term: number | undefined;
  /** The trust that was left at the last report. */
  trust: { readonly remainingMs: number; readonly atMs: number } | undefined;
  child: ChildProcess | undefined;
}

/** The workers' processes, and what kills, freezes and starts them. */
export class Fleet {
  readonly workers: readonly Worker[];

  constructor(
    { size, ranked }: { readonly size: number; readonly ranked: boolean },
    private readonly onMessage: (worker: Worker, message: FromWorker) => void,
    private readonly onDeath: (worker: Worker, lastWords: string) => void,
  ) {
    this.workers = Array.from({ length: size }, (_, i) => ({
      label: `worker-${i + 1}`,
      rank: ranked ? i + 1 : undefined,
      status: "starting",
      term: undefined,
      trust: undefined,
      child: undefined,
    }));
  }

  start(worker: Worker): void {
    const env = { ...process.env, NODE_NO_WARNINGS: "1" };
    const child = fork(WORKER, { stdio: ["ignore", "ignore", "pipe", "ipc"], env });
    dieWithUs(child);
    worker.child = child;
    worker.status = "starting";
    let lastWords = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
    });
    child.on("message", (message) => {
      if (worker.child === child) this.onMessage(worker, message as FromWorker);
    });
    child.on("error", (error) => {
      lastWords += error.message;
    });
    child.on("close", () => {
      if (worker.child === child && worker.status !== "killed" && worker.status !== "ended")
        this.onDeath(worker, lastWords.trim());
    });
  }

  say(worker: Worker, message: ToWorker): void {
    // The end of a worker's process is reported by "exit", so a failed message is ignored.
    if (worker.child?.connected) worker.child.send(message, () => {});
  }

  kill(worker: Worker): void {
    worker.status = "killed";
    worker.child?.kill("SIGKILL");
  }

  freeze(worker: Worker): void {
    worker.status = "frozen";
    worker.child?.kill("SIGSTOP");
  }

  thaw(worker: Worker): void {
    worker.status = "following";
    worker.child?.kill("SIGCONT");
  }

  /** Resolves when all have ended. SIGKILL also ends stopped processes. */
  async end(): Promise<void> {
    await Promise.all(
      this.workers.map(async (worker) => {
        const { child } = worker;
        worker.status = "ended";
        if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      }),
    );
  }
}
