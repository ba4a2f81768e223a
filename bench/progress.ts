const QUIET_MS = 30_000;

/** Shows how much of a part is done and how long the rest takes: a bar on a terminal, otherwise a line every 30 s. */
export class Progress {
  #what = "";
  #all = 0;
  #done = 0;
  #startMs = 0;
  #toldMs = 0;

  begin(what: string, steps: number): void {
    this.#what = what;
    this.#all = steps;
    this.#done = 0;
    this.#startMs = performance.now();
    this.#toldMs = Number.NEGATIVE_INFINITY;
    this.#tell();
  }

  step(): void {
    this.#done += 1;
    this.#tell();
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }

  #tell(): void {
    const nowMs = performance.now();
    const { isTTY } = process.stderr;
    if (nowMs - this.#toldMs < (isTTY ? 200 : QUIET_MS)) return;
    this.#toldMs = nowMs;
    const part = this.#done / this.#all;
    const leftS = Math.ceil(((nowMs - this.#startMs) * (1 / part - 1)) / 1_000);
    const left = this.#done === 0 ? "" : `, ${leftS} s left in this part`;
    const bar = "█".repeat(Math.floor(part * 20)).padEnd(20, "░");
    const line = `${this.#what} ${bar} ${this.#done} of ${this.#all}${left}`;
    process.stderr.write(isTTY ? `\r${line}\u001b[K` : `${line}\n`);
  }
}
