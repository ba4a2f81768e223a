import type { Reached } from "./search.js";

const QUIET_MS = 30_000;

/** How far the search is: on a terminal as a bar for each depth, else a line now and then. */
export class Progress {
  readonly #startMs = performance.now();
  #toldMs = performance.now();

  constructor(private readonly name: string) {}

  reached({ states, depth, followed, waiting }: Reached): void {
    const nowMs = performance.now();
    const { isTTY } = process.stderr;
    if (nowMs - this.#toldMs < (isTTY ? 100 : QUIET_MS)) return;
    this.#toldMs = nowMs;
    const rate = Math.round((states / (nowMs - this.#startMs)) * 1_000);
    const bar = "█".repeat(Math.floor((followed / waiting) * 20)).padEnd(20, "░");
    const line = `${this.name}: depth ${depth} ${bar} ${count(states)} states, ${count(rate)}/s`;
    process.stderr.write(isTTY ? `\r${line}\u001b[K` : `${line}\n`);
  }

  done(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
}

export function count(number: number): string {
  return number.toLocaleString("en");
}
