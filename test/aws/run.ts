import { mkdirSync } from "node:fs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ErrorSummary } from "../../src/error-summary.js";
import { IncumbentError } from "../../src/errors.js";
import type { Connection } from "../chaos/messages.js";
import { conflicts } from "./conflicts.js";
import { guardTable } from "./guard.js";
import { headers } from "./headers.js";
import { meter, type Units } from "./meter.js";
import { NO_TRANSACTIONS, type Pace, type PartResult, type RawFile, type Stage, skipped } from "./part.js";
import { policies } from "./policies.js";
import { type RequestSample, record } from "./recorder.js";
import type { Report } from "./report.js";
import { ReportFolder } from "./report-folder.js";
import { succession } from "./succession.js";
import { ticks } from "./ticks.js";
import { TOKEN_WAIT_MS, type TokensBegun, tokens } from "./tokens.js";
import { verbs } from "./verbs.js";
import { type GivenTable, newWorkspace, open, remove } from "./workspace.js";

export interface RunSettings {
  readonly connection: Connection;
  /** Undefined: the run makes one. */
  readonly table: GivenTable | undefined;
  readonly candidateProfile: string | undefined;
  readonly pace: Pace;
  readonly seed: number;
  /** It ends when it has used this many read or write units. */
  readonly maxUnits: number;
  /** What the ten minutes of a token are waited for with. Undefined: they are not waited for. */
  readonly wait: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
  /** Where the report goes. */
  readonly folder: string;
  /** Ends the run: its reason is told. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly progress: (what: string) => void;
  /** What the report says about where it ran. */
  readonly about: Report["about"];
}

const REMOVE_WITHIN_MS = 300_000;

/** One run, from the table's creation to its removal and the report. It does not reject because a part failed. */
export async function run(settings: RunSettings): Promise<Report> {
  const { connection, signal, say, pace, maxUnits } = settings;
  const budget = new AbortController();
  const ends = AbortSignal.any([signal, budget.signal]);
  const samples: RequestSample[] = [];
  const units = { reads: 0, writes: 0 };
  const used = ({ reads, writes }: Units) => {
    units.reads += reads;
    units.writes += writes;
    const most = Math.max(units.reads, units.writes);
    if (most >= maxUnits) budget.abort(new Error(`It used ${maxUnits} units, which is its limit.`));
  };
  const newClient = (maxAttempts: number) => {
    const client = new DynamoDBClient({ ...connection, maxAttempts });
    record(client, samples);
    meter(client, used);
    return client;
  };
  const workspace = newWorkspace(settings.table);
  const { tableName } = workspace;
  const folder = new ReportFolder(settings.folder);
  const stageOf = (transactions: boolean): Stage => ({
    ...workspace,
    transactions,
    ...{ client, onceClient: newClient(1), connection, pace, samples, used },
    ...{ seed: settings.seed, signal: ends, progress: settings.progress },
    keep: (file: RawFile, lines) => folder.keep(file, lines),
  });
  const client = newClient(3);
  mkdirSync(settings.folder, { recursive: true });
  const startedAt = new Date();
  const results: PartResult[] = [];
  const guard = await guardTable(connection, workspace);
  let removed = false;
  try {
    say(workspace.ownTable ? `table ${tableName}` : `table ${tableName}, rows ${workspace.prefix}*`);
    const { account, transactions } = await open(client, workspace, settings.table?.strong);
    guard.created();
    folder.hide(account);
    await parts(stageOf(transactions), settings, results);
  } finally {
    settings.progress(workspace.ownTable ? "the table is removed" : "the rows of this run are removed");
    removed = await remove(client, workspace, { withinMs: REMOVE_WITHIN_MS });
    if (removed) guard.done();
  }
  folder.keep("requests.jsonl", samples);
  const report: Report = {
    about: settings.about,
    startedAt: startedAt.toISOString(),
    minutes: Math.round((Date.now() - startedAt.getTime()) / 6_000) / 10,
    seed: settings.seed,
    leaseMs: pace.leaseMs,
    units: { reads: Math.ceil(units.reads), writes: Math.ceil(units.writes) },
    ended: ends.aborted ? inWords(ends.reason) : undefined,
    left: removed
      ? undefined
      : workspace.ownTable
        ? `the table ${tableName}`
        : `rows ${workspace.prefix}* in ${tableName}`,
    results,
    files: [],
  };
  return folder.write(report);
}

async function parts(stage: Stage, settings: RunSettings, results: PartResult[]): Promise<void> {
  const { say } = settings;
  const part = async (name: string, work: () => Promise<PartResult>) => {
    const found = await attempt(name, stage.signal, work);
    results.push(found);
    say(`${MARKS[found.verdict]} ${name}: ${found.summary}`);
    for (const violation of found.violations) say(`    ${violation}`);
  };
  let begun: TokensBegun | undefined;
  if (stage.transactions)
    await attempt("tokens", stage.signal, async () => {
      begun = await tokens(stage);
      return begun.found;
    });
  await part("verbs", () => verbs(stage));
  await part("conflicts", () => conflicts(stage));
  await part("ticks", () => ticks(stage));
  await part("succession", () => succession(stage));
  await part("policies", () => policies(stage, settings.candidateProfile));
  await part("tokens", async () => {
    if (!stage.transactions) return skipped("tokens", NO_TRANSACTIONS);
    begun ??= await tokens(stage);
    if (settings.wait === undefined || begun.found.verdict === "failed") return begun.found;
    const leftMs = begun.completedMs + TOKEN_WAIT_MS - performance.now();
    if (leftMs > 0) stage.progress(`ten minutes are not over yet: ${Math.ceil(leftMs / 60_000)} more`);
    await settings.wait(Math.max(0, leftMs), stage.signal);
    return begun.later();
  });
  await part("headers", async () => headers(stage));
}

const MARKS = { passed: "✓", failed: "✗", skipped: "–", unfinished: "?" } as const;

/** An error says nothing about what is promised: the part is unfinished. */
async function attempt(
  part: string,
  signal: AbortSignal,
  work: () => Promise<PartResult>,
): Promise<PartResult> {
  const unfinished = (summary: string): PartResult => {
    return { part, verdict: "unfinished", summary, violations: [], notes: [], figures: [] };
  };
  if (signal.aborted) return unfinished("It was not begun.");
  try {
    return await work();
  } catch (error) {
    return unfinished(signal.aborted ? inWords(signal.reason) : inWords(error));
  }
}

/** Messages of AWS can name an account, so only our own are repeated. */
function inWords(error: unknown): string {
  if (typeof error === "string") return `It was ended by ${error}.`;
  if (error instanceof IncumbentError) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError") return "Its time was over.";
  const { name, message } = error as Error;
  return name === "Error" ? message : `${name}: ${new ErrorSummary(error).message}`;
}
