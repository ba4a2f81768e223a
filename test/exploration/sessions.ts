import type { Held, Lease, Vacant } from "../../src/protocol/lease.js";
import { type SessionFate, sessionFate } from "../../src/protocol/sessions.js";
import {
  acquired,
  evicted,
  evictionAcknowledged,
  renewed,
  resigned,
  sessionBuried,
  sessionOpened,
  sessionSealed,
} from "../../src/protocol/transitions.js";
import type { AcquireRequest } from "../../src/protocol/verbs.js";
import { Broken, breadthFirst, type Next, type Searched } from "./breadth.js";

/**
 * Rule 14: every interleaving of two candidates of one election, P under a session and Q plain, where each request lands at any time,
 * late and again; an eviction; and deletions of the lease row and of the session's row. Time is in
 * ticks, and all ages are capped, so it is unbounded. There is no drift, and no margin.
 */

export interface SessionBounds {
  /** The session's lease and the row lease, in ticks. */
  readonly leaseTicks: number;
  readonly rowTicks: number;
  /** The last revision of a heartbeat. Its opening has the first. */
  readonly beats: number;
  readonly maxTerm: number;
  readonly evictions: number;
  /** Deletions of the lease row by hand. */
  readonly deletions: number;
  /** Deletions of the session's row, by the table or by hand. A late copy of the opening can make it again. */
  readonly sweeps: number;
}

/** What P and Q go by. A test can replace each, to see that the search finds it. */
const REAL = {
  ...{
    acquired,
    evicted,
    evictionAcknowledged,
    renewed,
    resigned,
    sessionBuried,
    sessionOpened,
    sessionSealed,
  },
  /** Rule 14c. */
  trusts: (isSessionTrusted: boolean, isRowTrusted: boolean): boolean => isSessionTrusted && isRowTrusted,
  /** Rules 14d and 14e. `age`: of the first sight of the session's row as it is. */
  isFree: (fate: SessionFate["kind"], hasWaited: boolean): boolean =>
    fate === "ended" || (fate === "tombstone" && hasWaited),
  /** Rule 14h. */
  mayAcknowledge: (runs: boolean, isTrusted: boolean): boolean => !runs && !isTrusted,
  /** Rule 2k. */
  isOver: (row: Vacant, hasWaited: boolean): boolean =>
    row.endReason !== "evicted" || row.isAcknowledged === true || hasWaited,
  /** Rule 14f. */
  mayResign: (runs: boolean, isTrusted: boolean): boolean => !runs && !isTrusted,
};
export type SessionRules = typeof REAL;

/** It stays under way for ever, and lands any number of times. */
type Message =
  | { readonly kind: "open" | "bury" }
  | { readonly kind: "beat"; readonly revision: number }
  | { readonly kind: "seal"; readonly revision: number }
  | {
      readonly kind: "acquire";
      readonly by: "P" | "Q";
      readonly term: number;
      readonly revision: number;
      readonly age: number;
    }
  | { readonly kind: "resign" | "acknowledge"; readonly term: number };

interface Holder {
  /** It has lost its session. */
  readonly isOver: boolean;
  /** How long ago the heartbeat left that was confirmed last. */
  readonly confirmed: number;
  readonly tried: number;
  /** The heartbeat whose answer it waits for. */
  readonly beat: { readonly revision: number; readonly age: number } | undefined;
  /** The term whose acquire it waits for. 0: none. */
  readonly acquires: number;
  /** 0: it does not lead. */
  readonly term: number;
  /** How long ago the acquire or the look left that showed its row last. */
  readonly shown: number;
  /** Its work has not returned. */
  readonly runs: boolean;
  /** It has seen that this term was evicted. */
  readonly evicted: number;
}

interface Waiter {
  readonly row: Lease | undefined;
  readonly rowAge: number;
  /** Null: it has not looked at it yet. */
  readonly session: Lease | undefined | null;
  readonly sessionAge: number;
  readonly term: number;
  readonly sent: number;
}

interface State {
  readonly session: Lease | undefined;
  readonly row: Lease | undefined;
  readonly lastTerm: number;
  readonly p: Holder;
  readonly q: Waiter;
  readonly net: readonly Message[];
  /** Answers to acquires of P that are under way. */
  readonly answers: ReadonlyArray<{ readonly term: number; readonly age: number }>;
  readonly evictions: number;
  readonly deletions: number;
  readonly sweeps: number;
}

