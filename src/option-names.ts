import type {
  ElectionOptions,
  HistoryOptions,
  LeadOptions,
  RankSuccession,
  RunOnceOptions,
  Runtime,
  Signalled,
  TryLeadOptions,
  Tuning,
} from "./options.js";

/** The names of all options. Options in groups have paths. The types make sure that none is forgotten. */

const TOP: Record<keyof ElectionOptions, 0> = {
  client: 0,
  tableName: 0,
  store: 0,
  session: 0,
  name: 0,
  label: 0,
  value: 0,
  leaseDurationMs: 0,
  renewIntervalMs: 0,
  stopTimeoutMs: 0,
  lastWill: 0,
  heartbeat: 0,
  succession: 0,
  eligible: 0,
  group: 0,
  healthy: 0,
  onEvent: 0,
  tuning: 0,
  runtime: 0,
};
const SUCCESSION: Record<keyof RankSuccession, 0> = { order: 0, rank: 0, preempt: 0, maxTenureMs: 0 };
const TUNING: Record<keyof Tuning, 0> = {
  safetyMarginMs: 0,
  requestTimeoutMs: 0,
  standbyPollMs: 0,
  historyRetentionMs: 0,
  deleteIdleAfterMs: 0,
  expiry: 0,
};
const RUNTIME: Record<keyof Runtime, 0> = { clock: 0, random: 0 };
const pathsIn = (group: string, names: object) => Object.keys(names).map((name) => `${group}.${name}`);

export const RUNTIME_PATHS = pathsIn("runtime", RUNTIME);
export const ELECTION_PATHS = [
  ...Object.keys(TOP),
  ...pathsIn("succession", SUCCESSION),
  "succession.preempt.minTenureMs",
  "heartbeat.maxStallMs",
  ...pathsIn("tuning", TUNING),
  "tuning.expiry.maxServiceClockErrorMs",
  ...RUNTIME_PATHS,
];

const SIGNALLED: Record<keyof Signalled, 0> = { signal: 0 };
const LEAD: Record<keyof LeadOptions, 0> = { signal: 0, announce: 0, onWorkError: 0 };
const TRY_LEAD: Record<keyof TryLeadOptions, 0> = { signal: 0, reserveForMs: 0 };
const RUN_ONCE: Record<keyof RunOnceOptions, 0> = { signal: 0, wait: 0, ticks: 0, reserveForMs: 0 };
const HISTORY: Record<keyof HistoryOptions, 0> = { signal: 0, limit: 0 };

/** The options of an election's calls. */
export const CALLS = {
  signalled: Object.keys(SIGNALLED),
  lead: Object.keys(LEAD),
  tryLead: Object.keys(TRY_LEAD),
  runOnce: Object.keys(RUN_ONCE),
  history: Object.keys(HISTORY),
};
