import {
  checkAcknowledged,
  checkBuried,
  checkNudged,
  checkOpened,
  checkSealed,
} from "../protocol/invariants.js";
import { type Held, placeholderRevision } from "../protocol/lease.js";
import { acquireSucceeded } from "../protocol/lost-answers.js";
import { sessionRowName } from "../protocol/sessions.js";
import type { Read, SealRequest, Written } from "../protocol/verbs.js";
import { randomPart } from "../random.js";
import type { Timed } from "../timed-request.js";
import { CandidateRequests } from "./candidates.js";
import { sessionKeptUntil, sessionTtl } from "./row-times.js";
import { checked, resultOf, type WriteResult } from "./write-result.js";

/** The requests that only sessions know (rules 2o and 14). A session's own row is renewed and given back as a lease row is. */
export class SessionRequests extends CandidateRequests {
  readSession(id: string, consistent: boolean, signal?: AbortSignal): Promise<Timed<Read>> {
    const row = sessionRowName(id);
    return this.send("read a session", (store, _, abort) => store.read(row, { consistent }, abort), {
      signal,
    });
  }

  /** Opens the session whose row this client is for. A refusal can be a success whose answer was lost (rule 3a). */
  async openSession(): Promise<WriteResult<Held>> {
    const { candidateId, leaseDurationMs, renewIntervalMs, random } = this.options;
    const mine = { candidateId, attemptId: randomPart(random) };
    const fixed = { election: this.name, ...mine, leaseDurationMs, renewIntervalMs };
    const timed = await this.send("open a session", async (store, sent, abort) => {
      const times = { expiresAt: this.time.expiresAt(sent), ttl: sessionTtl(this.name, this.time, sent) };
      const request = { ...fixed, ...times, ...this.time.stamp(sent) };
      return checked(await store.openSession(request, abort), checkOpened, request);
    });
    return resultOf(timed, (lease): lease is Held => acquireSucceeded(lease, mine));
  }

  /** The row says whether it has ended, whoever sealed it (rule 14d). */
  sealSession(id: string, seen: SealRequest["seen"]): Promise<Timed<Written>> {
    return this.send("seal a session", async (store, sent, abort) => {
      const ttl = sessionKeptUntil(this.time, sent);
      const request = { election: sessionRowName(id), seen, ...this.time.stamp(sent), ttl };
      return checked(await store.sealSession(request, abort), checkSealed, request);
    });
  }

  /** Puts a tombstone where the session has no row (rule 14e). `row`: the times of a lease row under it. */
  burySession(
    id: string,
    row: { readonly leaseDurationMs: number; readonly renewIntervalMs: number },
  ): Promise<Timed<Written>> {
    const { leaseDurationMs, renewIntervalMs } = row;
    const revision = placeholderRevision(this.options.random);
    const fixed = { election: sessionRowName(id), revision, leaseDurationMs, renewIntervalMs };
    return this.send("bury a session", async (store, sent, abort) => {
      const request = { ...fixed, ttl: sessionKeptUntil(this.time, sent) };
      return checked(await store.burySession(request, abort), checkBuried, request);
    });
  }

  /** Tells a session's holder to look at this election's row (rule 14h). It is a hint: a refusal says that the session has ended. */
  nudgeSession(id: string): Promise<Timed<Written>> {
    const request = { election: sessionRowName(id), name: this.name };
    return this.send("nudge a session", async (store, _, abort) =>
      checked(await store.nudgeSession(request, abort), checkNudged, request),
    );
  }

  /**
   * Says that this candidate, which was evicted in this term, trusts nothing any more (rule 14h). A refusal says that the
   * lease has gone on.
   */
  acknowledgeEviction(term: number): Promise<Timed<Written>> {
    const request = { election: this.name, term };
    return this.send("acknowledge an eviction", async (store, _, abort) =>
      checked(await store.acknowledgeEviction(request, abort), checkAcknowledged, request),
    );
  }
}
