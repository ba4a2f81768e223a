import type { Failover, Mark, Term } from "./story.js";

export interface TimelineInput {
  readonly title: string;
  readonly description: string;
  readonly workers: ReadonlyArray<{ readonly label: string; readonly rank?: number | undefined }>;
  readonly terms: readonly Term[];
  readonly marks: readonly Mark[];
  readonly failovers: readonly Failover[];
  readonly endMs: number;
}

const WIDTH = 1_080;
const LEFT = 120;
const RIGHT = 28;
const TOP = 104;
const ROW = 62;
const BAR = 28;
const MARK_RADIUS = 9;
const MAX_TICKS = 12;

const INK = "#1f2933";
const FAINT = "#7b8794";
const BARS = ["#2f6fb5", "#3a8f5c", "#8a5fb0", "#b0722a", "#2a8c94", "#a34a6f"];

/** A mark is a disc with a shape in it, so it needs no font. */
const SIGNS: Record<Mark["kind"], { colour: string; path: string; text: string }> = {
  killed: { colour: "#c62f2f", path: "M-4-4L4 4M4-4L-4 4", text: "killed (SIGKILL)" },
  restarted: { colour: "#5f6f80", path: "M-4 0H4M0-4V4", text: "started again" },
  frozen: { colour: "#1b86c9", path: "M-2.5-4V4M2.5-4V4", text: "frozen (SIGSTOP)" },
  thawed: { colour: "#1b86c9", path: "M-2.5-4.5L4 0L-2.5 4.5Z", text: "thawed (SIGCONT)" },
  refused: { colour: "#d9480f", path: "M-4.5 0H4.5", text: "late write refused" },
  "applied late": { colour: "#c62f2f", path: "M0-5V1M0 4V4.5", text: "late write went through" },
  "asked to resign": { colour: "#7b8794", path: "M-4 0H4M1-3L4 0L1 3", text: "asked to resign" },
  preempted: { colour: "#5f6f80", path: "M0 4.5V-4M-3.5-1L0-4.5L3.5-1", text: "a higher rank takes over" },
  resigned: { colour: "#5f6f80", path: "M0-4.5V4M-3.5 1L0 4.5L3.5 1", text: "resigned" },
};

