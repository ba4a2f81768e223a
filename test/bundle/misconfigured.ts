import { Lambda } from "./function.js";
import type { FunctionConfig } from "./sandbox.js";

/** What a function that is set up wrongly does: it fails, and its log says why. */
export interface Refusal {
  readonly what: string;
  readonly message: string | undefined;
  readonly isClear: boolean;
}

const EVENT = { scheduledTime: "2020-01-01T00:00:00Z", executionId: "x", attempt: "1" };

const CASES: readonly {
  readonly what: string;
  readonly env?: Record<string, string>;
  readonly event?: unknown;
  readonly timeoutMs?: number;
  readonly says: RegExp;
}[] = [
  { what: "no table in the environment", env: { INCUMBENT_TABLE: "" }, says: /^INCUMBENT_TABLE: must be/ },
  {
    what: "no election in the environment",
    env: { INCUMBENT_ELECTION: "" },
    says: /^INCUMBENT_ELECTION: must/,
  },
  {
    what: "half of sticky",
    env: { INCUMBENT_STICKY_MS: "" },
    says: /^INCUMBENT_STICKY_MS: must be set beside/,
  },
  {
    what: "a table that is missing",
    env: { INCUMBENT_TABLE: "elsewhere" },
    says: /"elsewhere" is missing\. Suggestion: correct its name/,
  },
  { what: "an event that is no object", event: "tick", says: /^event: must be an object/ },
  { what: "no scheduled time", event: {}, says: /^event\.scheduledTime: must be the scheduled time/ },
  { what: "a malformed time", event: { time: "noon" }, says: /^event\.time: must be an ISO 8601 time/ },
  {
    what: "a timeout shorter than the margins",
    timeoutMs: 500,
    says: /^timeout: must leave at least 500 ms of the function's time for work/,
  },
];

export async function misconfigure(config: FunctionConfig): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const { what, env, event = EVENT, timeoutMs = config.timeoutMs, says } of CASES) {
    const lambda = new Lambda({ ...config, timeoutMs, env: { ...config.env, ...env } });
    const outcome = await lambda.invoke(event);
    const message = outcome.kind === "failed" ? outcome.message : undefined;
    // In the log it stands as JSON.
    const isLogged = await lambda.hasLogged(JSON.stringify(message ?? "").slice(1, -1));
    await lambda.kill();
    const isClear = message !== undefined && says.test(message) && isLogged;
    refusals.push({ what, message: message ?? JSON.stringify(outcome), isClear });
  }
  return refusals;
}
