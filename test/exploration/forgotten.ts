import { claimedTerm, floorOver, isPast } from "../../src/protocol/forgotten.js";
import type { Lease } from "../../src/protocol/lease.js";
import type { Founding } from "../../src/protocol/move.js";
import { acquired, paused, placeholderCreated, resigned } from "../../src/protocol/transitions.js";
import type { AcquireRequest, ResignRequest } from "../../src/protocol/verbs.js";
import { Broken, breadthFirst, type Next, type Searched } from "./breadth.js";

/**
 * Rule 13: every interleaving of uses of one name, copies of requests that land at any time, and deletions by the table at any
 * moment after a `ttl` is written. No clock and no wait is part of it, so what holds here holds whatever the clocks say.
 */

/** The rules that a test can replace, to see that the search finds it. */
const REAL = {
  ...{ claimedTerm, floorOver, isPast, acquired, resigned, paused, placeholderCreated },
  /** From registry.ts: the floor is read after the history. */
  floorFirst: false,
  /** From idle-deletion.ts: no release lets the row be deleted before a floor covers its term. */
  mayRelease: (isCovered: boolean): boolean => isCovered,
};
export type ForgottenRules = typeof REAL;

export interface ForgottenBounds {
  /** Candidates that use the name. */
  readonly candidates: number;
  /** Terms that begin, at most. */
  readonly tenures: number;
  /** Requests that come again, or first come after their sender has given up. */
  readonly copies: number;
  /** An operator may pause the election once. */
  readonly pauses: number;
}

type Write =
  | { readonly kind: "create"; readonly revision: number }
  | { readonly kind: "acquire"; readonly body: AcquireRequest }
  | { readonly kind: "resign"; readonly body: ResignRequest }
  /** A history row: of a term that began, or one with its `ttl`. */
  | { readonly kind: "record"; readonly term: number; readonly ttl: boolean }
  | { readonly kind: "raise"; readonly term: number };

type At =
  | { readonly at: "idle" }
  | { readonly at: "create" }
  | { readonly at: "history"; readonly revision: number; readonly floor?: number }
  | { readonly at: "floor"; readonly revision: number; readonly highestTerm: number }
  | { readonly at: "acquire"; readonly body: AcquireRequest }
  | { readonly at: "record" | "raise"; readonly term: number }
  | { readonly at: "resign"; readonly term: number; readonly isCovered: boolean }
  | { readonly at: "given back"; readonly term: number };

interface State {
  readonly row: Lease | undefined;
  /** By term: whether the history row has a `ttl`. */
  readonly terms: Readonly<Record<number, boolean>>;
  readonly floor: number;
  readonly lastTerm: number;
  readonly tenures: number;
  readonly serial: number;
  readonly copies: number;
  readonly pauses: number;
  readonly candidates: readonly At[];
  readonly strays: readonly Write[];
}

const TIMES = { leaseDurationMs: 3_000, renewIntervalMs: 1_000 };
const UNKNOWN = { value: undefined, expiresAt: undefined, at: undefined };

export interface ForgottenSearch extends Searched {
  /** How many terms were founded above a floor. */
  readonly refoundings: number;
}

export function searchForgotten(
  bounds: ForgottenBounds,
  replaced: Partial<ForgottenRules> = {},
): ForgottenSearch {
  const search = new Search(bounds, { ...REAL, ...replaced });
  const searched = breadthFirst(search.initial(), (state, next) => search.successors(state, next));
  return { ...searched, refoundings: search.refoundings };
}

class Search {
  refoundings = 0;

  constructor(
    private readonly bounds: ForgottenBounds,
    private readonly rules: ForgottenRules,
  ) {}

  initial(): State {
    const { candidates, copies, pauses } = this.bounds;
    return {
      ...{ row: undefined, terms: {}, floor: 0, lastTerm: 0, tenures: 0, serial: 1, copies, pauses },
      candidates: Array.from({ length: candidates }, () => ({ at: "idle" })),
      strays: [],
    };
  }