export interface SessionSearch extends Searched {
  /** How often Q took the lease from P. */
  readonly claims: number;
}

const ROW = "session#s";
const TIMES = { leaseDurationMs: 3, renewIntervalMs: 1 };
const UNKNOWN = { expiresAt: undefined, at: undefined };
const FIRST: Vacant = { kind: "vacant", term: 1, revision: 1, ...TIMES, endReason: "resigned" };

export function searchSessions(bounds: SessionBounds, replaced: Partial<SessionRules> = {}): SessionSearch {
  const search = new Search(bounds, { ...REAL, ...replaced });
  const searched = breadthFirst(search.initial(), (state, next) =>
    search.successors(state, (landed, told) => {
      const after = { ...landed, net: landed.net.filter((message) => search.mayLand(message, landed)) };
      search.expectPromises(after, told);
      next(after, told);
    }),
  );
  return { ...searched, claims: search.claims };
}

class Search {
  claims = 0;

  constructor(
    private readonly bounds: SessionBounds,
    private readonly rules: SessionRules,
  ) {}

  /** P has opened its session, and the lease is free. */
  initial(): State {
    const { leaseTicks, evictions, deletions, sweeps } = this.bounds;
    const opening = {
      election: ROW,
      candidateId: "s",
      attemptId: "o",
      ...TIMES,
      leaseDurationMs: leaseTicks,
    };
    return {
      session: this.rules.sessionOpened(undefined, { ...opening, ...UNKNOWN }),
      row: FIRST,
      lastTerm: 1,
      p: { ...{ isOver: false, confirmed: 0, tried: 1, beat: undefined, acquires: 0 }, ...IDLE },
      q: { row: FIRST, rowAge: 0, session: null, sessionAge: 0, term: 0, sent: 0 },
      net: sweeps > 0 ? [{ kind: "open" }] : [],
      answers: [],
      ...{ evictions, deletions, sweeps },
    };
  }

  /** Unless a test has replaced what refuses them. */
  mayLand(message: Message, state: State): boolean {
    const isOfSession = message.kind === "beat" || message.kind === "seal";
    if (isOfSession && this.rules.sessionSealed !== REAL.sessionSealed) return true;
    return mayLand(message, state);
  }

  expectPromises({ p, q }: State, told: string): void {
    if (this.#isTrusted(p) && q.term > 0 && q.sent < this.bounds.leaseTicks)
      throw new Broken(`${told}: terms ${p.term} and ${q.term} are trusted at once`);
  }

  #isSessionTrusted({ isOver, confirmed }: Holder): boolean {
    return !isOver && confirmed < this.bounds.leaseTicks;
  }

  #isTrusted(p: Holder): boolean {
    return p.term > 0 && this.rules.trusts(this.#isSessionTrusted(p), p.shown < this.bounds.rowTicks);
  }

  successors(state: State, next: Next<State>): void {
    next(this.#older(state), "time passes");
    this.#holder(state, next);
    this.#waiter(state, next);
    for (const message of state.net) this.#land(state, message, next);
    this.#others(state, next);
  }

  #older(state: State): State {
    const { leaseTicks, rowTicks } = this.bounds;
    const older = (age: number, cap: number) => Math.min(age + 1, cap);
    const { p, q } = state;
    return {
      ...state,
      p: {
        ...p,
        confirmed: older(p.confirmed, leaseTicks),
        shown: p.term > 0 ? older(p.shown, rowTicks) : 0,
        beat: p.beat && { ...p.beat, age: older(p.beat.age, leaseTicks) },
      },
      q: {
        ...q,
        rowAge: older(q.rowAge, rowTicks),
        sessionAge: q.session === null ? 0 : older(q.sessionAge, rowTicks),
        sent: q.term > 0 ? older(q.sent, leaseTicks) : 0,
      },
      net: inOrder(
        state.net.map((message) =>
          message.kind === "acquire" ? { ...message, age: older(message.age, rowTicks) } : message,
        ),
      ),
      answers: state.answers.map(({ term, age }) => ({ term, age: older(age, rowTicks) })),
    };
  }

  // ---- P

