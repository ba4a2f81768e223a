import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "../chaos/messages.js";
import type { Pace, PartResult, Stage } from "./part.js";
import type { Report } from "./report.js";
import { type RunSettings, run } from "./run.js";

/** A run that takes seconds. Longer leases than it needs, since others work on the machine. */
export const SHORT: Pace = {
  ...{ cycles: 2, cyclesWithinMs: 60_000, conflictRounds: 3, ticks: 3 },
  ...{ leaseMs: 1_200, kills: 1, freezes: 1, handOvers: 1, leadWithin: 50, pauseMs: [30, 60] },
};

const ABOUT = {
  ...{
    region: undefined,
    endpoint: "http://127.0.0.1",
    incumbent: "0",
    commit: "0",
    node: "v0",
    sdk: "0",
    platform: "none",
  },
};

export function rehearse(connection: Connection, more: Partial<RunSettings> = {}): Promise<Report> {
  return run({
    ...{
      connection,
      table: undefined,
      candidateProfile: undefined,
      pace: SHORT,
      seed: 1,
      maxUnits: 50_000,
      wait: undefined,
    },
    ...{
      folder: newFolder(),
      signal: new AbortController().signal,
      say: () => {},
      progress: () => {},
      about: ABOUT,
    },
    ...more,
  });
}

export function newFolder(): string {
  return join(mkdtempSync(join(tmpdir(), "incumbent-verify-")), "report");
}

/** For one part alone. */
export function stageOf(stage: Pick<Stage, "client" | "onceClient" | "connection" | "tableName">): Stage {
  const signal = new AbortController().signal;
  const nothing = () => {};
  return {
    ...stage,
    ...{ prefix: "verify/", ownTable: true, transactions: true },
    pace: SHORT,
    seed: 1,
    signal,
    samples: [],
    used: nothing,
    progress: nothing,
    keep: nothing,
  };
}

export function verdicts(results: readonly PartResult[]): Record<string, string> {
  return Object.fromEntries(results.map(({ part, verdict }) => [part, verdict]));
}
