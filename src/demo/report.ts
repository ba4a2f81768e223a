import type { Audit } from "./audit.js";
import { type Failover, type SceneKind, type Story, seconds } from "./story.js";
import type { Style } from "./style.js";

/** What `--json` prints. The text report has the same facts. */
export interface Report {
  readonly ok: boolean;
  /** What went wrong, one sentence for each problem. */
  readonly problems: readonly string[];
  readonly fencing: boolean;
  readonly leaseMs: number;
  readonly order: string;
  readonly candidates: number;
  readonly payments: number;
  readonly appliedOnce: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly staleWritesRefused: number;
  readonly accounts: number;
  readonly wrongBalances: number;
  readonly terms: ReadonlyArray<{
    readonly term: number;
    readonly worker: string;
    /** Only in order of rank. */
    readonly rank?: number | undefined;
    readonly electedAt: string;
    /** When its trust ended. Null: it led to the end. */
    readonly endedAt: string | null;
    /** The payments under it, by the table. */
    readonly payments: number;
  }>;
  readonly failovers: readonly Failover[];
  /** Scenes that were left out because there were too few payments. */
  readonly skipped: readonly SceneKind[];
  /** The picture's file. Null: it could not be written. */
  readonly timeline: string | null;
}

export interface Facts {
  readonly audit: Audit;
  readonly story: Story;
  readonly workers: ReadonlyArray<{ readonly label: string; readonly rank: number | undefined }>;
  readonly skipped: readonly SceneKind[];
  readonly hadLateWrite: boolean;
  readonly fencing: boolean;
  readonly leaseMs: number;
  readonly order: string;
  readonly candidates: number;
  readonly timeline: string | null;
}

/** Makes the report. Pure. */
export function report(facts: Facts): Report {
  const { audit, story, workers, fencing, leaseMs, order, candidates, skipped, timeline } = facts;
  const problems = problemsOf(facts);
  return {
    ok: problems.length === 0,
    problems,
    fencing,
    leaseMs,
    order,
    candidates,
    payments: audit.payments,
    appliedOnce: audit.appliedOnce,
    duplicates: audit.duplicates.length,
    lost: audit.lost.length,
    staleWritesRefused: audit.staleWritesRefused,
    accounts: audit.accounts,
    wrongBalances: audit.wrongBalances.length,
    terms: story.terms.map(({ term, worker, electedAtMs, endedAtMs }) => ({
      term,
      worker,
      rank: workers.find(({ label }) => label === worker)?.rank,
      electedAt: story.timeOf(electedAtMs),
      endedAt: endedAtMs === undefined ? null : story.timeOf(endedAtMs),
      payments: audit.perTerm.get(term) ?? 0,
    })),
    failovers: story.failovers,
    skipped,
    timeline,
  };
}

function problemsOf({ audit, story, fencing, hadLateWrite }: Facts): string[] {
  const problems: string[] = [];
  for (const { id, terms } of audit.duplicates.slice(0, 5)) {
    problems.push(`Payment ${id} was applied more than once, under terms ${terms.join(" and ")}.`);
  }
  if (audit.duplicates.length > 5)
    problems.push(`${audit.duplicates.length - 5} more payments were applied more than once.`);
  if (audit.lost.length > 0)
    problems.push(`${audit.lost.length} payments were never applied; the first is ${audit.lost[0]}.`);
  if (audit.wrongBalances.length > 0) {
    const names = audit.wrongBalances
      .slice(0, 5)
      .map((key) => key.replace(/^account#/, "").replace("#", " in "));
    problems.push(`These balances are wrong: ${names.join(", ")}.`);
  }
  if (fencing && hadLateWrite && audit.staleWritesRefused === 0)
    problems.push("The late write of the thawed leader was not refused.");
  if (story.terms.some(({ term }, i) => i > 0 && term <= (story.terms[i - 1]?.term ?? 0)))
    problems.push(`Terms do not strictly increase: ${story.terms.map(({ term }) => term).join(", ")}.`);
  return problems;
}

/** The report as text. */
export function reportText(report: Report, style: Style): string {
  const count = (n: number, what: string) => `${n.toLocaleString("en")} ${what}`;
  const bad = (n: number, text = String(n)) => (n > 0 ? style("red", text) : text);
  const { failovers, terms } = report;
  const rows: Array<[string, string]> = [
    ["payments", `${count(report.payments, "in")}, ${count(report.appliedOnce, "applied exactly once")}`],
    ["duplicates", bad(report.duplicates)],
    ["lost", bad(report.lost)],
    [
      "stale writes",
      report.fencing ? `${report.staleWritesRefused} refused by the table` : "none refused: no fence",
    ],
    [
      "balances",
      `${count(report.accounts, "accounts")}, ${bad(report.wrongBalances, `${report.wrongBalances} wrong`)}`,
    ],
    ...terms.map((term, i): [string, string] => [i === 0 ? "terms" : "", termText(term)]),
    ...failovers.map(({ kind, fromTerm, toTerm, ms, leases }, i): [string, string] => [
      i === 0 ? "hand-overs" : "",
      `${kind.padEnd(8)}  term ${fromTerm} → ${toTerm}  ${seconds(ms).padStart(7)}  ${leases.toFixed(2)} leases`,
    ]),
    ...(report.skipped.length > 0
      ? [["left out", `${report.skipped.join(", ")}: too few payments (4 are enough)`] as [string, string]]
      : []),
    ["timeline", report.timeline ?? "could not be written"],
  ];
  const table = rows.map(([name, text]) => `  ${style("dim", name.padEnd(12))}  ${text}`);
  return ["", style("bold", "Audit, read from the table"), ...table, "", ...verdict(report, style)].join(
    "\n",
  );
}

function termText({ term, worker, rank, payments }: Report["terms"][number]): string {
  return `${term}  ${worker}${rank === undefined ? "" : ` (rank ${rank})`}, ${payments} payments`;
}

function verdict({ ok, problems, fencing, payments }: Report, style: Style): string[] {
  if (ok && fencing)
    return [style(["green", "bold"], `PASSED: ${payments} payments, each applied exactly once.`)];
  if (ok) return ["Nothing went wrong this time. Without fencing that was luck."];
  const lines = [style(["red", "bold"], "FAILED"), ...problems.map((problem) => `  ${problem}`)];
  if (fencing) return lines;
  return [
    ...lines,
    "",
    "This is what happens without fencing. The frozen leader checked that it leads, just before it was frozen. When it",
    "continued, another leader had made the payment, and the table could not know that the write was out of date.",
    "With the fence (the default) DynamoDB checks the term in the same transaction and refuses that write.",
  ];
}
