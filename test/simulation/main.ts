import { parseArgs } from "node:util";
import { simulate } from "./simulate.js";

/** `npm run simulate -- --seeds 1000` · `-- --seed 7 --trace` · `-- --broken` · `-- --json` */

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    broken: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const HELP = `npm run simulate -- [options]
  --seeds N   how many histories of ten simulated minutes, from a random seed on (default 1000)
  --seed S    only (or first) this seed
  --trace     tell the story of one seed
  --broken    clocks beyond the assumptions: exclusion may fail then, fencing may not
  --json      print one JSON object
`;

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
  const seeds = values.trace ? 1 : values.seed !== undefined && !values.seeds ? 1 : Number(values.seeds);
  if (!Number.isSafeInteger(first) || first < 0 || !Number.isSafeInteger(seeds) || seeds < 1) {
    process.stderr.write("simulate: --seed and --seeds must be whole numbers; 1000 would do.\n");
    return 2;
  }
  const sum = { steps: 0, elections: 0, simulatedMs: 0, exclusionBroken: 0 };
  const faults: Record<string, number> = {};
  const violations: Array<{ seed: number; violation: string }> = [];
  const startMs = performance.now();
  for (let seed = first; seed < first + seeds; seed++) {
    const run = await simulate(seed, {
      broken: values.broken,
      ...(values.trace && { trace: (line: string) => process.stderr.write(`${line}\n`) }),
    });
    sum.steps += run.steps;
    sum.elections += run.elections;
    sum.simulatedMs += run.simulatedMs;
    sum.exclusionBroken += run.exclusionBroken;
    for (const [kind, count] of Object.entries(run.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    if (run.violation) violations.push({ seed, violation: run.violation.message });
    progress(seed - first + 1, seeds, startMs);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const report = {
    seeds,
    firstSeed: first,
    steps: sum.steps,
    elections: sum.elections,
    faults,
    violations,
    exclusionBroken: sum.exclusionBroken,
    simulatedHours: Math.round(sum.simulatedMs / 36_000) / 100,
    seedsPerSecond: Math.round((seeds / seconds) * 10) / 10,
  };
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : inWords(report));
  return violations.length > 0 ? 1 : 0;
}

function progress(done: number, all: number, startMs: number): void {
  if (!process.stderr.isTTY || values.trace) return;
  const rate = done / ((performance.now() - startMs) / 1_000);
  const left = Math.ceil((all - done) / rate);
  process.stderr.write(
    `\r${done} of ${all} seeds, ${rate.toFixed(1)}/s, ${left} s left   ${done === all ? "\n" : ""}`,
  );
}

function inWords(report: {
  seeds: number;
  firstSeed: number;
  elections: number;
  simulatedHours: number;
  seedsPerSecond: number;
  exclusionBroken: number;
  violations: Array<{ seed: number; violation: string }>;
}): string {
  const lines = [
    `${report.seeds} seeds from ${report.firstSeed}: ${report.simulatedHours} simulated hours, ` +
      `${report.elections} elections, ${report.seedsPerSecond} seeds/s`,
    ...(values.broken
      ? [`exclusion broken at ${report.exclusionBroken} steps (clocks beyond the assumptions)`]
      : []),
    ...report.violations.map(({ seed, violation }) => `seed ${seed}: ${violation}`),
    `${report.violations.length} violations`,
  ];
  return `${lines.join("\n")}\n`;
}

process.exitCode = await main();
