import type { Registration } from "../candidate/registration.js";
import { type EndReason, TableError } from "../errors.js";
import type { LeaseClient } from "../lease-client.js";
import type { Held, TermLease } from "../protocol/lease.js";
import { type Candidate, keepsLine, lineOf, preemptedBy } from "../protocol/line.js";
import { aliveMembers, deletableRows, type Membership, updateMembership } from "../protocol/membership.js";
import type { CandidateRow } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** Why the leader should hand over, and perhaps to which candidate. */
export interface PlannedEnd {
  readonly reason: EndReason;
  readonly to?: string | undefined;
}

const NOBODY: Membership = new Map();
const NO_SUSPECTS: ReadonlySet<string> = new Set();

/**
 * The leader's part in the order of succession (rules 7b, 7c and 7f): it reads the candidates, and decides who
 * is next and when.
 */
export class Succession {
  #membership: Membership = NOBODY;
  #line: readonly string[] | undefined;
  #candidates: readonly Candidate[] | undefined;
  #reading: Promise<void> | undefined;
  #deleting: Promise<void> | undefined;
  /** False once the table has refused a deletion: the rows are then left to the table's TTL. */
  #mayDelete = true;
  readonly #suspects: ReadonlySet<string>;
  readonly #sinceMs: number;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
    private readonly registration: Registration,
    previous: TermLease | undefined,
    lastHolder: string | undefined,
  ) {
    this.#sinceMs = client.time.now().monotonicMs;
    this.#suspects = keepsLine(options.order)
      ? suspectsOf(previous, lastHolder, options.candidateId)
      : NO_SUSPECTS;
  }

  /** The line that the next renewal should write. Undefined: the row has it already, or it is not known yet. */
  newLine({ line = [] }: Held): readonly string[] | undefined {
    const same = this.#line?.length === line.length && line.every((id, i) => id === this.#line?.[i]);
    return same ? undefined : this.#line;
  }

  /**
   * Reads the candidates beside the heartbeat, one read at a time. A read that fails is left for the next
   * renewal.
   */
  refresh(): Promise<void> {
    if (!keepsLine(this.options.order)) return Promise.resolve();
    this.#reading ??= this.#read()
      .catch(() => {})
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  /**
   * Whether this leader should hand over. An operator's request on the row comes before the line.
   */
  plannedEnd({ pausedBy, stepDown }: Held): PlannedEnd | undefined {
    if (pausedBy !== undefined) return { reason: "paused" };
    if (stepDown?.to !== undefined) return { reason: "handed-off", to: stepDown.to };
    return stepDown ? { reason: "stepped-down" } : this.#plannedByLine();
  }

  #plannedByLine(): PlannedEnd | undefined {
    const { preempt, minTenureMs, maxTenureMs } = this.options;
    const ledMs = this.client.time.now().monotonicMs - this.#sinceMs;
    const line = this.#line ?? [];
    // A candidate that never joined (a single try) has no row with its rank.
    const isRanked = this.registration.arrival !== undefined;
    const higher =
      preempt && isRanked && ledMs >= minTenureMs
        ? preemptedBy(this.#candidates ?? [], line, this.registration.rank)
        : undefined;
    if (higher !== undefined) return { reason: "preempted", to: higher };
    const [next] = line;
    const isOver = maxTenureMs !== undefined && ledMs >= maxTenureMs;
    return isOver && next !== undefined ? { reason: "rotated", to: next } : undefined;
  }

  async #read(): Promise<void> {
    const { order, candidateId } = this.options;
    const { answer, received } = await this.client.readCandidates();
    // A row without `expiresAt` was written without a service clock: its candidate may be long dead.
    const undated = answer.candidates.filter(({ expiresAt }) => expiresAt === undefined);
    const suspects = new Set([...this.#suspects, ...undated.map((row) => row.candidateId)]);
    this.#membership = updateMembership(this.#membership, answer.candidates, received.monotonicMs, suspects);
    this.#candidates = aliveMembers(this.#membership, received, this.client.time.headers);
    this.#line = lineOf(order, this.#candidates, { candidateId, arrival: this.registration.arrival });
    const dead = deletableRows(answer.candidates, candidateId, received, this.client.time.headers);
    if (!this.#mayDelete) return;
    this.#deleting ??= this.#delete(dead).finally(() => {
      this.#deleting = undefined;
    });
  }

  /**
   * The leader pays for each row that it reads at each renewal, so it deletes the rows of dead candidates. It sends one
   * request at a time, without retries, so that no renewal waits for them. Never rejects.
   */
  async #delete(rows: readonly CandidateRow[]): Promise<void> {
    try {
      for (const row of rows) await this.client.deleteCandidate(row);
    } catch (error) {
      if (error instanceof TableError) this.#mayDelete = false;
    }
  }
}

/**
 * The candidates that were before this one in the row's line, and did not lead, and a holder that did not end as planned.
 * They may be dead.
 */
function suspectsOf(
  previous: TermLease | undefined,
  lastHolder: string | undefined,
  me: string,
): ReadonlySet<string> {
  if (previous === undefined) return NO_SUSPECTS;
  const { line = [] } = previous;
  const vacant = previous.kind === "vacant" ? previous : undefined;
  const isGone = vacant === undefined || vacant.endReason === "crashed";
  const place = line.indexOf(me);
  const before = place < 0 ? line : line.slice(0, place);
  const suspects = [isGone ? lastHolder : undefined, vacant?.reservation?.candidateId, ...before];
  return new Set(suspects.filter((id) => id !== undefined && id !== me) as string[]);
}