  successors(state: State, next: Next<State>): void {
    // No acquire can break anything any more.
    if (state.tenures === this.bounds.tenures && this.bounds.pauses === 0) return;
    state.candidates.forEach((candidate, index) => {
      this.#step(state, candidate, index, next);
    });
    state.strays.forEach((write, index) => {
      const rest = { ...state, strays: state.strays.filter((_, other) => other !== index) };
      next(this.#land(rest, write).state, `a late copy lands: ${tell(write)}`);
    });
    const { row, terms } = state;
    if (row?.kind === "vacant" && row.ttl !== undefined) {
      if (row.pausedBy !== undefined) throw new Broken("the row of a paused election may be deleted");
      next({ ...state, row: undefined }, `the table deletes the lease row of term ${row.term}`);
    }
    for (const [term, ttl] of Object.entries(terms)) {
      const { [Number(term)]: _, ...rest } = terms;
      if (ttl) next({ ...state, terms: rest }, `the table deletes the history row of term ${term}`);
    }
    if (row !== undefined && row.kind !== "placeholder" && state.pauses > 0) {
      const pausedRow = this.rules.paused(row, { election: "e", by: "carol", seen: row });
      next({ ...state, pauses: state.pauses - 1, row: pausedRow }, "an operator pauses the election");
    }
  }

  #step(state: State, candidate: At, index: number, next: Next<State>): void {
    const id = "abc".charAt(index);
    const to = (from: State, at: At): State => ({
      ...from,
      candidates: from.candidates.map((other, i) => (i === index ? at : other)),
    });
    /** It lands, perhaps once more later; or its sender gives up, and it may land later. */
    const send = (from: State, write: Write, after: (done: boolean) => At) => {
      const { state: landed, done } = this.#land(from, write);
      next(to(landed, after(done)), `${id}: ${tell(write)}: ${done ? "done" : "refused"}`);
      if (from.copies === 0) return;
      const copied = { copies: from.copies - 1, strays: [...from.strays, write] };
      next(to({ ...landed, ...copied }, after(done)), `${id}: ${tell(write)}, which will come again`);
      next(to({ ...from, ...copied }, { at: "idle" }), `${id} gives up: ${tell(write)} is still under way`);
    };
    switch (candidate.at) {
      case "idle":
        next(to(state, this.#seen(state, id)), `${id} reads the row`);
        return;
      case "create": {
        const write = { kind: "create", revision: state.serial } as const;
        send({ ...state, serial: state.serial + 1 }, write, () => ({ at: "idle" }));
        return;
      }
      case "history": {
        const highestTerm = Math.max(0, ...Object.keys(state.terms).map(Number));
        const { revision, floor } = candidate;
        if (this.rules.floorFirst && floor === undefined) {
          next(to(state, { ...candidate, floor: state.floor }), `${id} reads the floor`);
          return;
        }
        const at: At =
          floor === undefined
            ? { at: "floor", revision, highestTerm }
            : { at: "acquire", body: this.#founding(id, revision, { highestTerm, floor }) };
        next(to(state, at), `${id} reads the history: ${highestTerm}`);
        return;
      }
      case "floor": {
        const { revision, highestTerm } = candidate;
        const body = this.#founding(id, revision, { highestTerm, floor: state.floor });
        next(to(state, { at: "acquire", body }), `${id} reads the floor: ${state.floor}`);
        return;
      }
      case "acquire": {
        const { body } = candidate;
        if (state.tenures === this.bounds.tenures) return;
        const at = body.basis.founding ? "raise" : "record";
        send(state, { kind: "acquire", body }, (done) => (done ? { at, term: body.term } : { at: "idle" }));
        return;
      }
      case "record": {
        // Its own term, and only then the end of the one before it.
        const { term } = candidate;
        const began = this.#land(state, { kind: "record", term, ttl: false }).state;
        const before = { kind: "record", term: term - 1, ttl: true } as const;
        next(to(this.#land(began, before).state, { at: "raise", term }), `${id} records term ${term}`);
        return;
      }
      case "raise": {
        const { term } = candidate;
        next(to(state, { at: "resign", term, isCovered: false }), `${id} cannot raise the floor`);
        send(state, { kind: "raise", term }, () => ({ at: "resign", term, isCovered: true }));
        return;
      }
      case "resign": {
        const { term, isCovered } = candidate;
        const ttl = this.rules.mayRelease(isCovered) ? 1 : undefined;
        const revision = (state.row?.revision ?? 0) + 1;
        const own = {
          election: "e",
          candidateId: id,
          term,
          revision,
          reason: "resigned" as const,
          at: undefined,
        };
        next(to(state, { at: "idle" }), `${id} dies`);
        send(state, { kind: "resign", body: { ...own, ttl } }, (done) =>
          done && ttl !== undefined ? { at: "given back", term } : { at: "idle" },
        );
        return;
      }
      case "given back":
        send(state, { kind: "record", term: candidate.term, ttl: true }, () => ({ at: "idle" }));
    }
  }

  #seen({ row }: State, candidateId: string): At {
    if (row === undefined) return { at: "create" };
    if (row.kind === "placeholder") return { at: "history", revision: row.revision };
    const { term, revision } = row;
    const basis = { term, revision, previousTerm: term };
    const own = { election: "e", candidateId, attemptId: `${candidateId}${term}`, ...TIMES, ...UNKNOWN };
    return { at: "acquire", body: { ...own, basis, term: term + 1 } };
  }

  #founding(candidateId: string, revision: number, founding: Founding): AcquireRequest {
    const term = this.rules.claimedTerm(founding);
    const own = { election: "e", candidateId, attemptId: `${candidateId}${revision}-${term}` };
    return { ...own, basis: { term: 0, revision, founding }, term, ...TIMES, ...UNKNOWN };
  }

  #land(state: State, write: Write): { readonly state: State; readonly done: boolean } {
    const { row, terms, floor } = state;
    const refused = { state, done: false };
    switch (write.kind) {
      case "create": {
        const lease = this.rules.placeholderCreated(row, {
          election: "e",
          revision: write.revision,
          ...TIMES,
        });
        return lease ? { state: { ...state, row: lease }, done: true } : refused;
      }
      case "acquire": {
        const { basis, term } = write.body;
        const { founding } = basis;
        const recorded = { floor, has: (one: number) => one in terms, tickOf: () => undefined };
        if (founding && this.rules.isPast(founding, term, recorded)) return refused;
        const lease = this.rules.acquired(row, write.body);
        if (lease === undefined) return refused;
        if (term <= state.lastTerm) throw new Broken(`term ${term} begins after term ${state.lastTerm}`);
        if ((lease as { ttl?: number }).ttl !== undefined) throw new Broken("a row in use may be deleted");
        if (founding && floor > 0) this.refoundings += 1;
        const begun = { row: lease, lastTerm: term, tenures: state.tenures + 1 };
        return {
          state: { ...state, ...begun, ...(founding && { terms: { ...terms, [term]: false } }) },
          done: true,
        };
      }
      case "resign": {
        const lease = this.rules.resigned(row, write.body);
        return lease ? { state: { ...state, row: lease }, done: true } : refused;
      }
      case "record":
        // An update keeps the `ttl` that is there.
        return {
          state: { ...state, terms: { ...terms, [write.term]: write.ttl || terms[write.term] === true } },
          done: true,
        };
      case "raise":
        return {
          state: { ...state, floor: Math.max(floor, this.rules.floorOver(write.term) ?? 0) },
          done: true,
        };
    }
  }
}

function tell(write: Write): string {
  switch (write.kind) {
    case "create":
      return `placeholder ${write.revision}`;
    case "acquire":
      return `acquire of term ${write.body.term}`;
    case "resign":
      return `release of term ${write.body.term}${write.body.ttl === undefined ? "" : " with a ttl"}`;
    case "record":
      return `history of term ${write.term}${write.ttl ? " with a ttl" : ""}`;
    case "raise":
      return `floor over term ${write.term}`;
  }
}
