/** One line of the result. */
export interface Row {
  readonly part: string;
  readonly name: string;
  readonly unit: string;
  readonly figures: Readonly<Record<string, number>>;
  /** Undefined: measured for comparison only. */
  readonly target: string | undefined;
  readonly met: boolean | undefined;
  /** The conditions of the measurement. */
  readonly context: Readonly<Record<string, number>>;
  readonly samples: readonly number[];
  /** The point of a chart (`--svg`): one chart for all rows that name the same. */
  readonly point?: Point | undefined;
}

export interface Point {
  readonly chart: string;
  readonly at: number;
  readonly value: number;
  /** Drawn as a line across the chart. */
  readonly target?: number | undefined;
}

export interface Report {
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly trials: number;
  readonly node: string;
  readonly cores: number;
  /** Of the last 15 minutes. If it is well above the number of cores, the figures show the machine. */
  readonly load: number;
  readonly minutes: number;
  /** Why the peer could not be measured. */
  readonly peerMissing: string | undefined;
  readonly rows: readonly Row[];
}

/** A table for each part of the run, a mark for each target. */
export function inWords({ rows, ...run }: Report): string {
  const parts = [...new Set(rows.map(({ part }) => part))];
  const { leaseMs, renewMs, trials, node, cores, load, minutes, peerMissing } = run;
  const judged = rows.filter(({ met }) => met !== undefined);
  const met = judged.filter((one) => one.met).length;
  return [
    `lease ${leaseMs} ms, renewed every ${renewMs} ms, ${trials} trials; ${minutes} min, ${cores} cores, load ${load}, Node ${node}`,
    "",
    ...parts.map((part) =>
      tableOf(
        part,
        rows.filter((one) => one.part === part),
      ),
    ),
    ...(peerMissing === undefined ? [] : [`the peer was not measured: ${peerMissing}`]),
    `${met} of ${judged.length} targets met${met < judged.length ? " ✗" : " ✓"}`,
    "",
  ].join("\n");
}

/** Rows that follow each other and have the same figures share a heading. */
function tableOf(part: string, rows: readonly Row[]): string {
  const context = Object.entries(rows[0]?.context ?? {}).map(([what, value]) => `${what} ${value}`);
  const lines = [[" ", `${part} (${context.join(", ")})`]];
  let heading = "";
  for (const { name, unit, figures, target, met } of rows) {
    const columns = Object.keys(figures);
    if (columns.join() !== heading) lines.push([" ", `  in ${unit}`, ...columns]);
    heading = columns.join();
    const mark = met === undefined ? " " : met ? "✓" : "✗";
    lines.push([mark, name, ...Object.values(figures).map(String), ...(target ? [`target: ${target}`] : [])]);
  }
  const widths = (lines[0] ?? []).map(() => 0);
  for (const line of lines.slice(1)) {
    line.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.startsWith("target: ") ? 0 : cell.length);
    });
  }
  const padded = (cell: string, i: number) =>
    i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return `${lines.map((line) => line.map(padded).join("  ").trimEnd()).join("\n")}\n`;
}
