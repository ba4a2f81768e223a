import { setIdleTimer, systemClock } from "../clock.js";
import { watchThreads } from "../worker-threads.js";
import { Companion } from "./companion.js";
import type { PatientWillExecutor, SignedWill, UnavailablePart } from "./executor.js";
import { ExitHook } from "./exit-hook.js";

/** How long DynamoDB takes a signed request. */
const SIGNATURE_MS = 300_000;

/** The start of the thread takes a processor for some 40 ms, which the first work needs. An earlier exit starts the thread itself. */
const THREAD_LATER_MS = 1_000;

let ofThisProcess: PatientWillExecutor | undefined;

/** The one executor of this process, or of this thread: one companion, whatever the number of elections. */
export function processWills(): PatientWillExecutor {
  ofThisProcess ??= new ProcessWills();
  return ofThisProcess;
}

class ProcessWills implements PatientWillExecutor {
  readonly #wills = new Map<string, { readonly will: SignedWill; readonly setMs: number }>();
  #hasExited = false;
  #starting: Promise<void> | undefined;
  #isStarted = false;
  #group: number | "starting" | undefined;
  readonly #exitListeners = new Set<() => void>();
  readonly #unavailableListeners = new Set<(unavailable: UnavailablePart) => void>();
  readonly #unavailable: UnavailablePart[] = [];
  readonly #companion = new Companion(
    () => this.#lines(),
    (error) => this.#report({ part: "companion", error }),
  );
  readonly #exitHook = new ExitHook(
    () => this.#onExit(),
    (error) => this.#report({ part: "exit-hook", error }),
  );

  constructor() {
    watchThreads();
  }

  start(): Promise<void> {
    this.#starting ??= new Promise((resolve) => {
      // The request that the caller has just made leaves first.
      setImmediate(() => {
        this.#isStarted = true;
        this.#companion.start();
        setIdleTimer(THREAD_LATER_MS, () => this.#exitHook.startThread());
        resolve();
      });
    });
    return this.#starting;
  }

  set(key: string, will: SignedWill): Promise<void> {
    this.#forgetOld();
    this.#wills.set(key, { will, setMs: systemClock.monotonicMs() });
    this.#exitHook.listen();
    if (!this.#isStarted) return Promise.resolve();
    return this.#companion.tell(() => line({ key, will: this.#wills.get(key)?.will }));
  }

  clear(key: string): void {
    if (this.#wills.delete(key)) this.#companion.mention(line({ key }));
  }

  onExit(listener: () => void): () => void {
    // An acquire that was under way, in a process that somebody kept from its exit.
    if (this.#hasExited) listener();
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  onUnavailable(listener: (unavailable: UnavailablePart) => void): () => void {
    this.#unavailableListeners.add(listener);
    for (const unavailable of this.#unavailable) listener(unavailable);
    return () => this.#unavailableListeners.delete(listener);
  }

  waitFor(group: number | "starting" | undefined): void {
    this.#group = group;
    this.#companion.mention(line({ group }));
  }

  #lines(): string[] {
    if (this.#wills.size === 0) return [];
    return [line({ group: this.#group }), ...[...this.#wills].map(([key, { will }]) => line({ key, will }))];
  }

  #report(unavailable: UnavailablePart): void {
    this.#unavailable.push(unavailable);
    for (const listener of this.#unavailableListeners) listener(unavailable);
  }

  /** Their signatures are not valid any more, and nobody signed them again: the election is not used any more. */
  #forgetOld(): void {
    const oldMs = systemClock.monotonicMs() - SIGNATURE_MS;
    for (const [key, { setMs }] of this.#wills) if (setMs < oldMs) this.clear(key);
  }

  /** While a group runs, its end cannot be awaited here: a process that exits fetches no child. The companion waits. */
  #onExit(): SignedWill[] {
    this.#hasExited = true;
    for (const listener of this.#exitListeners) listener();
    return this.#group === undefined ? [...this.#wills.values()].map(({ will }) => will) : [];
  }
}

function line(message: {
  key?: string;
  will?: SignedWill | undefined;
  group?: number | "starting" | undefined;
}): string {
  return `${JSON.stringify(message)}\n`;
}
