import type { Clock } from "../clock.js";
import type { LeaseClient } from "../lease-client.js";
import type { Read } from "../protocol/verbs.js";
import { pagesOf } from "../store/row-pages.js";
import type { Timed } from "../timed-request.js";

/** Turns of the microtask queue in which reads gather: campaigns that are called together come to their reads together. */
const TURNS = 10;

type Waiting = {
  readonly consistent: boolean;
  readonly resolve: (read: Timed<Read> | undefined) => void;
  readonly reject: (error: unknown) => void;
};

/** How long a read waits for others that nothing hurries: timers that are due together do not call in one turn. */
const UNHURRIED_MS = 5;

/**
 * Reads of lease rows that are asked for at the same moment leave as one request per hundred rows. So thousands of elections of one
 * process that a session calls do not send thousands of requests.
 */
export class RowReads {
  readonly #waiting = new Map<string, Waiting[]>();

  #isLeaving = false;
  #isTimed = false;

  constructor(
    private readonly rows: Pick<LeaseClient, "readMany">,
    private readonly clock: Clock,
  ) {}

  /** Undefined: this row must be read alone. Rejects as verbs do. */
  read(election: string, consistent: boolean): Promise<Timed<Read> | undefined> {
    if (consistent) void this.#leaveSoon();
    else this.#leaveLater();
    return new Promise((resolve, reject) => {
      const others = this.#waiting.get(election) ?? [];
      this.#waiting.set(election, [...others, { consistent, resolve, reject }]);
    });
  }

  async #leaveSoon(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    for (let turn = 0; turn < TURNS; turn++) await undefined;
    this.#isLeaving = false;
    this.#leave();
  }

  #leaveLater(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.clock.setTimer(UNHURRIED_MS, () => {
      this.#isTimed = false;
      this.#leave();
    });
  }

  #leave(): void {
    const asked = [...this.#waiting];
    this.#waiting.clear();
    for (const page of pagesOf(asked)) void this.#send(page);
  }

  async #send(page: ReadonlyArray<[string, readonly Waiting[]]>): Promise<void> {
    const all = page.flatMap(([, waiting]) => waiting);
    // A row that is missing in an answer may be gone, or it cannot be read.
    if (page.length === 1) {
      for (const { resolve } of all) resolve(undefined);
      return;
    }
    const consistent = all.some((one) => one.consistent);
    try {
      const timed = await this.rows.readMany(
        page.map(([election]) => election),
        { consistent },
      );
      const { leases, dateMs } = timed.answer;
      for (const [election, waiting] of page) {
        const lease = leases.get(election);
        const read = lease && { ...timed, answer: { lease, dateMs } };
        for (const { resolve } of waiting) resolve(read);
      }
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  }
}