  #holder(state: State, next: Next<State>): void {
    const { p, row, net } = state;
    const { beats, maxTerm, rowTicks } = this.bounds;
    if (!p.isOver && p.tried < beats) {
      const beat = { revision: p.tried + 1, age: 0 };
      const sent = put(net, { kind: "beat", revision: beat.revision });
      next(
        { ...state, p: { ...p, tried: beat.revision, beat }, net: sent },
        `P sends heartbeat ${beat.revision}`,
      );
    }
    const mayCampaign = this.#isSessionTrusted(p) && p.term === 0 && !p.runs && p.acquires === 0;
    const isFree = row?.kind === "vacant" && row.endReason !== "evicted";
    if (mayCampaign && isFree && row.term < maxTerm) {
      const { term, revision } = row;
      const sent = put(net, { kind: "acquire", by: "P", term, revision, age: 0 });
      next(
        { ...state, p: { ...p, acquires: term + 1, evicted: 0 }, net: sent },
        `P sends the acquire of term ${term + 1}`,
      );
    }
    if (p.acquires > 0) next({ ...state, answers: [], p: { ...p, acquires: 0 } }, "P gives up its acquire");
    for (const answer of state.answers) {
      const answers = state.answers.filter((other) => other !== answer);
      const begins = p.acquires === answer.term && this.#isSessionTrusted(p) && answer.age < rowTicks;
      const leading = { acquires: 0, term: answer.term, shown: answer.age, runs: true };
      next(
        { ...state, answers, p: begins ? { ...p, ...leading } : p },
        `the answer to term ${answer.term} reaches P`,
      );
    }
    if (p.term > 0) {
      const isMine = row?.kind === "held" && row.holder === "P" && row.term === p.term;
      // Trust that has run out does not come back.
      if (isMine && p.shown < rowTicks) next({ ...state, p: { ...p, shown: 0 } }, "P looks at its row");
      const isEvicted = row?.kind === "vacant" && row.endReason === "evicted" && row.term === p.term + 1;
      const over = { ...p, term: 0, shown: 0, evicted: isEvicted ? p.term : 0 };
      if (!isMine) next({ ...state, p: over }, `P sees that term ${p.term} is lost`);
      if (!this.#isTrusted(p))
        next({ ...state, p: { ...over, evicted: 0 } }, `term ${p.term} of P has run out`);
    }
    if (p.runs && p.term === 0) next({ ...state, p: { ...p, runs: false } }, "the work of P stops");
    // It gives back what it holds and does not work on: its own release, and what the unsettled reader finds.
    if (
      row?.kind === "held" &&
      row.holder === "P" &&
      this.rules.mayResign(p.runs, this.#isTrusted(p) && p.term === row.term)
    ) {
      if (p.acquires === 0)
        next(
          { ...state, net: put(net, { kind: "resign", term: row.term }) },
          `P gives back term ${row.term}`,
        );
    }
    if (p.term > 0 && p.runs && this.#isTrusted(p))
      next(
        { ...state, p: { ...p, term: 0, shown: 0, runs: false } },
        `P ends term ${p.term}: its work has stopped`,
      );
    if (p.evicted > 0 && this.rules.mayAcknowledge(p.runs, this.#isTrusted(p)))
      next(
        { ...state, p: { ...p, evicted: 0 }, net: put(net, { kind: "acknowledge", term: p.evicted }) },
        "P acknowledges the eviction",
      );
  }

  // ---- Q

  #waiter(state: State, next: Next<State>): void {
    const { q, net, row, session } = state;
    const { leaseTicks, rowTicks, maxTerm } = this.bounds;
    const isSameRow = pairOf(q.row) === pairOf(row);
    next({ ...state, q: { ...q, row, rowAge: isSameRow ? q.rowAge : 0 } }, "Q looks at the lease row");
    if (q.row?.kind === "held" && q.row.session !== undefined) {
      const isSame = q.session !== null && pairOf(q.session) === pairOf(session);
      next(
        { ...state, q: { ...q, session, sessionAge: isSame ? q.sessionAge : 0 } },
        "Q looks at the session's row",
      );
    }
    if (q.term > 0) {
      // Its plain lease is not renewed: it runs out, and is given back then.
      if (q.sent >= leaseTicks)
        next({ ...state, q: { ...q, term: 0, sent: 0 } }, `term ${q.term} of Q has run out`);
      return;
    }
    const acquire = (told: string) => {
      const { term, revision } = q.row ?? { term: state.lastTerm, revision: -1 };
      if (term >= maxTerm) return;
      next({ ...state, net: put(net, { kind: "acquire", by: "Q", term, revision, age: 0 }) }, told);
    };
    const hasWaited = q.rowAge >= rowTicks;
    if (q.row === undefined) {
      // By history: the row lease.
      if (hasWaited) acquire("Q founds");
      return;
    }
    if (q.row.kind === "vacant" && this.rules.isOver(q.row, hasWaited)) acquire("Q acquires the free lease");
    if (q.row.kind !== "held" || q.row.session === undefined || q.session === null) return;
    const fate = this.#fateOf(q);
    if (fate.kind === "dead")
      next(
        { ...state, net: put(net, { kind: "seal", revision: fate.seal.revision }) },
        `Q seals on ${fate.seal.revision}`,
      );
    if (fate.kind === "missing") next({ ...state, net: put(net, { kind: "bury" }) }, "Q buries the session");
    if (this.rules.isFree(fate.kind, q.sessionAge >= rowTicks))
      acquire(`Q claims: the session is ${fate.kind}`);
  }

  #fateOf({ session, sessionAge }: Waiter): SessionFate {
    const memory = { term: 0, latest: { term: 0, revision: 0 }, longestLeaseMs: 0 };
    const schedule = { afterMs: 0, byMs: 0, missed: 0, polledAtMs: 0 };
    const observation = {
      lease: session ?? undefined,
      firstSeenMs: -sessionAge,
      polledMs: 0,
      schedule,
      memory,
    };
    return sessionFate(observation, { monotonicMs: 0, wallMs: 0 }, undefined, { useServiceClock: false });
  }

  // ---- the table

  #land(state: State, message: Message, next: Next<State>): void {
    const { session, row, p } = state;
    const { rules } = this;
    const { leaseTicks, rowTicks } = this.bounds;
    switch (message.kind) {
      case "open": {
        const opening = {
          election: ROW,
          candidateId: "s",
          attemptId: "o",
          ...TIMES,
          leaseDurationMs: leaseTicks,
        };
        const opened = rules.sessionOpened(session, { ...opening, ...UNKNOWN });
        if (opened) next({ ...state, session: opened }, "a copy of the opening lands");
        return;
      }
      case "bury": {
        const tomb = { election: ROW, revision: 100, ...TIMES, leaseDurationMs: rowTicks, ttl: 1 };
        const buried = rules.sessionBuried(session, tomb);
        if (buried) next({ ...state, session: buried }, "the tombstone lands");
        return;
      }
      case "seal": {
        const sealed = rules.sessionSealed(session, {
          election: ROW,
          seen: { term: 1, revision: message.revision },
          at: undefined,
          ttl: 1,
        });
        if (sealed) next({ ...state, session: sealed }, `the seal on ${message.revision} lands`);
        return;
      }
      case "beat": {
        const { revision } = message;
        const beat = {
          election: ROW,
          candidateId: "s",
          term: 1,
          revision,
          renewIntervalMs: 1,
          value: undefined,
        };
        const lives = rules.renewed(session, { ...beat, ...UNKNOWN });
        const landed = lives ? { ...state, session: lives } : state;
        next(landed, `heartbeat ${revision} lands, and nobody hears of it`);
        if (p.beat?.revision !== revision || p.isOver) return;
        const isThere = lives !== undefined || (session?.kind === "held" && session.revision === revision);
        const isLost = !isThere || p.confirmed >= leaseTicks;
        const heard = isLost
          ? { ...p, isOver: true, beat: undefined }
          : { ...p, confirmed: p.beat.age, beat: undefined };
        next({ ...landed, p: heard }, `heartbeat ${revision} lands, and P hears of it`);
        return;
      }
      case "acquire":
        this.#landAcquire(state, message, next);
        return;
      case "resign": {
        const own = {
          election: "e",
          candidateId: "P",
          term: message.term,
          revision: (row?.revision ?? 0) + 1,
        };
        const free = rules.resigned(row, { ...own, reason: "resigned", at: undefined });
        if (free) next({ ...state, row: plain(free) }, `the release of term ${message.term} lands`);
        return;
      }
      case "acknowledge": {
        const free = rules.evictionAcknowledged(row, { election: "e", term: message.term });
        if (free) next({ ...state, row: free }, "the acknowledgement lands");
      }
    }
  }

  #landAcquire(
    state: State,
    { by, term, revision, age }: Extract<Message, { kind: "acquire" }>,
    next: Next<State>,
  ): void {
    const { leaseTicks, rowTicks } = this.bounds;
    const began = term + 1;
    const request: AcquireRequest = {
      election: "e",
      candidateId: by,
      attemptId: `${by}${began}`,
      basis: { term, revision },
      term: began,
      value: undefined,
      ...UNKNOWN,
      renewIntervalMs: 1,
      leaseDurationMs: by === "P" ? rowTicks : leaseTicks,
      session: by === "P" ? "s" : undefined,
    };
    // A founding needs that there is no row, and that no later term was recorded.
    const isFounding = revision < 0;
    if (isFounding && (state.row !== undefined || state.lastTerm !== term)) return;
    const basis = { ...FIRST, term, revision };
    const lease = this.rules.acquired(isFounding ? basis : state.row, request);
    if (lease === undefined) return;
    if (began <= state.lastTerm) throw new Broken(`term ${began} begins after term ${state.lastTerm}`);
    const row = plain({ ...lease, revision: isFounding ? 1 : lease.revision });
    const landed = { ...state, row, lastTerm: began };
    if (by === "P") {
      const answers = state.p.acquires === began ? [{ term: began, age }] : [];
      next({ ...landed, answers }, `P's acquire of term ${began} lands`);
      return;
    }
    if (state.row?.kind === "held" && state.row.holder === "P") this.claims += 1;
    next(
      { ...landed, q: { ...state.q, row, rowAge: 0, term: began, sent: age } },
      `Q's acquire of term ${began} lands`,
    );
  }

