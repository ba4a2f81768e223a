import { Progress } from "./progress.js";
import { simulateSessions } from "./sessions.js";
import { type SessionsRun, sessionsPlanOf } from "./sessions-plan.js";

/** `npm run simulate -- --sessions`. Returns the exit code. */
export async function runSessions(
  first: number,
  seeds: number,
  { trace, json }: { readonly trace: boolean; readonly json: boolean },
): Promise<number> {
  if (trace) {
    const run = await simulateSessions(sessionsPlanOf(first), (line) => process.stdout.write(`${line}\n`));
    return run.violation ? 1 : 0;
  }
  const progress = new Progress("seeds", seeds);
  const runs: SessionsRun[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    runs.push(await simulateSessions(sessionsPlanOf(seed)));
    progress.reached(runs.length);
  }
  progress.done();
  const faults: Record<string, number> = {};
  for (const run of runs)
    for (const [kind, times] of Object.entries(run.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  const sum = (of: (run: SessionsRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const violations = runs.flatMap(({ seed, violation }) =>
    violation ? [{ seed, promise: violation.promise, message: violation.message }] : [],
  );
  const report = {
    seeds,
    first,
    simulatedHours: Math.round(sum(({ simulatedMs }) => simulatedMs) / 36_000) / 100,
    steps: sum(({ steps }) => steps),
    elections: sum(({ elections }) => elections),
    faults,
    violations,
  };
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    process.stdout.write(
      `${seeds} histories of sessions from seed ${first}: ${report.simulatedHours} simulated hours, ` +
        `${report.elections} elections, faults: ${JSON.stringify(faults)}\n`,
    );
    for (const { seed, message } of violations)
      process.stdout.write(
        `seed ${seed}: ${message}\n  npm run simulate -- --sessions --seed ${seed} --trace\n`,
      );
    process.stdout.write(violations.length === 0 ? "no promise was broken\n" : "");
  }
  return violations.length > 0 ? 1 : 0;
}
