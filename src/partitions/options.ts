import { duration } from "../arguments.js";
import { defaultLabel } from "../candidate/default-label.js";
import { Code, notAllowed } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import { checkNames } from "../known-names.js";
import { DAY_MS, MAX_PARTITIONS, NAME_PATTERN } from "../limits.js";
import { ELECTION_PATHS } from "../option-names.js";
import type {
  CandidateOptions,
  ElectionOptions,
  OwnTuning,
  Signalled,
  Tuning,
  UnderSessionOptions,
} from "../options.js";
import { type ResolvedOptions, resolveOptions } from "../resolve-options.js";
import { placeUnder } from "../session/place.js";
import type { TableOptions } from "../store/open-store.js";

/**
 * The options of `Partitions`: where the table is, or a session that knows it, and how the member behaves. Durations are in
 * milliseconds.
 */
export type PartitionsOptions =
  | (TableOptions & MemberOptions & { session?: undefined })
  | SessionMemberOptions;

/** How a member of a group behaves. What is not described here is as for an `Election`, and holds for each partition. */
export interface MemberOptions
  extends Omit<CandidateOptions, "name" | "succession" | "eligible" | "group">,
    GroupOptions {}

/** How a member behaves whose partitions are held under a session: one heartbeat for all of them, and for all its other leases. */
export interface SessionMemberOptions
  extends Omit<UnderSessionOptions, "name" | "succession" | "eligible" | "group" | "tuning">,
    GroupOptions {
  /** Settings that few groups change. @default as described there */
  tuning?: Omit<OwnTuning, "standbyPollMs"> | undefined;
}

/** The group, and this member's share of it. */
export interface GroupOptions {
  /**
   * The group's name: 1 to 195 of `A-Z a-z 0-9 . _ / -`. The election of partition 7 is named `<name>/7`. No election
   * should have the group's own name.
   */
  name: string;
  /**
   * How many partitions there are: 1 to 4,096. They are numbered from 0. While members differ in it, as in a rolling
   * deploy, each partition is held by a member whose count includes it. If `maxPerMember` is set, too, some partitions can be
   * held by nobody until all members have the same count.
   */
  count: number;
  /**
   * The most partitions that this member holds: 1 to 4,096. With `count: 3, maxPerMember: 1` the group is a semaphore.
   * @default count
   */
  maxPerMember?: number | undefined;
  /**
   * How many partitions may be on their way from one member to another at the same time: 1 to 4,096. Partitions of
   * members that leave or have died do not wait for this.
   * @default an eighth of count, rounded up
   */
  maxMovesAtOnce?: number | undefined;
  /**
   * For how long the members must be the same before a partition moves from one to another, in milliseconds: 0 to
   * 86,400,000. A member that joins also waits for so long before its first claims. A death is acted on at once.
   * @default renewIntervalMs
   */
  settleMs?: number | undefined;
}

/** The options of `run()`. */
export interface RunOptions extends Signalled {
  /**
   * What happens when `work` throws an error of its own, that is, one that does not only say that its leadership has
   * ended. The same happens when the row of one partition is malformed, or was written by a newer version.
   *
   * - `"stop"`: this member gives all its partitions back, and `run()` rejects with the error.
   * - `"retry"`: the partition is given back, the event `work-failed` is emitted, and the partition is run again, by another
   *   member if one has room. It waits longer after each failure, up to a minute, and as at first once `work` has run for a
   *   whole lease.
   * @default "stop"
   */
  onWorkError?: "stop" | "retry" | undefined;
}

/** The longest partition number and its slash. */
const MAX_NAME = 200 - String(`/${MAX_PARTITIONS - 1}`).length;

