import { checkCall } from "../arguments.js";
import { sleep } from "../async.js";
import { Code } from "../describe.js";
import { Election } from "../election.js";
import {
  AlreadyCampaigningError,
  InvalidOptionError,
  SessionClosedError,
  TableUnavailableError,
} from "../errors.js";
import { type ElectionEvent, type Emit, emitter } from "../events.js";
import type { Leadership } from "../leader/leadership.js";
import { LeaseClient } from "../lease-client.js";
import { CALLS } from "../option-names.js";
import type { ElectionOptions, Signalled } from "../options.js";
import { MEMBER_ID } from "../resolve-options.js";
import { warnOfSilence } from "../silence.js";
import { storeOf, type TableOptions } from "../store/open-store.js";
import { telemetry } from "../telemetry.js";
import { GroupRows } from "./group-rows.js";
import {
  checkCount,
  type PartitionsOptions,
  type ResolvedMember,
  RUN_OPTIONS,
  type RunOptions,
  resolveMember,
} from "./options.js";
import { Runner } from "./runner.js";

/** The member that holds a partition. */
export interface PartitionOwner {
  readonly candidateId: string;
  readonly label: string;
  /** What it publishes, such as an endpoint. */
  readonly value: string | undefined;
}

/**
 * One member of a group that shares `count` partitions. Each partition is the lease of an election of its own, so no two
 * members hold one at the same time, and each write can be fenced by the partition's own term.
 *
 * Every member computes from the members that are alive who should hold what: the same number for everybody, to within
 * one, with as few moves as possible. A partition moves by a hand-over: its holder announces the end and stops its work,
 * and only then the next one starts.
 */
export class Partitions {
  readonly #member: ResolvedMember;
  readonly #options: ElectionOptions;
  readonly #listener: (event: ElectionEvent) => void;
  readonly #client: LeaseClient;
  readonly #emit: Emit;
  readonly #elections = new Map<number, Election>();
  #count: number;
  #runner: Runner | undefined;

  /**
   * Sends nothing. All durations are in milliseconds.
   * @throws InvalidOptionError: an option cannot work. The error names the option, the rule and a value that works.
   * @example
   * const client = new DynamoDBClient({});
   * const partitions = new Partitions({ client, tableName: "incumbent", name: "orders/shards", count: 64 });
   * @example
   * // One heartbeat for all partitions that this process holds.
   * const session = new Session({ client, tableName: "incumbent" });
   * const partitions = new Partitions({ session, name: "orders/shards", count: 64 });
   */
  constructor(options: PartitionsOptions) {
    this.#member = resolveMember(options);
    const { count, maxPerMember, maxMovesAtOnce, settleMs, ...election } = options;
    this.#options = election;
    this.#count = count;
    const { candidate, session } = this.#member;
    this.#listener = options.onEvent ?? session?.listener ?? warnOfSilence();
    this.#emit = emitter(candidate.name, candidate.candidateId, [telemetry(candidate.name), this.#listener]);
    this.#client = new LeaseClient(session?.store ?? storeOf(options as TableOptions), candidate, this.#emit);
  }

  /** The group's name. */
  get name(): string {
    return this.#member.candidate.name;
  }

  /** This member's id: its `label` and a random part. Its leaderships have the same one. */
  get candidateId(): string {
    return this.#member.candidate.candidateId;
  }

  /** How many partitions there are, as this member knows it. */
  get count(): number {
    return this.#count;
  }

  /**
   * Changes how many partitions there are, also while it runs. Call it in every member. A partition that is no longer
   * counted is handed to a member that still counts it, or given back.
   * @param count 1 to 4,096.
   * @throws InvalidOptionError: `count` is not such a number.
   * @example
   * partitions.setCount(96);
   */
  setCount(count: number): void {
    checkCount("count", count, 64);
    this.#count = count;
    this.#runner?.changed();
  }