/** Draws the terms as an SVG. It has its own background, so that people can read it on white and on dark pages. Pure. */
export function timeline({
  title,
  description,
  workers,
  terms,
  marks,
  failovers,
  endMs,
}: TimelineInput): string {
  const startMs = Math.floor((terms[0]?.electedAtMs ?? 0) / 1_000) * 1_000;
  const spanMs = Math.max(1_000, endMs - startMs);
  const x = (ms: number) => LEFT + (Math.max(0, ms - startMs) / spanMs) * (WIDTH - LEFT - RIGHT);
  const labels = workers.map(({ label }) => label);
  const middle = (worker: string) => TOP + labels.indexOf(worker) * ROW + ROW / 2;
  const bottom = TOP + workers.length * ROW;
  const { entries, rows } = legend([...new Set(marks.map(({ kind }) => kind))], bottom + 66);
  const height = bottom + 68 + rows * LEGEND_ROW;
  const scene = { x, middle, bottom, startMs, endMs };

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif" font-size="13" fill="${INK}">
<title id="title">${escapeText(title)}</title>
<desc id="desc">${escapeText(description)}</desc>
<defs><pattern id="ice" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#d8eefb" fill-opacity="0.4"/><rect width="2.5" height="7" fill="#8cc6ea"/></pattern></defs>
<rect width="${WIDTH}" height="${height}" rx="10" fill="#fbfcfd"/>
<text x="24" y="34" font-size="18" font-weight="600">${escapeText(title)}</text>
<text x="24" y="56" fill="${FAINT}">${escapeText(description)}</text>
${handOvers(failovers, marks, scene)}
${workers.map((worker, i) => row(worker, i, middle(worker.label))).join("\n")}
${axis(scene)}
${terms.map((term) => bar(term, marks, scene)).join("\n")}
${interruptions(marks, scene)}
${marksInRows(marks, labels, scene)}
${entries}
</svg>
`;
}

interface Scene {
  x(ms: number): number;
  middle(worker: string): number;
  readonly bottom: number;
  readonly startMs: number;
  readonly endMs: number;
}

function row({ label, rank }: TimelineInput["workers"][number], index: number, y: number): string {
  const stripe =
    index % 2 === 0
      ? `<rect x="12" y="${y - ROW / 2}" width="${WIDTH - 24}" height="${ROW}" rx="6" fill="#7b8794" fill-opacity="0.07"/>\n`
      : "";
  if (rank === undefined) return `${stripe}${name(label, y + 4.5)}`;
  const below = `<text x="24" y="${y + 13}" font-size="12" fill="${FAINT}">rank ${rank}</text>`;
  return `${stripe}${name(label, y - 3.5)}${below}`;
}

function name(label: string, y: number): string {
  return `<text x="24" y="${y}" font-weight="500">${escapeText(label)}</text>`;
}

/** Draws the times without work: from the end of one leader to the first payment of the next. */
function handOvers(failovers: readonly Failover[], marks: readonly Mark[], { x, bottom }: Scene): string {
  return failovers
    .map(({ kind, ms }) => {
      const from = marks.find((mark) => mark.kind === kind)?.atMs ?? 0;
      const [left, right] = [x(from), x(from + ms)];
      return (
        `<rect x="${px(left)}" y="${TOP - 8}" width="${px(Math.max(1, right - left))}" height="${bottom - TOP + 8}" fill="#d9480f" fill-opacity="0.1"/>` +
        `<text x="${px((left + right) / 2)}" y="${TOP - 16}" text-anchor="middle" font-size="12" fill="#b03a0b">${(ms / 1_000).toFixed(2)} s</text>`
      );
    })
    .join("\n");
}

function axis({ x, bottom, startMs, endMs }: Scene): string {
  const steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
  const step = 1_000 * (steps.find((one) => (endMs - startMs) / (one * 1_000) <= MAX_TICKS) ?? 7_200);
  const ticks: string[] = [];
  for (let ms = Math.ceil(startMs / step) * step; ms <= endMs; ms += step) {
    ticks.push(
      `<path d="M${px(x(ms))} ${TOP}V${bottom + 5}" stroke="${FAINT}" stroke-opacity="0.28"/>` +
        `<text x="${px(x(ms))}" y="${bottom + 22}" text-anchor="middle" font-size="12" fill="${FAINT}">${ms / 1_000} s</text>`,
    );
  }
  return ticks.join("\n");
}

function bar(
  { term, worker, electedAtMs, endedAtMs }: Term,
  marks: readonly Mark[],
  { x, middle, endMs }: Scene,
): string {
  const left = x(electedAtMs);
  const width = Math.max(2, x(endedAtMs ?? endMs) - left);
  const y = middle(worker);
  // The text begins at the left end, and has the room before the first mark.
  const mark = marks.find((one) => one.worker === worker && one.atMs > electedAtMs);
  const room = Math.min(width, (mark ? x(mark.atMs) : WIDTH) - MARK_RADIUS - left);
  const label = room > 56 ? `term ${term}` : room > 20 ? String(term) : "";
  const text =
    label && `<text x="${px(left + 9)}" y="${y + 4.5}" fill="#fff" font-weight="600">${label}</text>`;
  const colour = BARS[(term - 1) % BARS.length];
  return `<rect x="${px(left)}" y="${y - BAR / 2}" width="${px(width)}" height="${BAR}" rx="5" fill="${colour}"/>${text}`;
}

/** A frozen worker is hatched until it goes on. A killed one has a dashed line until it starts again. */
function interruptions(marks: readonly Mark[], { x, middle, endMs }: Scene): string {
  const until = (from: Mark, kind: Mark["kind"]) =>
    x(marks.find((mark) => mark.worker === from.worker && mark.kind === kind)?.atMs ?? endMs);
  return marks
    .map((mark) => {
      const [left, y] = [x(mark.atMs), middle(mark.worker)];
      if (mark.kind === "frozen") {
        const width = px(until(mark, "thawed") - left);
        return `<rect x="${px(left)}" y="${y - BAR / 2 - 5}" width="${width}" height="${BAR + 10}" rx="5" fill="url(#ice)"/>`;
      }
      if (mark.kind !== "killed") return "";
      return `<path d="M${px(left)} ${y}H${px(until(mark, "restarted"))}" stroke="#c62f2f" stroke-width="1.5" stroke-dasharray="2 5" stroke-linecap="round"/>`;
    })
    .filter(Boolean)
    .join("\n");
}

function marksInRows(marks: readonly Mark[], workers: readonly string[], { x, middle }: Scene): string {
  return workers
    .flatMap((worker) => {
      let free = 0;
      return marks
        .filter((mark) => mark.worker === worker)
        .map(({ kind, atMs, caption }) => {
          // Marks of almost the same time are drawn beside one another.
          const at = Math.max(x(atMs), free);
          free = at + 2 * MARK_RADIUS + 3;
          return sign(kind, at, middle(worker)) + captionText(kind, caption, at, middle(worker));
        });
    })
    .join("\n");
}

function sign(kind: Mark["kind"], x: number, y: number): string {
  const { colour, path, text } = SIGNS[kind];
  return `<g transform="translate(${px(x)} ${y})"><title>${text}</title><circle r="${MARK_RADIUS}" fill="${colour}" stroke="#fff" stroke-width="1.5"/><path d="${path}" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" fill="${kind === "thawed" ? "#fff" : "none"}"/></g>`;
}

/** The approximate width of a letter of a caption. */
const LETTER = 6.8;

/** Under the late write, refused or not: the moment that the picture is about. */
function captionText(kind: Mark["kind"], text: string | undefined, x: number, y: number): string {
  if (text === undefined) return "";
  const half = (text.length * LETTER) / 2;
  const at = Math.min(Math.max(x, LEFT + half), WIDTH - RIGHT - half);
  return `<text x="${px(at)}" y="${px(y + ROW / 2 - 3)}" text-anchor="middle" font-size="12" font-weight="700" fill="${SIGNS[kind].colour}">${escapeText(text)}</text>`;
}

const LEGEND_ROW = 24;

function legend(kinds: readonly Mark["kind"][], y: number): { entries: string; rows: number } {
  let [x, rows] = [32, 1];
  const entries = kinds.map((kind) => {
    const { text } = SIGNS[kind];
    const width = 44 + text.length * 7;
    if (x + width > WIDTH) {
      x = 32;
      rows += 1;
    }
    const at = y + (rows - 1) * LEGEND_ROW;
    const entry = `${sign(kind, x, at)}<text x="${px(x + 15)}" y="${at + 4.5}" font-size="12">${text}</text>`;
    x += width;
    return entry;
  });
  return { entries: entries.join("\n"), rows };
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeText(text: string): string {
  return (
    text
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
      // XML does not allow these characters.
      .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd]/g, "?")
  );
}
