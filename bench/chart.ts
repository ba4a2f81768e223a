import type { Point, Row } from "./report.js";

const PANEL = { width: 430, height: 230 };
const PLOT = { left: 58, right: 24, top: 46, bottom: 44 };
const COLUMNS = 2;
const MARGIN = 16;

const INK = "#1f2933";
const FAINT = "#7b8794";
const LINE = "#2f6fb5";
const TARGET = "#c62f2f";
const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/**
 * One panel for each chart that the rows name, over a logarithmic axis, as an SVG. It has its own background, so that people
 * can read it on white and on dark pages. Undefined: no row is a point. Pure.
 */
export function chartsOf(rows: readonly Row[], title: string, axis: string): string | undefined {
  const points = rows.flatMap(({ point }) => (point ? [point] : []));
  const charts = [...new Set(points.map(({ chart }) => chart))];
  if (charts.length === 0) return undefined;
  const lines = Math.ceil(charts.length / COLUMNS);
  const width = 2 * MARGIN + COLUMNS * PANEL.width;
  const height = 2 * MARGIN + 36 + lines * PANEL.height;
  const panels = charts.map((chart, i) => {
    const x = MARGIN + (i % COLUMNS) * PANEL.width;
    const y = MARGIN + 36 + Math.floor(i / COLUMNS) * PANEL.height;
    const its = points.filter((point) => point.chart === chart);
    return `<g transform="translate(${x} ${y})">\n${panel(chart, its, axis)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title" font-family="${FONT}" font-size="12" fill="${INK}">
<title id="title">${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="#fbfcfd"/>
<text x="24" y="34" font-size="17" font-weight="600">${escaped(title)}</text>
${panels.join("\n")}
</svg>
`;
}

function panel(chart: string, points: readonly Point[], axis: string): string {
  const inner = {
    width: PANEL.width - PLOT.left - PLOT.right,
    height: PANEL.height - PLOT.top - PLOT.bottom,
  };
  const targets = [...new Set(points.flatMap(({ target }) => (target === undefined ? [] : [target])))];
  const decades = points.map(({ at }) => Math.log10(at));
  const [first, last] = [Math.floor(Math.min(...decades)), Math.ceil(Math.max(...decades))];
  const step = niceStep(Math.max(...points.map(({ value }) => value), ...targets));
  const top = step * Math.ceil(Math.max(...points.map(({ value }) => value), ...targets) / step + 0.001);
  const x = (at: number) => PLOT.left + ((Math.log10(at) - first) / Math.max(1, last - first)) * inner.width;
  const y = (value: number) => PLOT.top + inner.height - (Math.max(0, value) / top) * inner.height;
  const right = PLOT.left + inner.width;
  const bottom = PLOT.top + inner.height;

  const rules = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step).map(
    (value) =>
      `<path d="M${PLOT.left} ${at(y(value))}H${right}" stroke="#e4e7eb"/><text x="${PLOT.left - 8}" y="${at(y(value) + 4)}" text-anchor="end" fill="${FAINT}">${shown(value)}</text>`,
  );
  const sizes = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)).map(
    (size) =>
      `<text x="${at(x(size))}" y="${bottom + 18}" text-anchor="middle" fill="${FAINT}">${size.toLocaleString("en")}</text>`,
  );
  const goals = targets.map(
    (target) =>
      `<path d="M${PLOT.left} ${at(y(target))}H${right}" stroke="${TARGET}" stroke-dasharray="5 4"/><text x="${right}" y="${at(y(target) - 5)}" text-anchor="end" fill="${TARGET}">target ${shown(target)}</text>`,
  );
  const line = `<polyline points="${points.map((point) => `${at(x(point.at))},${at(y(point.value))}`).join(" ")}" fill="none" stroke="${LINE}" stroke-width="2"/>`;
  const dots = points.map(
    (point) =>
      `<circle cx="${at(x(point.at))}" cy="${at(y(point.value))}" r="3.5" fill="${LINE}"/><text x="${at(x(point.at))}" y="${at(y(point.value) - 9)}" text-anchor="middle" font-weight="600">${shown(point.value)}</text>`,
  );
  return [
    `<text x="${PLOT.left}" y="20" font-weight="600">${escaped(chart)}</text>`,
    ...rules,
    ...sizes,
    `<text x="${at(PLOT.left + inner.width / 2)}" y="${bottom + 36}" text-anchor="middle" fill="${FAINT}">${escaped(axis)}</text>`,
    ...goals,
    line,
    ...dots,
  ].join("\n");
}

/** 1, 2 or 5 times a power of ten: four to ten of them reach the value. */
function niceStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-9)));
  const part = most / power;
  return power * (part <= 2 ? 0.5 : part <= 5 ? 1 : 2);
}

const at = (value: number) => Math.round(value * 10) / 10;
const shown = (value: number) => (Math.round(value * 100) / 100).toLocaleString("en");

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
