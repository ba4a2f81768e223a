import { Worker, type WorkerOptions } from "node:worker_threads";
import { bareEnv } from "./bare-env.js";

const own = new WeakSet<Worker>();
let others = 0;
let isWatching = false;

/**
 * A thread of this library, from a text: an application may be one bundled file. It has no `--import` of the process, and none
 * of its variables that it does not need.
 */
export function startThread(
  program: string,
  options: Omit<WorkerOptions, "eval" | "execArgv" | "env">,
): Worker {
  const worker = new Worker(program, { ...options, eval: true, execArgv: [], env: bareEnv() });
  own.add(worker);
  return worker;
}

/** Counts the threads that others start from now on. */
export function watchThreads(): void {
  if (isWatching) return;
  isWatching = true;
  process.on("worker", (worker) => {
    if (own.has(worker)) return;
    others += 1;
    worker.once("exit", () => {
      others -= 1;
    });
  });
}

/** Whether a thread of others runs. A process that exits stops its threads last, so their work goes on until then. */
export function othersRun(): boolean {
  return others > 0;
}
