import type { Turn } from "../candidate/under.js";

/** The order in which waiting tasks get their turn. */
const ORDER: readonly Turn[] = ["finish", "claim", "look", "record"];

/**
 * At most so many tasks at a time. Of those that wait, what finishes something has its turn first: a lease that was acquired
 * begins before the next one is claimed, and rows that were read are claimed before more are read.
 */
export class Gate {
  #running = 0;
  readonly #waiting: Record<Turn, Array<() => void>> = { finish: [], claim: [], look: [], record: [] };

  constructor(private readonly width: number) {}

  async run<T>(task: () => Promise<T>, turn: Turn = "finish"): Promise<T> {
    if (this.#running < this.width) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting[turn].push(resolve));
    try {
      return await task();
    } finally {
      const turns = ORDER.map((one) => this.#waiting[one]).find(({ length }) => length > 0);
      const next = turns?.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
