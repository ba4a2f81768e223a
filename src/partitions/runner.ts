import { deferred } from "../async.js";
import { isHealthy } from "../candidate/health.js";
import type { Election } from "../election.js";
import { TableUnavailableError } from "../errors.js";
import type { Emit } from "../events.js";
import type { Leadership } from "../leader/leadership.js";
import type { LeaseClient } from "../lease-client.js";
import { onAbort } from "../on-abort.js";
import type { ResolvedOptions } from "../resolve-options.js";
import { assign, type Member, movesOf } from "./assignment.js";
import { Claim, type ClaimEnd } from "./claim.js";
import type { GroupRows } from "./group-rows.js";
import { freeSince, planFor } from "./plan.js";
import { Retries } from "./retries.js";

/** Claims that have no answer yet. More of them at once would only wait for one another. */
const MAX_UNANSWERED = 16;

export type PartitionWork = (partition: number, leadership: Leadership) => unknown;

/** What a run is given. */
export interface Group {
  readonly client: LeaseClient;
  readonly member: ResolvedOptions;
  readonly rows: GroupRows;
  readonly emit: Emit;
  readonly settleMs: number;
  /** They can change while it runs. */
  readonly sizes: () => {
    readonly count: number;
    readonly maxPerMember: number;
    readonly maxMovesAtOnce: number;
  };
  /** The same object for each call: it remembers work that has not stopped. */
  readonly electionOf: (partition: number) => Election;
  readonly emitterOf: (partition: number) => Emit;
}

