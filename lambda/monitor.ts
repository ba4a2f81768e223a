import { Logger } from "@aws-lambda-powertools/logger";
import { Tracer } from "@aws-lambda-powertools/tracer";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { leaderHandler } from "../src/lambda/index.js";
import type { Lease } from "../src/protocol/lease.js";
import { type RowAt, TableReader } from "../src/views/table-reader.js";
import { figuresOf, HOUR_MS, neverRun, termOfLastTick, withNeverRun } from "./election-report.js";
import { monitorElection, settingsOf, type Watched } from "./monitor-settings.js";
import { isExpired, MAX_PRUNED, pruneRows } from "./prune.js";
import { publishElections, publishRun } from "./publish.js";
import { byElection, type Known, sessionsMissing } from "./table-rows.js";
import { WatchedRow } from "./watched.js";

/**
 * Reads every election of a table, once per tick of its schedule. It elects itself on the same table, so two deployments,
 * or two deliveries of one tick, publish once.
 */

const SERVICE = { serviceName: "incumbent-monitor" };
const logger = new Logger(SERVICE);
/** Each request to the table is a subsegment, if the function is traced. */
const client = new Tracer(SERVICE).captureAWSv3Client(new DynamoDBClient({}));

/** Short, because each of its runs is a term. */
const HISTORY_RETENTION_MS = 86_400_000;

export const handler = leaderHandler(
  async (leadership, { signal }) => {
    const { namespace, prune, watched } = settingsOf(process.env);
    // leaderHandler refuses to run without it.
    const tableName = process.env.INCUMBENT_TABLE as string;
    const reader = new TableReader(client, tableName, signal);
    const rows: RowAt[] = [];
    const expired: RowAt[] = [];
    for await (const row of reader.rows({ termsWithinMs: HOUR_MS, expired: prune })) {
      if (!isExpired(row)) rows.push(row);
      else if (expired.length < MAX_PRUNED) expired.push(row);
    }
    const others = new Map<string, Lease>();
    for (const id of sessionsMissing(rows)) {
      const session = await reader.session(id);
      if (session) others.set(id, session);
    }
    const { known, malformed } = byElection(rows, others);
    for (const { key, problem } of malformed) logger.warn("malformed row, left as it is", { key, problem });
    const existing = [];
    for (const one of known) existing.push(figuresOf(await withLastTick(reader, one)));
    const atMs = reader.nowMs();
    const since = await watchedRow(tableName, signal, watched)?.record(neverRun(existing, watched), atMs);
    const elections = since ? withNeverRun(existing, watched, since, atMs) : existing;

    // After a freeze this function must not publish beside its successor.
    leadership.throwIfLost();
    publishElections(namespace, tableName, elections);
    // Pruning comes last: if it fails, the figures are published, and the missing run shows the failure.
    const rowsPruned = prune ? await pruneRows(client, tableName, expired, signal) : undefined;
    publishRun(namespace, tableName, { malformedRows: malformed.length, rowsPruned });
    return { elections: elections.length, malformedRows: malformed.length, rowsPruned };
  },
  {
    client,
    election: monitorElection(process.env),
    once: "tick",
    // The next run comes soon, so a second function need not wait, and a missed run need not be made up for.
    standBy: false,
    onMissedTick: "return",
    tuning: { historyRetentionMs: HISTORY_RETENTION_MS },
  },
);

/** Undefined: no election is watched, so no row is needed. */
function watchedRow(tableName: string, signal: AbortSignal, { elections, jobs }: Watched) {
  if (elections.length + jobs.length === 0) return undefined;
  return new WatchedRow(client, tableName, monitorElection(process.env), signal);
}

/** Adds the term that completed the last tick, if only older history shows when. */
async function withLastTick(reader: TableReader, known: Known): Promise<Known> {
  const wanted = termOfLastTick(known.lease);
  if (wanted === undefined || known.terms.some(({ term }) => term === wanted)) return known;
  const row = await reader.term(known.election, wanted);
  return row?.kind === "term" ? { ...known, terms: [...known.terms, row.record] } : known;
}
