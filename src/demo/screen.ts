import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import type { Worker } from "./fleet.js";
import type { StoryEvent, Tone } from "./story.js";
import { type Style, styleFor } from "./style.js";

/** What the screen shows at one moment. */
export interface View {
  readonly title: string;
  readonly workers: readonly Worker[];
  readonly done: number;
  readonly total: number;
  readonly nowMs: number;
  readonly leaseMs: number;
  readonly events: readonly StoryEvent[];
}

export interface Screen {
  /** Shows another line of the story. */
  add(event: StoryEvent): void;
  /** Ends the live part. The last picture stays. */
  close(): void;
}

const FORMAT: Record<Tone, "green" | "red" | "cyan" | undefined> = {
  good: "green",
  bad: "red",
  cold: "cyan",
  plain: undefined,
};
const REDRAW_MS = 100;
/** The rate counts the payments of this time. */
const RATE_SPAN_MS = 2_000;
const MAX_EVENTS = 8;
/** The lines beside those of workers: the title, the progress and one or two events. */
const OTHER_ROWS = 9;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_TO_END_OF_LINE = "\x1b[K";

/** A live picture must fit the screen, because lines that scrolled away cannot be drawn again. */
export function fits(stream: NodeJS.WriteStream, workers: number): boolean {
  return stream.isTTY && stream.rows >= workers + OTHER_ROWS;
}

/** Prints one line for each event, and a line of progress from time to time. */
export function plainScreen(stream: NodeJS.WriteStream, view: () => View): Screen {
  const style = styleFor(stream);
  let reported = 0;
  const progress = setInterval(() => {
    const { done, total, nowMs } = view();
    if (done === reported) return;
    reported = done;
    stream.write(`${clockText(nowMs)}  ${done} of ${total} payments made\n`);
  }, 1_000);
  return {
    add: (event) => stream.write(`${eventText(event, style)}\n`),
    close: () => clearInterval(progress),
  };
}

/** A small table that is drawn again in the same place. */
export function liveScreen(stream: NodeJS.WriteStream, view: () => View): Screen {
  const style = styleFor(stream);
  const rate = rateMeter();
  let drawn = 0;
  const draw = () => {
    const now = view();
    const lines = frame(now, rate(now), style, stream.rows ?? 24).map((line) =>
      crop(line, (stream.columns ?? 80) - 1),
    );
    // One write for each frame, so that it does not flicker.
    stream.cork();
    if (drawn > 0) moveCursor(stream, 0, -drawn);
    cursorTo(stream, 0);
    stream.write(lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join(""));
    if (lines.length < drawn) clearScreenDown(stream);
    stream.uncork();
    drawn = lines.length;
  };
  const showCursor = () => stream.write(SHOW_CURSOR);
  // Also when the process ends in another way.
  process.once("exit", showCursor);
  stream.write(HIDE_CURSOR);
  draw();
  const redraw = setInterval(draw, REDRAW_MS);
  return {
    add() {},
    close() {
      clearInterval(redraw);
      draw();
      showCursor();
      process.off("exit", showCursor);
    },
  };
}

function frame(view: View, perSecond: number, style: Style, rows: number): string[] {
  const { workers, done, total, events, nowMs } = view;
  const count = Math.max(1, Math.min(MAX_EVENTS, rows - workers.length - 7));
  const recent = events.slice(-count).map((event) => `  ${eventText(event, style)}`);
  return [
    style("bold", view.title),
    "",
    ...workers.map((worker) => `  ${workerLine(worker, view, style)}`),
    "",
    `  payments  ${bar(done / total, 30, style, "green")}  ${done} of ${total}, ${perSecond.toFixed(0)}/s` +
      style("dim", `   ${clockText(nowMs).trim()}`),
    "",
    ...recent,
    ...Array.from({ length: count - recent.length }, () => ""),
  ];
}

function workerLine(worker: Worker, { workers, nowMs, leaseMs }: View, style: Style): string {
  const { status, term, trust } = worker;
  const nameOf = ({ label, rank }: Worker) => (rank === undefined ? label : `${label} (rank ${rank})`);
  const longest = workers.at(-1);
  const label = nameOf(worker).padEnd(longest ? nameOf(longest).length : 0);
  switch (status) {
    case "leading": {
      const leftMs = trust ? Math.max(0, trust.remainingMs - (nowMs - trust.atMs)) : 0;
      const gauge = bar(leftMs / leaseMs, 12, style, "green");
      return `${style(["green", "bold"], `${label}  ● leading  `)}  term ${term}  trust ${gauge} ${(leftMs / 1_000).toFixed(1)} s`;
    }
    case "frozen":
      return style("cyan", `${label}  ■ frozen     believes in term ${term}`);
    case "killed":
      return style("red", `${label}  ✖ killed`);
    case "starting":
      return style("dim", `${label}  … starting`);
    case "ended":
      return style("dim", `${label}  · ended`);
    case "following":
      return `${label}  ○ following`;
  }
}

function bar(part: number, width: number, style: Style, colour: "green"): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width);
  return style(colour, "█".repeat(filled)) + style("dim", "░".repeat(width - filled));
}

function eventText({ atMs, text, tone }: StoryEvent, style: Style): string {
  const format = FORMAT[tone];
  return `${style("dim", clockText(atMs))}  ${format ? style(format, text) : text}`;
}

function clockText(atMs: number): string {
  return `${(atMs / 1_000).toFixed(2).padStart(6)} s`;
}

/** A long line would wrap and break the picture, so it is cut, and has no colours. */
function crop(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(0, columns - 1))}…`;
}

function rateMeter(): (view: View) => number {
  const seen: Array<{ atMs: number; done: number }> = [];
  return ({ nowMs, done }) => {
    seen.push({ atMs: nowMs, done });
    while (seen.length > 1 && nowMs - (seen[0]?.atMs ?? 0) > RATE_SPAN_MS) seen.shift();
    const first = seen[0] ?? { atMs: nowMs, done };
    return nowMs > first.atMs ? ((done - first.done) / (nowMs - first.atMs)) * 1_000 : 0;
  };
}
