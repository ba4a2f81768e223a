import type { Outcome } from "./crew.js";
import type { Kind } from "./kinds.js";

export interface Found {
  readonly seed: number;
  readonly promise: string;
  readonly violation: string;
  shrunk?: { readonly candidates: number; readonly faults: number; readonly trace: readonly string[] };
}

export interface Report {
  readonly kind: Kind;
  readonly profile: "within the assumptions" | "broken clocks";
  readonly seeds: number;
  readonly firstSeed: number;
  readonly steps: number;
  readonly elections: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: Found[];
  /** Only with broken clocks may this be more than 0. */
  readonly exclusionBroken: { readonly seeds: number; readonly steps: number };
  readonly simulatedHours: number;
  readonly jobs: number;
  readonly seedsPerSecond: number;
}

export class Tally {
  seeds = 0;
  #steps = 0;
  #elections = 0;
  #simulatedMs = 0;
  readonly #faults: Record<string, number> = {};
  readonly #violations: Found[] = [];
  readonly #exclusionBroken = { seeds: 0, steps: 0 };
  readonly #startMs = performance.now();

  constructor(
    private readonly kind: Kind,
    private readonly first: number,
    private readonly broken: boolean,
    private readonly jobs: number,
  ) {}

  add({ seed, steps, elections, faults, simulatedMs, exclusionBroken, violation }: Outcome): void {
    this.seeds += 1;
    this.#steps += steps;
    this.#elections += elections;
    this.#simulatedMs += simulatedMs;
    for (const [kind, count] of Object.entries(faults))
      this.#faults[kind] = (this.#faults[kind] ?? 0) + count;
    this.#exclusionBroken.steps += exclusionBroken;
    if (exclusionBroken > 0) this.#exclusionBroken.seeds += 1;
    if (violation) this.#violations.push({ seed, promise: violation.promise, violation: violation.message });
  }

  report(): Report {
    const seconds = (performance.now() - this.#startMs) / 1_000;
    return {
      kind: this.kind,
      profile: this.broken ? "broken clocks" : "within the assumptions",
      seeds: this.seeds,
      firstSeed: this.first,
      steps: this.#steps,
      elections: this.#elections,
      faults: this.#faults,
      violations: this.#violations.sort((a, b) => a.seed - b.seed),
      exclusionBroken: this.#exclusionBroken,
      simulatedHours: Math.round(this.#simulatedMs / 36_000) / 100,
      jobs: this.jobs,
      seedsPerSecond: Math.round((this.seeds / seconds) * 10) / 10,
    };
  }
}

export function inWords(report: Report): string {
  const { seeds, firstSeed, violations, exclusionBroken } = report;
  const faults = Object.entries(report.faults).sort(([, a], [, b]) => b - a);
  const broken = report.profile === "broken clocks" ? " --broken" : "";
  const again = report.kind === "elections" ? broken : ` --${report.kind}`;
  return [
    `${seeds} seeds of ${report.kind} from ${firstSeed}, ${report.profile}: ${report.simulatedHours} simulated hours, ` +
      `${report.elections} elections, ${report.steps} steps, ${report.seedsPerSecond} seeds/s on ${report.jobs} threads`,
    `faults: ${faults.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    ...(broken
      ? [
          `exclusion broken in ${exclusionBroken.seeds} seeds (${exclusionBroken.steps} steps), fencing in none except those below`,
        ]
      : []),
    ...violations.flatMap(({ seed, violation, shrunk }) => [
      `seed ${seed} breaks ${violation} (npm run simulate -- --seed ${seed}${again} --trace)`,
      ...(shrunk
        ? [
            `  shrunk to ${shrunk.candidates} candidates and ${shrunk.faults} faults:`,
            ...shrunk.trace.map((line) => `  ${line}`),
          ]
        : []),
    ]),
    `${violations.length} violations`,
    "",
  ].join("\n");
}
