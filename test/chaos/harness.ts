import { onObject } from "./lines.js";
import type { FromWorker, ToWorker } from "./messages.js";

/** What a worker knows of the harness: it can be told things, and asked for its time. */
export class Harness {
  /** The harness's time when it last answered: what we do from now on comes after it. */
  lastAnswer = 0;
  readonly #awaited = new Map<number, (now: number) => void>();
  #questions = 0;

  constructor() {
    onObject(process.stdin, (message) => {
      const order = message as ToWorker;
      if ("blockMs" in order) return block(order.blockMs);
      const { question, now } = order;
      this.lastAnswer = Math.max(this.lastAnswer, now);
      this.#awaited.get(question)?.(now);
      this.#awaited.delete(question);
    });
    // The end of the harness is ours.
    process.stdin.on("end", () => process.exit());
  }

  /** Written when this returns: a pipe takes it at once. */
  tell(message: FromWorker): void {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  }

  /** Calls back, as soon as the answer is read, with the harness's time at some moment after this call. */
  ask(answered: (now: number) => void): void {
    const question = ++this.#questions;
    this.#awaited.set(question, answered);
    this.tell({ type: "ask", question });
  }

  time(): Promise<number> {
    return new Promise((resolve) => this.ask(resolve));
  }
}

/** As a big computation does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
