import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { checkNames, groupOf } from "../known-names.js";
import { MAX_SESSION_LEASE_MS } from "../limits.js";
import { RUNTIME_PATHS } from "../option-names.js";
import type { CandidateOptions, Tuning, UnderSessionOptions } from "../options.js";
import { rowLeaseMs } from "../protocol/sessions.js";
import { MEMBER_ID, type ResolvedOptions, resolveOptions } from "../resolve-options.js";
import type { TableOptions } from "../store/open-store.js";

/** The options of a `Session`: where the table is, and how its heartbeat works. Durations are in milliseconds. */
export type SessionOptions = TableOptions &
  Pick<
    CandidateOptions,
    "label" | "stopTimeoutMs" | "lastWill" | "heartbeat" | "onEvent" | "runtime" | "renewIntervalMs"
  > & {
    /**
     * How long the session lasts without a renewal, in milliseconds: 300 to 3,600,000 (an hour). All its leases last as long as
     * the session.
     * @default 15_000
     */
    leaseDurationMs?: number | undefined;
    /** Settings that few sessions change. @default as described there */
    tuning?: SessionTuning | undefined;
  };

/** Settings that few sessions change: those of `Tuning` that are about the heartbeat. */
export type SessionTuning = Pick<Tuning, "safetyMarginMs" | "requestTimeoutMs" | "expiry">;

/** What a session decides for all elections under it. */
export type SessionGiven = Pick<
  CandidateOptions,
  "label" | "leaseDurationMs" | "renewIntervalMs" | "stopTimeoutMs" | "lastWill" | "heartbeat" | "runtime"
> & { readonly tuning?: SessionTuning | undefined };

/** Typed, so that none is forgotten. */
const OWN: Record<keyof SessionGiven | "client" | "tableName" | "store" | "onEvent", 0> = {
  client: 0,
  tableName: 0,
  store: 0,
  label: 0,
  leaseDurationMs: 0,
  renewIntervalMs: 0,
  stopTimeoutMs: 0,
  lastWill: 0,
  heartbeat: 0,
  onEvent: 0,
  tuning: 0,
  runtime: 0,
};
const OWN_TUNING: Record<keyof SessionTuning, 0> = { safetyMarginMs: 0, requestTimeoutMs: 0, expiry: 0 };

const SESSION_PATHS = [
  ...Object.keys(OWN),
  "heartbeat.maxStallMs",
  ...Object.keys(OWN_TUNING).map((name) => `tuning.${name}`),
  "tuning.expiry.maxServiceClockErrorMs",
  ...RUNTIME_PATHS,
];

const EXAMPLE = new Code('{ client: new DynamoDBClient({}), tableName: "incumbent" }');

/** The options that an election may have itself, though the session has one of this name, too. */
const OF_BOTH = new Set(["onEvent", "tuning"]);

/** Checks the options and adds the defaults. Throws `InvalidOptionError`. The name stands for no row. */
export function resolveSession(options: SessionOptions, defaultLabel: () => string): ResolvedOptions {
  checkNames(options, SESSION_PATHS, undefined, EXAMPLE);
  groupOf("tuning", options.tuning, SESSION_PATHS, { expiry: "service-clock" });
  const resolved = resolveOptions({ ...options, name: "session" }, defaultLabel);
  const { leaseDurationMs } = resolved;
  if (leaseDurationMs <= MAX_SESSION_LEASE_MS) return resolved;
  const rule = `must be at most ${MAX_SESSION_LEASE_MS} in a session: rows under it last 16 times as long`;
  throw new InvalidOptionError("leaseDurationMs", rule, leaseDurationMs, MAX_SESSION_LEASE_MS);
}

/** The options of an election under a session. What the session decides cannot be given again. */
export function resolveUnder(
  options: UnderSessionOptions & { readonly [MEMBER_ID]?: string },
  given: SessionGiven,
): ResolvedOptions {
  const { session: _, ...own } = options;
  for (const [option, value] of Object.entries(own)) {
    if (Object.hasOwn(OWN, option) && !OF_BOTH.has(option)) refuse(option, value);
  }
  for (const [option, value] of Object.entries(own.tuning ?? {})) {
    if (Object.hasOwn(OWN_TUNING, option)) refuse(`tuning.${option}`, value);
  }
  const memberId = options[MEMBER_ID];
  const resolved = resolveOptions(
    {
      ...own,
      ...given,
      ...(memberId !== undefined && { [MEMBER_ID]: memberId }),
      tuning: { ...own.tuning, ...given.tuning },
    },
    () => "",
  );
  return { ...resolved, lastWill: false, rowLeaseMs: rowLeaseMs(resolved) };
}

function refuse(option: string, value: unknown): void {
  if (value === undefined) return;
  const rule = "is an option of the session, which has one heartbeat for all its leases";
  throw new InvalidOptionError(option, rule, value, undefined);
}
