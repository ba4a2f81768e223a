import type { Instant } from "../clock.js";
import type { LeaseClient } from "../lease-client.js";
import { MAX_SUCCESSOR } from "../limits.js";
import {
  aliveMembers,
  deletableRows,
  type Membership,
  memberEndMs,
  updateMembership,
} from "../protocol/membership.js";
import type { CandidateRow } from "../protocol/verbs.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Member } from "./assignment.js";
import { textOf, toldIn } from "./member-text.js";

/** A member, and what it says of itself. */
export interface ListedMember extends Member {
  readonly label: string;
  readonly value: string | undefined;
}

/**
 * The rows of a group's members (rule 7a), as those of the candidates of an election. One query reads them all, so a
 * member need not read the lease of each partition.
 */
export class GroupRows {
  #membership: Membership = new Map();
  #arrival: number | undefined;
  #heartbeat = 0;

  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async read(signal?: AbortSignal): Promise<void> {
    const { answer, received } = await this.client.readCandidates(signal);
    this.#membership = updateMembership(this.#membership, answer.candidates, received.monotonicMs);
  }

  /** The members that are alive at this moment, by the last read. */
  alive(now: Instant): ListedMember[] {
    return aliveMembers(this.#membership, now, this.client.time.headers).flatMap(memberIn);
  }

  /** When the first of the living members is dead unless it refreshes its row, in monotonic time. */
  nextEndMs(now: Instant): number {
    const ends = [...this.#membership.values()]
      .filter(({ row }) => row.candidateId !== this.options.candidateId)
      .map((member) => memberEndMs(member, now, this.client.time.headers));
    return Math.min(...ends.filter((endMs) => endMs > now.monotonicMs));
  }

  async write(told: Omit<Member, "id">): Promise<void> {
    const { candidateId, label, value, refreshIntervalMs } = this.options;
    this.#arrival ??= (await this.client.drawArrival()).answer.arrival;
    this.#heartbeat += 1;
    const fixed = { candidateId, label, value, refreshIntervalMs, arrival: this.#arrival, rank: 0 };
    const own = { eligible: told.takes, partitions: textOf(told), heartbeat: this.#heartbeat };
    await this.client.writeCandidate({ ...fixed, ...own });
  }

  /** It is no error if that fails: the row runs out. */
  async remove(): Promise<void> {
    const { candidateId } = this.options;
    if (this.#heartbeat === 0) return;
    await this.client.deleteCandidate({ candidateId, heartbeat: this.#heartbeat }).catch(() => {});
  }

  /** Rule 7b. Everybody pays for the rows of the dead with each read, so one of the living deletes them. */
  async removeDead(now: Instant): Promise<void> {
    const { candidateId } = this.options;
    const first = this.alive(now).reduce((least, { id }) => (id < least ? id : least), candidateId);
    if (first !== candidateId) return;
    const rows = [...this.#membership.values()].map(({ row }) => row);
    for (const row of deletableRows(rows, candidateId, now, this.client.time.headers))
      await this.client.deleteCandidate(row).catch(() => {});
  }
}

function memberIn({ candidateId, label, value, eligible, partitions }: CandidateRow): ListedMember[] {
  // No member has such an id, and nothing can be handed over to it.
  if (candidateId.length > MAX_SUCCESSOR) return [];
  const told = toldIn(partitions);
  return told ? [{ id: candidateId, label, value, takes: eligible, ...told }] : [];
}
