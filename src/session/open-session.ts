import type { EndReason, InternalError } from "../errors.js";
import type { Emit, ResignOutcome } from "../events.js";
import type { LastWill } from "../last-will/last-will.js";
import type { HeartbeatAids } from "../leader/heartbeat-aids.js";
import { Tenure } from "../leader/tenure.js";
import type { LeaseClient } from "../lease-client.js";
import type { Held, Lease } from "../protocol/lease.js";
import {
  type Changes,
  NO_CHANGES,
  nudgedSince,
  nudgesOf,
  withChange,
  writeChanges,
} from "../protocol/sessions.js";
import type { WriteResult } from "../requests/write-result.js";
import type { ResolvedOptions } from "../resolve-options.js";
import type { Gate } from "./gate.js";
import type { Hold, Holding } from "./hold.js";
import { RowLooks } from "./row-looks.js";
import { Unsettled } from "./unsettled.js";

/** What a session works with. */
export interface SessionTools {
  /** For its own row. */
  readonly client: LeaseClient;
  readonly options: ResolvedOptions;
  readonly emit: Emit;
  /** For its looks at rows. */
  readonly gate: Gate;
  readonly lastWill: LastWill | undefined;
  readonly heartbeat: HeartbeatAids | undefined;
  /** Something has ended: perhaps nobody needs the session any more. */
  onChange(): void;
  /** It trusts nothing any more. */
  onOver(): void;
}

/** A session that was opened: its row, its heartbeat, and the leases under it (rule 14). */
export class OpenSession implements Holding {
  readonly #holds = new Set<Hold>();
  readonly #tenure: Tenure;
  readonly #looks: RowLooks<Hold>;
  readonly unsettled: Unsettled;
  #changes: Changes = NO_CHANGES;
  #nudges = 0;
  /** Of the next look at the rows' own trust, in monotonic time. */
  #checkMs = Number.POSITIVE_INFINITY;
  #cancelCheck = () => {};

  constructor(
    { lease, sent }: Extract<WriteResult<Held>, { succeeded: true }>,
    private readonly tools: SessionTools,
  ) {
    const { client, options, emit, gate, lastWill, heartbeat } = tools;
    this.#looks = new RowLooks<Hold>(this.#holds, client, options, gate, (hold, row, at) => {
      if (this.#holds.has(hold)) hold.tenure?.looked(row, at);
      else hold.noted(row, at);
    });
    this.unsettled = new Unsettled(client, options, gate, (election) => this.changed(election));
    const elected = { lease, sent, previous: undefined, vanishedTerm: undefined };
    const observer = { observed: (row: Lease) => this.#observed(row) };
    this.#tenure = new Tenure(elected, client, options, emit, observer, {
      succession: { refresh: nothing, newLine: () => undefined, plannedEnd: () => undefined },
      history: {
        ...{ refresh: nothing, insist: nothing, hurry() {}, givenBack: nothing },
        isWritten: true,
      },
      idleDeletion: { insist: nothing, allows: () => false },
      lastWill,
      heartbeat,
      onOver: async () => this.#over(),
    });
  }

  /**
   * Renews from now on, first at once: a session that is sealed upon its opening proves no death (rule 14d). Returns what the
   * first lease must wait for (rule 12a).
   */
  start(): Promise<void> | undefined {
    const covering = this.#tenure.start();
    this.#tenure.proclaim(undefined).catch(() => {});
    return covering;
  }

  get id(): string {
    return this.tools.options.candidateId;
  }

  /** By the clocks at this call. From the moment on when its row is being given back, it is over (rule 8e). */
  trustLeftMs(): number {
    return this.#tenure.workLeftMs();
  }

  /** Rule 14c. The trust that a row gives by itself ends too: one timer for all of them. */
  checkIn(ms: number): void {
    const { clock } = this.tools.options;
    const atMs = clock.monotonicMs() + ms;
    if (atMs >= this.#checkMs) return;
    this.#checkMs = atMs;
    this.#cancelCheck();
    this.#cancelCheck = clock.setTimer(ms, () => this.#check());
  }

  get holds(): ReadonlySet<Hold> {
    return this.#holds;
  }

  held(hold: Hold): void {
    this.#holds.add(hold);
  }

  heldNoMore(hold: Hold): void {
    if (this.#holds.delete(hold)) this.tools.onChange();
  }

  /** Rule 14g. The next renewal of the session's row tells it, and leaves now. */
  changed(election: string): void {
    this.#changes = withChange(this.#changes, election);
    this.#tenure.proclaim(writeChanges(this.#changes)).catch(() => {});
  }

  /** Rule 14j. What is known may be wrong, so nothing is given back. */
  fail(fault: InternalError): void {
    this.#tenure.fail(fault);
  }

  /** Gives its row back. All work under it must have stopped. Never rejects. */
  giveBack(): Promise<ResignOutcome> {
    return this.#tenure.release("resigned");
  }

  /** Work under it has not stopped: it is no longer renewed, and runs out (P4). */
  letRunOut(): void {
    this.#tenure.end("resigned");
    this.#tenure.letRunOut();
  }

  #check(): void {
    this.#checkMs = Number.POSITIVE_INFINITY;
    for (const { tenure } of [...this.#holds])
      if (tenure && !tenure.isOver) this.checkIn(tenure.trust.ownLeftMs());
  }

  /** Rule 14h. What others have written to lease rows since the last heartbeat. */
  #observed(row: Lease): void {
    this.tools.lastWill?.observed(row);
    if (row.kind !== "held") return;
    const before = this.#nudges;
    const nudges = nudgesOf(row);
    // An older row that was put back has fewer. Any other number than before says that something was written.
    if (nudges.count === before) return;
    this.#nudges = nudges.count;
    this.#looks.soon(nudgedSince(before, nudges));
  }

  #over(): void {
    this.#cancelCheck();
    this.#looks.stop();
    this.unsettled.stop();
    const reason: EndReason = this.#tenure.endReason ?? "expired";
    this.tools.onOver();
    for (const { tenure } of [...this.#holds]) tenure?.sessionEnded(reason);
    this.#holds.clear();
  }
}

async function nothing(): Promise<void> {}
