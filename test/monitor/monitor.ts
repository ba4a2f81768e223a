import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { localEnv } from "../support/fixture.js";

const INVOKE = fileURLToPath(new URL("invoke.ts", import.meta.url));

/** A line of CloudWatch's embedded metric format, as far as tests ask. */
export type Emf = Record<string, unknown> & {
  readonly _aws: { readonly CloudWatchMetrics: ReadonlyArray<{ Namespace: string; Dimensions: string[][] }> };
};

export interface Invoked {
  readonly results: readonly { result?: { role: string }; error?: { name: string; message: string } }[];
  readonly metrics: readonly Emf[];
  readonly log: readonly { level: string; message: string; [key: string]: unknown }[];
}

/** One sandbox of the monitor: a process of its own, its events one after another. */
export async function monitor(tableName: string, events: readonly object[], env = {}): Promise<Invoked> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", INVOKE, ...events.map((event) => JSON.stringify(event))],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...localEnv(), INCUMBENT_TABLE: tableName, AWS_LAMBDA_FUNCTION_NAME: "monitor", ...env },
    },
  );
  const results: Invoked["results"][number][] = [];
  child.on("message", (message) => results.push(message as Invoked["results"][number]));
  let output = "";
  // Lambda's log takes both.
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await once(child, "close");
  const lines = output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  return {
    results,
    metrics: lines.filter((line) => "_aws" in line),
    log: lines.filter((line) => "level" in line),
  };
}

/** What was published of one election, or of the run when `election` is undefined. */
export function published({ metrics }: Invoked, election?: string): Emf[] {
  return metrics.filter((line) => line.Election === election);
}
