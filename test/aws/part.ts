import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Connection } from "../chaos/messages.js";
import type { RequestSample } from "./recorder.js";

export type Verdict =
  | "passed"
  /** Something that is promised, or on which the promises depend, did not hold. */
  | "failed"
  | "skipped"
  /** It ended before it had an answer. */
  | "unfinished";

/** What one part of a run found. */
export interface PartResult {
  readonly part: string;
  readonly verdict: Verdict;
  /** One sentence: what was done, or why it was not. */
  readonly summary: string;
  /** What did not hold, one sentence each. */
  readonly violations: readonly string[];
  readonly notes: readonly string[];
  readonly figures: readonly Figure[];
}

/** One line of a table in the report. */
export interface Figure {
  readonly name: string;
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How much is done. A test does less of everything. */
export interface Pace {
  /** Lives of an election, verb by verb. */
  readonly cycles: number;
  /** No further cycle begins after this time. */
  readonly cyclesWithinMs: number;
  readonly conflictRounds: number;
  readonly ticks: number;
  readonly leaseMs: number;
  readonly kills: number;
  readonly freezes: number;
  readonly handOvers: number;
  /** In leases: how long a leader may be missing before a part gives up. */
  readonly leadWithin: number;
  /** The time between two writes of a leader. */
  readonly pauseMs: readonly [least: number, most: number];
}

/** What every part works with. */
export interface Stage {
  /** Its requests are recorded and metered. */
  readonly client: DynamoDBClient;
  /** One more, which sends each request once. */
  readonly onceClient: DynamoDBClient;
  readonly connection: Connection;
  readonly tableName: string;
  /** Begins each election's name, and each other partition key. */
  readonly prefix: string;
  /** False: --table named one that was there. */
  readonly ownTable: boolean;
  /** Tables with multi-Region strong consistency take none. */
  readonly transactions: boolean;
  readonly pace: Pace;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly samples: readonly RequestSample[];
  /** For the units of other processes. */
  readonly used: (units: { reads: number; writes: number }) => void;
  readonly progress: (what: string) => void;
  /** Keeps lines for the report's folder. */
  readonly keep: (file: RawFile, lines: readonly object[]) => void;
}

export type RawFile = "processes.jsonl" | "ticks.jsonl" | "counts.jsonl" | "requests.jsonl";

export function result(
  part: string,
  summary: string,
  violations: readonly string[],
  more: Partial<Pick<PartResult, "notes" | "figures">> = {},
): PartResult {
  const verdict = violations.length > 0 ? "failed" : "passed";
  return { part, verdict, summary, violations, notes: [], figures: [], ...more };
}

export const NO_TRANSACTIONS = "A table with multi-Region strong consistency takes no transactions.";

export function skipped(part: string, summary: string): PartResult {
  return { part, verdict: "skipped", summary, violations: [], notes: [], figures: [] };
}
