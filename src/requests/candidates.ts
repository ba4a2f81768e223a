import type { Instant } from "../clock.js";
import { HOUR_MS } from "../limits.js";
import { lifetimeMs } from "../protocol/membership.js";
import type { Answer, CandidateRow } from "../protocol/verbs.js";
import type { TableTime } from "../table-time.js";
import type { Timed } from "../timed-request.js";
import { HistoryRequests } from "./history.js";

/** A dead candidate's row is kept for an hour after its end, for people to see. */
const KEPT_AFTER_END_MS = HOUR_MS;

/** The requests on the rows of candidates, and on the counter of those who have joined (rule 7). */
export class CandidateRequests extends HistoryRequests {
  drawArrival() {
    return this.send("join the election", (store, _, abort) => store.drawArrival(this.name, abort));
  }

  /** Its end and its clean-up count from the moment when the request leaves. */
  writeCandidate(row: Omit<CandidateRow, "expiresAt" | "ttl">): Promise<Timed<Answer>> {
    return this.send("refresh the candidate", (store, sent, abort) =>
      store.writeCandidate(this.name, { ...row, ...candidateTimes(row, this.time, sent) }, abort),
    );
  }

  deleteCandidate(row: Pick<CandidateRow, "candidateId" | "heartbeat">): Promise<Timed<Answer>> {
    return this.send("delete a candidate's row", (store, _, abort) =>
      store.deleteCandidate(this.name, row, abort),
    );
  }

  readCandidates(signal?: AbortSignal) {
    return this.send("read the candidates", (store, _, abort) => store.readCandidates(this.name, abort), {
      signal,
    });
  }
}

function candidateTimes(
  { refreshIntervalMs }: Pick<CandidateRow, "refreshIntervalMs">,
  time: TableTime,
  sent: Instant,
) {
  // By the headers alone: a candidate that died on a host whose wall clock is wrong would otherwise count
  // as alive.
  const latestMs = time.headers?.latestMs(sent);
  const expiresAt = latestMs && Math.ceil(latestMs) + lifetimeMs(refreshIntervalMs);
  // Any clock is good enough for the clean-up: the next refresh writes a row again that was removed too early.
  const ttl = Math.ceil(((expiresAt ?? sent.wallMs) + KEPT_AFTER_END_MS) / 1_000);
  return { expiresAt, ttl };
}
