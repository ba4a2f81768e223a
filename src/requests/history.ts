import type { Answer, TermRange, TermRecord } from "../protocol/verbs.js";
import type { Timed } from "../timed-request.js";
import { Sender } from "./sender.js";

/** What is tried, as errors say it. */
const READ = "read the election's history";

/** The requests on an election's history, and on the floor of forgotten names (rules 5 and 13). */
export class HistoryRequests extends Sender {
  readHistory(signal?: AbortSignal) {
    return this.send(READ, (store, _, abort) => store.readHistory(this.name, abort), {
      signal,
    });
  }

  /** Latest first. */
  readTerms(range: TermRange, signal?: AbortSignal) {
    return this.send(READ, (store, _, abort) => store.readTerms(this.name, range, abort), { signal });
  }

  recordTerm(record: TermRecord): Promise<Timed<Answer>> {
    return this.send("record a term", (store, _, abort) => store.recordTerm(this.name, record, abort));
  }

  raiseFloor(term: number): Promise<Timed<Answer>> {
    return this.send("raise the floor", (store, _, abort) => store.raiseFloor(this.name, term, abort));
  }
}
