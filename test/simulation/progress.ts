const QUIET_MS = 30_000;

/** How far it is, how fast it goes and how long it will take: on a terminal as a bar, else a line now and then. */
export class Progress {
  readonly #startMs = performance.now();
  #toldMs = performance.now();

  constructor(
    private readonly what: string,
    private readonly all: number,
  ) {}

  reached(done: number): void {
    const nowMs = performance.now();
    const { isTTY } = process.stderr;
    if (nowMs - this.#toldMs < (isTTY ? 100 : QUIET_MS)) return;
    this.#toldMs = nowMs;
    const rate = (done / (nowMs - this.#startMs)) * 1_000;
    const part = done / this.all;
    const bar = "█".repeat(Math.floor(part * 20)).padEnd(20, "░");
    const left = rate > 0 ? `${Math.ceil((this.all - done) / rate)} s left` : "";
    const line = `${bar} ${done} of ${this.all} ${this.what}, ${rate.toFixed(1)}/s, ${left}`;
    process.stderr.write(isTTY ? `\r${line}\u001b[K` : `${line}\n`);
  }

  done(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
}