  // ---- others

  #others(state: State, next: Next<State>): void {
    const { row, session, evictions, deletions, sweeps, p } = state;
    if (evictions > 0 && row?.kind === "held" && row.term < this.bounds.maxTerm) {
      const free = this.rules.evicted(row, { election: "e", term: row.term, at: undefined });
      // A step of 1 instead of 2^32: nobody counts up to it here.
      const nearer = free && plain({ ...free, revision: row.revision + 1 });
      if (nearer)
        next(
          { ...state, row: nearer, lastTerm: nearer.term, evictions: evictions - 1 },
          `an operator evicts term ${row.term}`,
        );
    }
    // Once history has the term of whoever works (rule 14i).
    if (deletions > 0 && row?.kind === "held" && (row.holder !== "P" || row.term === p.term))
      next({ ...state, row: undefined, deletions: deletions - 1 }, "somebody deletes the lease row");
    if (sweeps > 0 && session !== undefined)
      next({ ...state, session: undefined, sweeps: sweeps - 1 }, "the session's row is deleted");
  }
}

const IDLE = { term: 0, shown: 0, runs: false, evicted: 0 };

function pairOf(row: Lease | undefined): string {
  return row === undefined
    ? "none"
    : `${row.term}/${row.revision}/${row.kind === "vacant" && row.isAcknowledged}`;
}

