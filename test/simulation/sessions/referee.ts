import type { ElectionEvent, Leadership } from "../../../src/index.js";
import type { Lease } from "../../../src/protocol/lease.js";
import { isSessionRow } from "../../../src/protocol/sessions.js";
import type { Answer, TermRecord } from "../../../src/protocol/verbs.js";
import type { Host } from "../host.js";
import type { Verb } from "../network.js";
import { Violation } from "../violation.js";
import { type Bidder, Known, type Working } from "./known.js";
import { LifeReferee } from "./life-referee.js";
import type { SessionsPlan } from "./plan.js";
import { SessionRowsReferee } from "./session-rows-referee.js";
import { TermsReferee, type Written } from "./terms-referee.js";
import { TrustReferee } from "./trust-referee.js";
import { WorkReferee } from "./work-referee.js";

/** Of a history, with all its requests and timers. */
const MAX_STEPS = 2_000_000;

/** Sees all that lands and all work that begins and ends, and shows it to the referees of the promises and rules. */
export class SessionsReferee {
  readonly known: Known;
  readonly life: LifeReferee;
  readonly #trust: TrustReferee;
  readonly #work: WorkReferee;
  readonly #terms: TermsReferee;
  readonly #sessionRows: SessionRowsReferee;
  elections = 0;
  #turn = 0;

  constructor(
    private readonly plan: SessionsPlan,
    stopTimeoutMs: number,
    registered: (name: string) => Written | undefined,
    hostOf: (candidateId: string) => Host | undefined,
  ) {
    const known = new Known(plan);
    this.known = known;
    this.life = new LifeReferee(known, stopTimeoutMs);
    this.#trust = new TrustReferee(known);
    this.#work = new WorkReferee(known);
    this.#sessionRows = new SessionRowsReferee(known, hostOf);
    this.#terms = new TermsReferee(known, this.#sessionRows, registered);
  }

  began(bidder: Bidder, leadership: Leadership, nowMs: number): Working {
    this.elections += 1;
    const lease = this.known.lease(bidder.name);
    const session = lease.sessions.get(leadership.term);
    const ends = { overrun: undefined, untoldSinceMs: undefined };
    const working = { bidder, leadership, session, runs: true, ...ends };
    this.#terms.began(working);
    this.known.working(bidder.name).add(working);
    lease.ledMs = nowMs;
    return working;
  }

  /** After every step. */
  inspect(nowMs: number, steps: number): void {
    if (steps > MAX_STEPS) throw new Violation("rest", "a process never rests");
    for (const [name, all] of this.known.allWorking) if (all.size > 1) this.#trust.expectOne(name, all);
    // What lasts is seen by looking at one after the other.
    const { names } = this.plan;
    const { name } = names[this.#turn++ % names.length] as { name: string };
    this.#trust.look(name, nowMs);
    this.life.look(name, nowMs);
  }

  sent(host: Host, verb: Verb, request: unknown, nowMs: number): void {
    this.#work.sent(host, verb, request, nowMs);
  }

  /** An answer reached a process. */
  heard(
    host: Host,
    candidates: ReadonlySet<string>,
    verb: Verb,
    args: readonly unknown[],
    answer: Answer,
    sentMs: number,
  ): void {
    this.#sessionRows.heard(host, args, answer);
    this.#trust.heard(candidates, verb, args, answer, sentMs);
  }

  landed(verb: Verb, args: readonly unknown[], answer: Answer, nowMs: number): void {
    const { done, lease } = answer as { done?: boolean; lease?: Lease };
    if (verb === "recordTerm") this.#terms.recorded(args[0] as string, args[1] as TermRecord);
    const { election } = (args[0] ?? {}) as { election?: string };
    if (!done || election === undefined) return;
    if (verb === "transact") this.#terms.wrote(election);
    if (lease === undefined || verb === "recordTerm") return;
    if (!isSessionRow(election)) this.#terms.landed(verb, election, args[0], lease, nowMs);
    else {
      this.#sessionRows.landed(verb, election, lease, nowMs);
      this.life.logged(election, lease);
    }
  }

  heardEvent(event: ElectionEvent, nowMs: number): void {
    this.#work.heardEvent(event, nowMs);
  }

  /** The row of an election is gone, or that of a session that lives. */
  deleted(name: string, nowMs: number): void {
    if (isSessionRow(name)) this.#sessionRows.lost(name, undefined, nowMs);
    else this.#terms.deleted(name, nowMs);
  }

  /** The row of a session has been deleted by the table's TTL. */
  swept(sessionRow: string, nowMs: number): void {
    this.#sessionRows.swept(sessionRow, nowMs);
  }

  /** An older row is in the place of a later one. */
  restored(name: string, older: Lease, row: Lease, nowMs: number): void {
    if (isSessionRow(name)) this.#sessionRows.lost(name, older, nowMs);
    else this.#terms.restored(name, older, row, nowMs);
  }
}