  /**
   * Takes part in the group until `signal` aborts, and runs `work` for each partition while this member holds it. It waits
   * while the table does not answer.
   *
   * When `signal` aborts, or the session is closed, it hands all its partitions over, each to the member that should hold it, and waits until their
   * work has stopped.
   * @param work is called once per partition and term. It must stop when `leadership.signal` aborts, within
   * `stopTimeoutMs`. If it returns before that, the partition is given back and run again after a while.
   * @throws InvalidOptionError: `work` or an option cannot work.
   * @throws AlreadyCampaigningError: this object runs already.
   * @throws SessionClosedError: the session was closed before this call.
   * @throws TableError: the table cannot be used as it is.
   * @throws MalformedLeaseError, SchemaVersionError: the row of a partition cannot be used as it is, unless `onWorkError`
   * is `"retry"`.
   * @throws WorkNotStoppedError: the work of a partition did not stop within `stopTimeoutMs` of its end.
   * @throws InternalError: a bug of this library ended a leadership. Please report it.
   * @throws what `work` throws, unless the error only says that its leadership has ended, or `onWorkError` is `"retry"`.
   * Before any error the other partitions are handed over.
   * @example
   * process.once("SIGTERM", () => stop.abort());
   * await partitions.run(async (partition, leadership) => readShard(partition, leadership), { signal: stop.signal });
   */
  async run(
    work: (partition: number, leadership: Leadership) => unknown,
    options: RunOptions = {},
  ): Promise<void> {
    if (typeof work !== "function") {
      const suggestion = new Code("async (partition, leadership) => { … }");
      throw new InvalidOptionError("work", "must be a function", work, suggestion);
    }
    checkCall(options, RUN_OPTIONS);
    const { onWorkError = "stop" } = options;
    const closed = this.#member.session?.closed;
    closed?.throwIfAborted();
    const signals = [options.signal, closed].filter((one) => one !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    if (this.#runner) throw new AlreadyCampaigningError(this.name, "Partitions");
    const { candidate, settleMs, maxPerMember, maxMovesAtOnce } = this.#member;
    const group = {
      client: this.#client,
      member: candidate,
      rows: new GroupRows(this.#client, candidate),
      emit: this.#emit,
      settleMs,
      sizes: () => ({
        count: this.#count,
        maxPerMember: maxPerMember ?? this.#count,
        maxMovesAtOnce: maxMovesAtOnce ?? Math.ceil(this.#count / 8),
      }),
      electionOf: (partition: number) => this.#electionOf(partition),
      emitterOf: (partition: number) => this.#emitterOf(partition),
    };
    this.#runner = new Runner(group, work, onWorkError, signal);
    try {
      await this.#runner.run();
    } catch (error) {
      // The session was closed, which ends everything under it, as the signal does.
      if (!(error instanceof SessionClosedError)) throw error;
    } finally {
      this.#runner = undefined;
    }
  }

  /**
   * Reads which member holds each partition, with one query of the members' rows.
   * @returns by partition. A partition that nobody holds is left out. A member that has just died is named until its row has
   * run out.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableUnavailableError, TableError: the rows could not be read.
   * @throws the signal's reason, when it aborts first.
   * @example
   * const owners = await partitions.owners();
   * const endpoint = owners.get(partitionOf(customer))?.value;
   */
  async owners(options: Signalled = {}): Promise<ReadonlyMap<number, PartitionOwner>> {
    checkCall(options, CALLS.signalled);
    const rows = new GroupRows(this.#client, this.#member.candidate);
    await rows.read(options.signal);
    return this.#ownersIn(rows);
  }

  /**
   * Follows who holds what, without taking part. Yields the owners at once, and again at each change, until `signal`
   * aborts. It waits while the table does not answer. It costs one query about three times per lease.
   * @throws InvalidOptionError: an option cannot work.
   * @throws TableError: the table cannot be used as it is. All errors are thrown by the loop, not by the call.
   * @example
   * for await (const owners of partitions.observe({ signal })) {
   *   console.log(owners.size, "of", partitions.count);
   * }
   */
  async *observe(options: Signalled = {}): AsyncIterableIterator<ReadonlyMap<number, PartitionOwner>> {
    checkCall(options, CALLS.signalled);
    const { signal } = options;
    const { candidate } = this.#member;
    const rows = new GroupRows(this.#client, candidate);
    let last: string | undefined;
    while (!signal?.aborted) {
      try {
        await rows.read(signal);
        const owners = this.#ownersIn(rows);
        const seen = JSON.stringify([...owners]);
        if (seen !== last) yield owners;
        last = seen;
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof TableUnavailableError)) throw error;
      }
      await sleep(candidate.clock, candidate.refreshIntervalMs, signal).catch(() => {});
    }
  }

  #ownersIn(rows: GroupRows): Map<number, PartitionOwner> {
    const members = rows.alive(this.#client.time.now());
    const held = members.flatMap(({ id: candidateId, label, value, holds }) =>
      [...holds].map((partition) => [partition, { candidateId, label, value }] as const),
    );
    return new Map(held.sort(([a], [b]) => a - b));
  }

  /** One object per partition for the life of this one: it remembers what it has seen, and work that has not stopped. */
  #electionOf(partition: number): Election {
    const known = this.#elections.get(partition);
    if (known) return known;
    const { onEvent: _, healthy, ...options } = this.#options;
    const memberElection = {
      ...options,
      name: this.#nameOf(partition),
      [MEMBER_ID]: this.candidateId,
      // Asked once for all partitions.
      ...(healthy && { healthy: () => this.#runner?.isHealthy ?? false }),
      onEvent: (event: ElectionEvent) => {
        if (event.type === "waiting") this.#runner?.waits(partition);
        return this.#listener(event);
      },
    };
    const election = new Election(memberElection);
    this.#elections.set(partition, election);
    return election;
  }

  #emitterOf(partition: number): Emit {
    const name = this.#nameOf(partition);
    return emitter(name, this.candidateId, [telemetry(name), this.#listener]);
  }

  #nameOf(partition: number): string {
    return `${this.name}/${partition}`;
  }
}
