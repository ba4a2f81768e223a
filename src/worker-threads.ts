import { Worker, type WorkerOptions } from "node:worker_threads";

const own = new WeakSet<Worker>();
let others = 0;
let isWatching = false;

/**
 * A thread of this library, from a text: an application may be one bundled file. It has no `--import` of the process, and no
 * variables but those in `options`.
 */
export function startThread(
  program: string,
  options: WorkerOptions & { readonly env: Record<string, string> },
): Worker {
  const worker = new Worker(program, { eval: true, execArgv: [], ...options });
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
