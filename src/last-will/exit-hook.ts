import type { Worker } from "node:worker_threads";
import { othersRun, startThread } from "../worker-threads.js";
import type { SignedWill } from "./executor.js";
import { EXIT_PROGRAM } from "./programs.js";

/** A process that exits waits this long for its thread to run, where it was started just now. */
const MAX_START_MS = 4_000;
/** A process that exits waits this long for its wills. The companion goes on where there is one. */
const MAX_WAIT_MS = 1_000;

/** What the thread has done so far. It is the same in `EXIT_PROGRAM`. */
const NOTHING = 0;
const RUNS = 1;

/**
 * Sends the wills when this process ends by itself: `process.exit`, an uncaught exception, an unhandled rejection, or
 * nothing left to do. A process that exits runs no more asynchronous code, but it can start a thread and wait for it.
 */
export class ExitHook {
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #isListening = false;
  #isStarted = false;

  constructor(
    /** What must be sent now. Called when the process exits. */
    private readonly wills: () => readonly SignedWill[],
    private readonly onImpossible: (error: unknown) => void,
  ) {}

  /** From now on an exit sends the wills. */
  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    process.on("exit", () => {
      if (isExiting()) this.#sendAll();
    });
  }

  /** Starts the thread, once, so that an exit need not. It does not keep the process alive. */
  startThread(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    try {
      this.#worker = this.#newWorker();
    } catch (error) {
      this.onImpossible(error);
    }
  }

  #newWorker(): Worker {
    const worker = startThread(EXIT_PROGRAM, {
      workerData: this.#progress,
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
    if (wills.length === 0 || othersRun()) return;
    this.startThread();
    if (this.#worker === undefined) return;
    this.#worker.postMessage(wills);
    Atomics.wait(this.#progress, 0, NOTHING, MAX_START_MS);
    Atomics.wait(this.#progress, 0, RUNS, MAX_WAIT_MS);
  }
}

/** False only if somebody else emitted the event, and the process lives on. Not every runtime tells. */
function isExiting(): boolean {
  return (process as { _exiting?: boolean })._exiting !== false;
}
