import { checkTicksReset } from "../protocol/invariants.js";
import type { TermLease } from "../protocol/lease.js";
import { ticksResetSucceeded } from "../protocol/lost-answers.js";
import type { PauseRequest, TickResetRequest, Written } from "../protocol/verbs.js";
import type { Timed } from "../timed-request.js";
import { SessionRequests } from "./sessions.js";
import { checked, resultOf, type WriteResult } from "./write-result.js";

/** The requests that only people make (rules 2g to 2i, and 2l). */
export class OperatorRequests extends SessionRequests {
  requestStepDown(term: number, by: string, to: string | undefined): Promise<Timed<Written>> {
    const request = { election: this.name, term, by, to };
    return this.send("request a step-down", (store, _, abort) => store.requestStepDown(request, abort));
  }

  evict(term: number): Promise<Timed<Written>> {
    return this.send("evict the holder", (store, sent, abort) =>
      store.evict({ election: this.name, term, ...this.time.stamp(sent) }, abort),
    );
  }

  /** Conditional on the row that was seen. A refusal can be a success whose answer was lost (rule 3d). */
  async resetTicks(reset: Omit<TickResetRequest, "election">): Promise<WriteResult<TermLease>> {
    const request = { ...reset, election: this.name };
    const timed = await this.send("reset the ticks", async (store, _, abort) => {
      const answer = await store.resetTicks(request, abort);
      return checked(answer, checkTicksReset, request);
    });
    return resultOf(timed, (lease): lease is TermLease => ticksResetSucceeded(lease, request));
  }

  /** `by` undefined: resume. */
  pause(by: string | undefined, seen: PauseRequest["seen"]): Promise<Timed<Written>> {
    const doing = by === undefined ? "resume the election" : "pause the election";
    return this.send(doing, (store, _, abort) => store.pause({ election: this.name, by, seen }, abort));
  }
}
