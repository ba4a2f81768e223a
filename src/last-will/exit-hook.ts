import type { Worker } from "node:worker_threads";
import { othersRun, startThread } from "../worker-threads.js";
import type { SignedWill } from "./executor.js";
import { EXIT_PROGRAM } from "./programs.js";

/** A process that exits waits this long for its wills. The companion goes on where there is one. */
const MAX_WAIT_MS = 1_000;

/**
 * Sends the wills when this process ends by itself: `process.exit`, an uncaught exception, an unhandled rejection, or
 * nothing left to do. A process that exits runs no more asynchronous code, but it can wait for a thread.
 */
export class ExitHook {
  readonly #settled = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #isStarted = false;

  constructor(
    /** What must be sent now. Called when the process exits. */
    private readonly wills: () => readonly SignedWill[],
    private readonly onImpossible: (error: unknown) => void,
  ) {}

  /** Starts the thread, once. It does not keep the process alive. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    process.on("exit", () => {
      if (isExiting()) this.#sendAll();
    });
    try {
      this.#worker = this.#newWorker();
    } catch (error) {
      this.onImpossible(error);
    }
  }

  #newWorker(): Worker {
    const worker = startThread(EXIT_PROGRAM, {
      workerData: this.#settled,
      // No output through the main thread.
      stdout: true,
      stderr: true,
    });
    worker.once("error", (error) => {
      this.#worker = undefined;
      this.onImpossible(error);
    });
    worker.unref();
    return worker;
  }

  #sendAll(): void {
    const wills = this.wills();
    // Work in another thread goes on until the process has exited, so only the companion may send them.
    if (this.#worker === undefined || wills.length === 0 || othersRun()) return;
    this.#worker.postMessage(wills);
    Atomics.wait(this.#settled, 0, 0, MAX_WAIT_MS);
  }
}

/** False only if somebody else emitted the event, and the process lives on. Not every runtime tells. */
function isExiting(): boolean {
  return (process as { _exiting?: boolean })._exiting !== false;
}
