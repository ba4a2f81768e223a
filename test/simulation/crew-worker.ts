import { parentPort } from "node:worker_threads";
import type { Orders, Outcome } from "./crew.js";
import { simulateOne } from "./kinds.js";
import { useLightAbort } from "./light-abort.js";

/** A thread that simulates the seeds it is told to. */

useLightAbort();

parentPort?.on("message", async ({ kind, from, count, broken }: Orders) => {
  const outcomes: Outcome[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const run = await simulateOne(kind, { seed, broken });
    const { violation } = run;
    outcomes.push({
      ...run,
      violation: violation && { promise: violation.promise, message: violation.message },
    });
  }
  parentPort?.postMessage(outcomes);
});
