import { simulatePartitions } from "./partitions.js";
import type { PartitionsRun } from "./partitions-plan.js";
import { Progress } from "./progress.js";

/** `npm run simulate -- --partitions`. Returns the exit code. */
export async function runPartitions(
  first: number,
  seeds: number,
  { trace, json }: { readonly trace: boolean; readonly json: boolean },
): Promise<number> {
  if (trace) {
    const run = await simulatePartitions(first, (line) => process.stdout.write(`${line}\n`));
    return run.violation ? 1 : 0;
  }
  const progress = new Progress("seeds", seeds);
  const runs: PartitionsRun[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    runs.push(await simulatePartitions(seed));
    progress.reached(runs.length);
  }
  progress.done();
  const changes: Record<string, number> = {};
  for (const run of runs)
    for (const [kind, times] of Object.entries(run.changes)) changes[kind] = (changes[kind] ?? 0) + times;
  const sum = (of: (run: PartitionsRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const violations = runs.flatMap(({ seed, violation }) =>
    violation ? [{ seed, promise: violation.promise, message: violation.message }] : [],
  );
  const report = {
    seeds,
    first,
    simulatedHours: Math.round(sum(({ simulatedMs }) => simulatedMs) / 36_000) / 100,
    steps: sum(({ steps }) => steps),
    starts: sum(({ starts }) => starts),
    changes,
    violations,
  };
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    process.stdout.write(
      `${seeds} histories of partitions from seed ${first}: ${report.simulatedHours} simulated hours, ` +
        `${report.starts} times work began, changes in calm weather: ${JSON.stringify(changes)}\n`,
    );
    for (const { seed, message } of violations)
      process.stdout.write(
        `seed ${seed}: ${message}\n  npm run simulate -- --partitions --seed ${seed} --trace\n`,
      );
    process.stdout.write(violations.length === 0 ? "no promise was broken\n" : "");
  }
  return violations.length > 0 ? 1 : 0;
}
