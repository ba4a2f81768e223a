import { Worker } from "node:worker_threads";
import type { Kind } from "./kinds.js";
import type { Run } from "./run.js";

/** A run as it crosses threads. */
export type Outcome = Omit<Run, "violation"> & {
  readonly violation: { readonly promise: string; readonly message: string } | undefined;
};

export interface Orders {
  readonly kind: Kind;
  readonly from: number;
  readonly count: number;
  readonly broken: boolean;
}

const AT_ONCE = 20;

/** Simulates seeds on `jobs` threads; `heard` is told each outcome, in any order. */
export async function simulateAll(
  { kind, from, count, broken }: Orders,
  jobs: number,
  heard: (outcome: Outcome) => void,
): Promise<void> {
  let next = 0;
  const crew = Array.from({ length: Math.min(jobs, Math.ceil(count / AT_ONCE)) }, () => {
    const worker = new Worker(new URL("./crew-worker.js", import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 96 },
    });
    return new Promise<void>((resolve, reject) => {
      const order = () => {
        if (next >= count) return void worker.terminate();
        const orders: Orders = { kind, from: from + next, count: Math.min(AT_ONCE, count - next), broken };
        next += orders.count;
        worker.postMessage(orders);
      };
      worker.on("message", (outcomes: Outcome[]) => {
        for (const outcome of outcomes) heard(outcome);
        order();
      });
      worker.once("error", reject);
      worker.once("exit", () => resolve());
      order();
    });
  });
  await Promise.all(crew);
}