const OWN: Record<"count" | "maxPerMember" | "maxMovesAtOnce" | "settleMs", 0> = {
  count: 0,
  maxPerMember: 0,
  maxMovesAtOnce: 0,
  settleMs: 0,
};
const NOT_OURS = /^(succession|eligible|group)\b|^tuning\.standbyPollMs$/;
const PATHS = [...ELECTION_PATHS.filter((path) => !NOT_OURS.test(path)), ...Object.keys(OWN)];
const EXAMPLE = new Code('{ client: new DynamoDBClient({}), name: "orders/shards", count: 64 }');
const LEFT_OUT = "must be left out of partitions:";
/** What users try, because an election has it. */
const ELSEWHERE: Record<string, readonly [rule: string, suggestion?: Code]> = {
  succession: [`${LEFT_OUT} they keep no line, and each member takes its share`],
  eligible: [`${LEFT_OUT} who runs takes its share, and who only observes holds nothing`],
  group: [`${LEFT_OUT} nothing is reserved for a group, and this group's name is the option name`],
  onWorkError: ["is an option of run()", new Code("run(work, { onWorkError })")],
};
const RUN: Record<keyof RunOptions, 0> = { signal: 0, onWorkError: 0 };
export const RUN_OPTIONS = Object.keys(RUN);

/** All options of a member, with their defaults. */
export interface ResolvedMember {
  /** Those of its elections. */
  readonly candidate: ResolvedOptions;
  /** Of the session under which its partitions are held. */
  readonly session: Pick<ReturnType<typeof placeUnder>, "store" | "listener" | "closed"> | undefined;
  readonly count: number;
  readonly maxPerMember: number | undefined;
  readonly maxMovesAtOnce: number | undefined;
  readonly settleMs: number;
}

/** Checks the options and adds the defaults. Throws `InvalidOptionError`. */
export function resolveMember(options: PartitionsOptions): ResolvedMember {
  for (const [option, [rule, suggestion]] of Object.entries(ELSEWHERE)) {
    const value = (options as unknown as Record<string, unknown> | undefined)?.[option];
    if (value !== undefined) throw new InvalidOptionError(option, rule, value, suggestion);
  }
  checkNames(options, PATHS, undefined, EXAMPLE);
  const { count, maxPerMember, maxMovesAtOnce, settleMs, ...election } = options;
  const { name } = options;
  if (typeof name !== "string" || !NAME_PATTERN.test(name) || name.length > MAX_NAME) {
    const rule = `must be 1 to ${MAX_NAME} characters: A-Z a-z 0-9 . _ / -${notAllowed(name, /[A-Za-z0-9._/-]/)}`;
    throw new InvalidOptionError("name", rule, name, "orders/shards");
  }
  checkCount("count", count, 64);
  const standbyPollMs: unknown = (options.tuning as Tuning | undefined)?.standbyPollMs;
  if (standbyPollMs !== undefined) {
    const rule = `${LEFT_OUT} they keep no line, so nobody is first in it`;
    throw new InvalidOptionError("tuning.standbyPollMs", rule, standbyPollMs, undefined);
  }
  if (maxPerMember !== undefined) checkCount("maxPerMember", maxPerMember, 1);
  if (maxMovesAtOnce !== undefined) checkCount("maxMovesAtOnce", maxMovesAtOnce, 1);
  const place = election.session === undefined ? undefined : placeUnder(election);
  const candidate = place?.options ?? resolveOptions(election as ElectionOptions, defaultLabel);
  const { leaseDurationMs, renewIntervalMs } = candidate;
  return {
    // A dead member is noticed before its leases have run out.
    candidate: { ...candidate, refreshIntervalMs: Math.ceil(leaseDurationMs / 3) },
    session: place,
    count,
    maxPerMember,
    maxMovesAtOnce,
    settleMs: duration("settleMs", settleMs ?? renewIntervalMs, 0, DAY_MS, renewIntervalMs),
  };
}

export function checkCount(option: string, value: unknown, suggestion: number): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PARTITIONS) return;
  throw new InvalidOptionError(
    option,
    `must be a whole number from 1 to ${MAX_PARTITIONS}`,
    value,
    suggestion,
  );
}
