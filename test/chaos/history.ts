import type { EndReason } from "../../src/errors.js";
import type { ResignOutcome } from "../../src/events.js";

/**
 * What a run leaves behind, for the checker. `at` is always the harness's own clock: the moment it heard, or did,
 * something. A candidate is one life of one worker process. `election`: which one it is about; left out: the one for which
 * all workers stand.
 */
export type HistoryEvent =
  | {
      readonly type: "run";
      readonly at: number;
      readonly seed: number;
      readonly leaseMs: number;
      /** The other elections, each with a register of its own. */
      readonly elections?: readonly string[];
    }
  /**
   * A candidate begins, in these elections. `rate`: how fast its clocks run; other than 1 is outside the promises.
   */
  | Of<{
      readonly type: "life";
      readonly label: string;
      readonly rate: number;
      readonly offset: string;
      readonly elections?: readonly string[] | undefined;
    }>
  /** `notBefore`: the acquiring request left after this moment. */
  | Of<{ readonly type: "elected"; readonly term: number; readonly notBefore: number }>
  /**
   * The worker asked, after its election, for the harness's time, was told `asked`, and then looked at its lease:
   * trusted then means trusted from its election until `asked` at least.
   */
  | Of<{ readonly type: "view"; readonly term: number; readonly asked: number; readonly trusted: boolean }>
  /** The worker was told that its leadership had ended. */
  | Of<{ readonly type: "ended"; readonly term: number; readonly reason: EndReason }>
  | Of<{ readonly type: "workDone"; readonly term: number }>
  | Of<{ readonly type: "resigned"; readonly term: number; readonly outcome: ResignOutcome }>
  /** A write is about to leave; it leaves after `since`. `stale`: sent on purpose by one who knows that it lost. */
  | Of<{
      readonly type: "write";
      readonly term: number;
      readonly write: string;
      readonly stale: boolean;
      readonly since: number;
    }>
  | Of<{ readonly type: "outcome"; readonly write: string; readonly outcome: Outcome; readonly why?: string }>
  /** Somebody is about to end the worker. */
  | Of<{ readonly type: "doomed" }>
  /** A last will has ended this term, as the table's history tells. */
  | Of<{ readonly type: "willed"; readonly term: number }>
  /** A worker ended that nobody had ended. */
  | Of<{ readonly type: "crash"; readonly label: string; readonly lastWords: string }>
  | { readonly type: "fault"; readonly at: number; readonly kind: string; readonly what: string }
  /** All faults are over: within `boundMs` somebody must lead. */
  | {
      readonly type: "calm";
      readonly at: number;
      readonly election?: string | undefined;
      readonly boundMs: number;
    }
  /** What the table held at the end, in the order in which it was written. `n` counts the register's writes. */
  | {
      readonly type: "landed";
      readonly at: number;
      readonly election?: string | undefined;
      readonly candidate: string;
      readonly term: number;
      readonly write: string;
      readonly stale: boolean;
      readonly n: number;
    }
  /** The register itself: how many writes it counted. */
  | {
      readonly type: "register";
      readonly at: number;
      readonly election?: string | undefined;
      readonly n: number;
    };

type Of<T> = T & {
  readonly at: number;
  readonly candidate: string;
  readonly election?: string | undefined;
};

/**
 * `accepted`: written. `fenced`: refused, a later term exists. `refused`: refused by the write's own condition.
 * `notSent`: refused before it left. `unknown`: no answer, it landed once or never.
 */
export type Outcome = "accepted" | "fenced" | "refused" | "notSent" | "unknown";

export type EventOf<K extends HistoryEvent["type"]> = Extract<HistoryEvent, { type: K }>;

export function eventsOf<K extends HistoryEvent["type"]>(
  history: readonly HistoryEvent[],
  type: K,
): EventOf<K>[] {
  return history.filter((event): event is EventOf<K> => event.type === type);
}

/** What is about one election, or about all. Undefined: the one for which all workers stand. */
export function ofElection(
  history: readonly HistoryEvent[],
  election: string | undefined,
): readonly HistoryEvent[] {
  return history.filter((event) => {
    switch (event.type) {
      case "run":
      case "fault":
      case "doomed":
      case "crash":
        return true;
      case "life":
        return event.elections === undefined
          ? election === undefined
          : event.elections.includes(election ?? "");
      default:
        return event.election === election;
    }
  });
}

/** All elections of a run. Undefined: the one for which all workers stand. */
export function electionsOf(history: readonly HistoryEvent[]): readonly (string | undefined)[] {
  return [undefined, ...eventsOf(history, "run").flatMap(({ elections = [] }) => elections)];
}

/** A promise that a run has broken. */
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

export type Rule =
  /** Two terms were trusted at one moment. */
  | "exclusion"
  /** An accepted write is of an earlier term than the one before it. */
  | "order"
  /** The register's count has a gap or a repetition, or counts a write that nobody sent. */
  | "register"
  /** A write was accepted though a later term existed before it left. */
  | "stale"
  /** A term belongs to two candidates. */
  | "owner"
  /** A later election has not the greater term. */
  | "terms"
  /** An acknowledged write is not there, or there twice. */
  | "acknowledged"
  /** A refused write is there. */
  | "refused"
  /** An end was told twice. */
  | "told"
  /** A lease was given back while the work was running. */
  | "release"
  /** A last will ended the term of a worker that lived. */
  | "will"
  /** A worker ended by itself. */
  | "crash"
  /** Nobody led after the faults were over. */
  | "liveness";