/** One member of a group: it looks at the others about three times per lease, claims, and hands over. */
export class Runner {
  readonly #claims = new Map<number, Claim>();
  readonly #running = new Set<Promise<void>>();
  readonly #retries: Retries;
  #freeSinceMs: ReadonlyMap<number, number> = new Map();
  #seen = "";
  #changedMs = 0;
  readonly #joinedMs: number;
  #nextLookMs = 0;
  #nextRefreshMs = 0;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #firstFailureMs: number | undefined;
  #written = "";
  #nextWriteMs = 0;
  #isHealthy = true;
  #isLeaving = false;
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};

  constructor(
    private readonly group: Group,
    private readonly work: PartitionWork,
    private readonly onWorkError: "stop" | "retry",
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#joinedMs = this.#nowMs;
    this.#retries = new Retries(group.member);
  }

  /** Asks `healthy` once per look for all partitions. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** What this member takes or how much has changed: look now. */
  changed = (): void => {
    this.#wake();
  };

  /** Another member holds the lease of this partition. */
  waits(partition: number): void {
    const claim = this.#claims.get(partition);
    if (claim) claim.hasAnswer = true;
    this.#wake();
  }

  async run(): Promise<void> {
    const forget = onAbort(this.signal, () => this.#wake());
    try {
      while (!this.signal?.aborted && !this.#failure) {
        await this.#look();
        if (this.signal?.aborted || this.#failure) break;
        this.#act();
        await this.#pause();
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      forget();
      await this.#leave();
    }
    if (this.#failure) throw this.#failure.error;
  }

  get #nowMs(): number {
    return this.group.client.time.now().monotonicMs;
  }

  get #me(): Member {
    const { count, maxPerMember } = this.group.sizes();
    const held = [...this.#claims.values()].filter(({ holds }) => holds).map(({ partition }) => partition);
    const holds = new Set(held);
    const avoids = this.#retries.avoided(count, holds, this.#nowMs);
    const takes = this.#isHealthy && !this.#isLeaving;
    return { id: this.group.member.candidateId, count, maxPerMember, takes, holds, avoids };
  }

  get #members(): Member[] {
    const me = this.#me;
    const others = this.group.rows.alive(this.group.client.time.now()).filter(({ id }) => id !== me.id);
    return [...others, me];
  }

  /**
   * Reads the rows of all members when that is due. Writes its own row when that is due, or when it has changed: changes that
   * come close together are written together.
   */
  async #look(): Promise<void> {
    const { rows, member, emit } = this.group;
    const { refreshIntervalMs } = member;
    const reads = this.#nowMs >= this.#nextLookMs;
    const refreshes = this.#nowMs >= this.#nextRefreshMs;
    if (refreshes) this.#isHealthy = await isHealthy(member, emit);
    const writes = refreshes || this.#nowMs >= this.#writeDueMs;
    const results = await Promise.allSettled([
      ...(writes ? [this.#write()] : []),
      ...(reads ? [this.#read()] : []),
    ]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed) {
      const againMs = this.#nowMs + refreshIntervalMs / 4;
      this.#nextLookMs = againMs;
      this.#nextRefreshMs = againMs;
      this.#nextWriteMs = againMs;
      this.#unavailable(failed.reason);
      return;
    }
    if (reads) this.#nextLookMs = this.#nowMs + refreshIntervalMs;
    if (refreshes) this.#nextRefreshMs = this.#nowMs + refreshIntervalMs;
    if (results.length > 0) this.#firstFailureMs = undefined;
    if (reads) void rows.removeDead(this.group.client.time.now());
  }

  async #read(): Promise<void> {
    await this.group.rows.read();
    this.#lastReadMs = this.#nowMs;
  }

  async #write(): Promise<void> {
    const text = this.#ownText();
    this.#nextWriteMs = this.#nowMs + this.group.member.refreshIntervalMs / 50;
    await this.group.rows.write(this.#me);
    this.#written = text;
  }

  /** When its row must be written before the next look. Infinite: the row says what is so. */
  get #writeDueMs(): number {
    return this.#ownText() === this.#written ? Number.POSITIVE_INFINITY : this.#nextWriteMs;
  }

  #ownText(): string {
    const { count, maxPerMember, takes, holds, avoids = [] } = this.#me;
    return JSON.stringify([count, maxPerMember, takes, [...holds].sort(), [...avoids]]);
  }

  #unavailable(error: unknown): void {
    if (!(error instanceof TableUnavailableError)) throw error;
    this.#firstFailureMs ??= this.#nowMs;
    this.group.emit({ type: "unavailable", error, failingForMs: this.#nowMs - this.#firstFailureMs });
  }

  #act(): void {
    const { leaseDurationMs, refreshIntervalMs } = this.group.member;
    const nowMs = this.#nowMs;
    // Without an answer of the table the others only seem to be dead.
    if (nowMs - this.#lastReadMs > 1.5 * refreshIntervalMs) return;
    const members = this.#members;
    this.#notice(members, nowMs);
    const { maxMovesAtOnce } = this.group.sizes();
    const plan = planFor(
      {
        me: this.group.member.candidateId,
        members,
        nowMs,
        readMs: this.#lastReadMs,
        joinedMs: this.#joinedMs,
        changedMs: this.#changedMs,
        freeSinceMs: this.#freeSinceMs,
      },
      { settleMs: this.group.settleMs, maxMovesAtOnce, patienceMs: 2 * leaseDurationMs },
    );
    for (const claim of this.#claims.values()) {
      if (claim.campaigns && !plan.mine.has(claim.partition)) claim.withdraw();
    }
    let leaving = [...this.#claims.values()].filter(
      ({ holds, isHandedOver }) => holds && isHandedOver,
    ).length;
    for (const { partition, to } of plan.handOver) {
      const claim = this.#claims.get(partition);
      if (claim === undefined || claim.isHandedOver || leaving >= maxMovesAtOnce) continue;
      claim.handOver(to);
      leaving += 1;
    }
    for (const partition of plan.claim) this.#claim(partition, nowMs);
    // While something moves, the next move waits until its new holder tells that it has it.
    if (leaving > 0 || plan.isMoving)
      this.#nextLookMs = Math.min(this.#nextLookMs, this.#lastReadMs + refreshIntervalMs / 4);
  }

  /** Remembers when the members, and what is free, changed. */
  #notice(members: readonly Member[], nowMs: number): void {
    const seen = members.map(({ id, takes, count, maxPerMember }) =>
      JSON.stringify([id, takes, count, maxPerMember]),
    );
    const key = seen.sort().join();
    if (key !== this.#seen) this.#changedMs = nowMs;
    this.#seen = key;
    this.#freeSinceMs = freeSince(this.#freeSinceMs, members, nowMs);
  }

  #claim(partition: number, nowMs: number): void {
    if (this.#claims.has(partition) || !this.#retries.isDue(partition, nowMs)) return;
    if (this.#unanswered(nowMs).length >= MAX_UNANSWERED) return;
    const claim = new Claim(partition, this.group.electionOf(partition), nowMs);
    this.#claims.set(partition, claim);
    const running = claim
      .run(this.work, () => this.#nowMs, this.changed)
      .then(
        (end) => this.#ended(claim, end),
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => {
        this.#claims.delete(partition);
        this.#running.delete(running);
        this.changed();
      });
    this.#running.add(running);
  }

  #unanswered(nowMs: number): Claim[] {
    const { requestTimeoutMs } = this.group.member;
    return [...this.#claims.values()].filter(
      ({ hasAnswer, sinceMs }) => !hasAnswer && nowMs - sinceMs < requestTimeoutMs,
    );
  }

  #ended({ partition }: Claim, end: ClaimEnd): void {
    if (end.kind === "over") return;
    if (end.kind === "failed") {
      if (this.onWorkError === "stop") this.#failure ??= { error: end.error };
      else this.group.emitterOf(partition)({ type: "work-failed", term: end.term, error: end.error });
    }
    this.#retries.ended(partition, end, this.#nowMs);
  }

  /** Until something is due, or something has changed. */
  async #pause(): Promise<void> {
    const { clock, refreshIntervalMs, requestTimeoutMs } = this.group.member;
    const now = this.group.client.time.now();
    const nowMs = now.monotonicMs;
    const endMs = Math.max(this.group.rows.nextEndMs(now), nowMs + refreshIntervalMs / 10);
    const settled = [this.#changedMs, this.#joinedMs]
      .map((sinceMs) => sinceMs + this.group.settleMs)
      .filter((settledMs) => settledMs > nowMs);
    this.#nextLookMs = Math.min(this.#nextLookMs, endMs, ...settled);
    const moments = [
      ...this.#retries.moments,
      ...this.#unanswered(nowMs).map(({ sinceMs }) => sinceMs + requestTimeoutMs),
    ].filter((moment) => moment > nowMs);
    const untilMs = Math.min(this.#nextLookMs, this.#nextRefreshMs, this.#writeDueMs, ...moments);
    const { promise: woken, resolve } = deferred<void>();
    this.#wake = resolve;
    const cancel = clock.setTimer(untilMs - nowMs, resolve);
    await woken;
    cancel();
  }

  /** Tells the others, hands everything over at once, and waits until all work has stopped. */
  async #leave(): Promise<void> {
    this.#isLeaving = true;
    const members = this.#members;
    const moves = new Map(movesOf(members, assign(members)).map(({ partition, to }) => [partition, to]));
    const telling = this.group.rows.write(this.#me).catch(() => {});
    for (const claim of this.#claims.values()) claim.leave(moves.get(claim.partition));
    await Promise.all([telling, ...this.#running]);
    await this.group.rows.remove();
  }
}
