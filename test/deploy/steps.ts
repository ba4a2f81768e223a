export interface Step {
  readonly name: string;
  readonly ms: number;
  /** What was found, in a few words. */
  readonly found: string;
  readonly failure?: string;
}

/** Thrown by a step that finds something other than it must; its message is for people, without a stack. */
export class StepFailure extends Error {}

const TICK_MS = 1_000;

/** Does one thing after another and says what became of each, a line a step. The first failure ends it. */
export class Steps {
  readonly done: Step[] = [];

  constructor(private readonly say: (line: string) => void) {}

  /** `what` returns what it found, in a few words. Rethrows what it throws. */
  async run<T extends { readonly found: string }>(name: string, what: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const stopProgress = showProgress(name, startMs);
    try {
      const result = await what();
      this.#end({ name, ms: sinceMs(startMs), found: result.found }, stopProgress);
      return result;
    } catch (error) {
      // Ended by a signal: nothing was found out.
      if (!(error instanceof Error)) {
        stopProgress();
        throw error;
      }
      const failure = error instanceof StepFailure ? error.message : String(error.stack);
      this.#end({ name, ms: sinceMs(startMs), found: "", failure }, stopProgress);
      throw error;
    }
  }

  #end(step: Step, stopProgress: () => void): void {
    stopProgress();
    this.done.push(step);
    const { name, ms, found, failure } = step;
    const time = `(${(ms / 1_000).toFixed(1)} s)`;
    this.say(
      failure === undefined ? `✓ ${name}${found && `: ${found}`} ${time}` : `✗ ${name} ${time}\n${failure}`,
    );
  }
}

function sinceMs(startMs: number): number {
  return Math.round(performance.now() - startMs);
}

/** One line that is written over, on a terminal only. */
function showProgress(name: string, startMs: number): () => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  const show = () => stderr.write(`\r… ${name} (${Math.round(sinceMs(startMs) / 1_000)} s)\u001b[K`);
  show();
  const timer = setInterval(show, TICK_MS);
  return () => {
    clearInterval(timer);
    stderr.write("\r\u001b[K");
  };
}