/** Without what no rule here reads. */
function plain<L extends Held | Vacant>(row: L): L {
  const { attemptId, ...rest } = row;
  return JSON.parse(JSON.stringify(rest)) as L;
}

/** Pairs never come again, so most requests are refused for ever some day. */
function mayLand(message: Message, { row, session, lastTerm, sweeps, p }: State): boolean {
  switch (message.kind) {
    case "acquire":
      if (message.revision < 0) return message.term === lastTerm;
      return message.term === lastTerm && (row === undefined || row.revision <= message.revision);
    case "resign":
      return message.term === lastTerm && row !== undefined;
    case "acknowledge":
      return message.term + 1 === lastTerm && row !== undefined;
    case "beat":
      // Its answer may be awaited.
      if (p.beat?.revision === message.revision && !p.isOver) return true;
      return (
        sweeps > 0 ||
        session === undefined ||
        (session.kind === "held" && session.revision < message.revision)
      );
    case "seal":
      return (
        sweeps > 0 ||
        session === undefined ||
        (session.kind === "held" && session.revision <= message.revision)
      );
    default:
      return session === undefined || sweeps > 0;
  }
}

/** Of requests that differ only in their age, the younger one is enough: it can do all that the older one can. */
function put(net: readonly Message[], message: Message): Message[] {
  const key = keyOf(message);
  return inOrder([...net.filter((other) => keyOf(other) !== key), message]);
}

function inOrder(net: readonly Message[]): Message[] {
  return [...net].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf(message: Message): string {
  switch (message.kind) {
    case "acquire":
      return `acquire ${message.by} ${message.term} ${message.revision}`;
    case "beat":
    case "seal":
      return `${message.kind} ${message.revision}`;
    case "resign":
    case "acknowledge":
      return `${message.kind} ${message.term}`;
    default:
      return message.kind;
  }
}
