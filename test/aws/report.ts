import type { Figure, PartResult } from "./part.js";
import { dollars } from "./plan.js";

export interface Report {
  readonly about: {
    /** Undefined: it is not AWS. */
    readonly region: string | undefined;
    readonly endpoint: string | undefined;
    readonly incumbent: string;
    readonly commit: string;
    readonly node: string;
    readonly sdk: string;
    readonly platform: string;
  };
  readonly startedAt: string;
  readonly minutes: number;
  readonly seed: number;
  readonly leaseMs: number;
  readonly units: { readonly reads: number; readonly writes: number };
  /** Why it ended early. */
  readonly ended: string | undefined;
  /** What could not be removed. */
  readonly left: string | undefined;
  readonly results: readonly PartResult[];
  readonly files: readonly { readonly name: string; readonly lines: number; readonly sha256: string }[];
}

export type Overall = "PASSED" | "FAILED" | "INCOMPLETE";

export function overallOf({ results, ended }: Pick<Report, "results" | "ended">): Overall {
  const some = (verdict: PartResult["verdict"]) => results.some((result) => result.verdict === verdict);
  if (some("failed")) return "FAILED";
  return ended !== undefined || some("unfinished") || results.length === 0 ? "INCOMPLETE" : "PASSED";
}

const MEANING: Record<Overall, string> = {
  PASSED: "Every part that ran found what is promised.",
  FAILED:
    "Something that is promised, or on which a promise depends, did not hold. See the parts that failed.",
  INCOMPLETE: "Nothing was found that breaks a promise, but not every part came to its end.",
};

const ABOUT: Record<string, string> = {
  verbs:
    "Each request of the client, one after the other: is it answered as the client reads it, and how long does it take?",
  conflicts: "Many writes of one item at once: does what callers are told add up to what the item shows?",
  ticks: "`runOnce` of one tick by five candidates at once: does each tick complete once?",
  succession:
    "Processes that are killed, frozen and asked to step down: are two leaders never trusted at once, do terms increase, is no stale write applied? A leader counts as trusted from the first to the last moment at which it said so by its own clocks; this process's clock orders those moments.",
  policies: "A candidate with the least rights: can it do its work, and is everything else refused?",
  tokens: "`ClientRequestToken`: what does DynamoDB do when one comes again?",
  headers: "`Date` headers: does every answer have one, and do they fit one clock?",
};

/** The report for people. Everything in it is in `report.json` too. */
export function markdown(report: Report): string {
  const { about, results, units, files } = report;
  const overall = overallOf(report);
  const where = about.region === undefined ? "a server that is NOT AWS" : `DynamoDB in ${about.region}`;
  const notDone = results.filter(({ verdict }) => verdict === "skipped" || verdict === "unfinished");
  const left = results.filter(({ verdict }) => verdict === "skipped").map(({ part }) => part);
  return `# incumbent on ${where}: ${overall}${left.length > 0 ? ` (skipped: ${left.join(", ")})` : ""}

${MEANING[overall]}${report.ended ? ` The run ended early: ${report.ended}` : ""}
${about.region === undefined ? `\nThe endpoint was ${about.endpoint}. So this report says nothing about AWS.\n` : ""}
## Verdicts

${results.map(({ part, verdict, summary }) => `- **${part}: ${verdict}.** ${summary}`).join("\n")}

## Not done, and why

${notDone.map(({ part, summary }) => `- ${part}: ${summary}`).join("\n") || "- Nothing was left out of what this run can do."}
- Faults of the network: requests and answers that are lost, late or doubled. \`npm run chaos\` and \`npm run simulate\` have them, without AWS.
- Wrong clocks, deleted rows, restores, throttling on purpose, several Regions.
- One run says what was seen here and then. It is no proof.

## The run

- Started ${report.startedAt}, took ${report.minutes} minutes. Seed ${report.seed}, lease ${report.leaseMs} ms.
- incumbent ${about.incumbent} (commit ${about.commit}), Node ${about.node}, AWS SDK ${about.sdk}, ${about.platform}.
- Used ${units.reads} read units and ${units.writes} write units: about USD ${dollars(units.reads, units.writes)} at the prices of us-east-1.
- ${report.left === undefined ? "What the run made was removed." : `This could NOT be removed: ${report.left}. Remove it: npm run verify:aws -- --clean`}

${results.map(partInWords).join("\n")}
## Check it yourself

The verdicts on histories are made by programs that read the files below. They can be made again:
\`npm run verify:aws -- --check <this folder>\`. The programs are \`test/chaos/checker.ts\` (processes), \`test/aws/tick-checker.ts\`,
\`test/aws/count-checker.ts\` and \`test/aws/dates.ts\` (requests). Tests give them forged histories and see that each fault is found.

${files.map(({ name, lines, sha256 }) => `- \`${name}\`: ${lines} lines, SHA-256 \`${sha256}\``).join("\n")}
- \`report.json\`: this report.
`;
}

function partInWords({ part, verdict, summary, violations, notes, figures }: PartResult): string {
  return [
    `## ${part}: ${verdict}`,
    ...(ABOUT[part] ? [ABOUT[part]] : []),
    summary,
    ...(violations.length > 0 ? [violations.map((violation) => `- **${violation}**`).join("\n")] : []),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
    ...(figures.length > 0 ? [tableOf(figures)] : []),
  ]
    .map((block) => `${block}\n`)
    .join("\n");
}

function tableOf(figures: readonly Figure[]): string {
  return [
    "| milliseconds | n | p50 | p99 | max |",
    "|---|---|---|---|---|",
    ...figures.map(({ name, n, p50, p99, max }) => `| ${name} | ${n} | ${p50} | ${p99} | ${max} |`),
  ].join("\n");
}
