import type { ElectionEvent } from "../../src/index.js";
import type { Fault, Stall } from "./plan.js";

/** What happens, one line per event. Renewals that succeed are left out. */
export function tellEvent(event: ElectionEvent): string | undefined {
  const words = wordsFor(event);
  return words && `${event.candidateId} ${words}`;
}

function wordsFor(event: ElectionEvent): string | undefined {
  switch (event.type) {
    case "renewed":
      return undefined;
    case "elected":
      return `leads term ${event.term}`;
    case "ended":
      return `ends term ${event.term}: ${event.reason}, ${Math.round(event.lateByMs)} ms late`;
    case "resigned":
      return `gave term ${event.term} back: ${event.outcome}`;
    case "refused":
      return `was refused: the row has term ${event.term ?? "none"}`;
    case "renewal-failed":
      return `could not renew term ${event.term}, ${Math.round(event.trustLeftMs)} ms of trust left`;
    case "drain-overrun":
      return `still works at the end of its drain in term ${event.term}`;
    case "unavailable":
      return "got no answer from the table";
    case "recovered":
      return "gets answers from the table again";
    case "waiting":
      return `waits: ${event.leader} leads term ${event.term}`;
    case "standby":
      return `is the standby of ${event.leader} in term ${event.term}`;
    case "unhealthy":
      return "is not healthy";
    case "work-failed":
      return `threw in term ${event.term}`;
    case "tick-superseded":
      return "did not run a tick: a later one has completed";
    case "rank-ignored":
      return "got a rank that is not valid";
    case "internal-error":
      return `finds a bug: ${event.error.found}`;
    case "clock-anomaly":
      return "got two times that contradict each other";
  }
}

export function tellFault(fault: Fault): string {
  switch (fault.kind) {
    case "weather": {
      const parts = Object.entries(fault.weather).filter(([, chance]) => chance > 0);
      const what = parts.map(([kind, chance]) => `${kind} ${Math.round(chance * 100)} %`).join(", ");
      return `~ weather for ${seconds(fault.forMs)}: ${what || "calm"}`;
    }
    case "outage":
      return `✗ the table does not answer for ${seconds(fault.forMs)}`;
    case "historyOutage":
      return `✗ the table takes no history for ${seconds(fault.forMs)}`;
    case "callerAborts":
      return fault.when === "now"
        ? `! the caller of ${fault.label} aborts`
        : `! the caller of ${fault.label} aborts while its next acquire is under way`;
    case "crash":
      return `✗ ${fault.label} is killed, to start again in ${seconds(fault.forMs)}`;
    case "killed":
    case "exits": {
      const moment = fault.when === "leading" ? "" : `, once its next ${fault.when} is under way`;
      const whose = fault.when === "leading" ? "the process that leads" : fault.label;
      const end = fault.kind === "killed" ? "is killed" : "exits";
      return `✗ ${whose} ${end}${moment}, to start again in ${seconds(fault.forMs)}; its will is left`;
    }
    case "companionDies":
      return `✗ the companion of ${fault.label} dies`;
    case "stall":
      return tellStall(fault);
    case "signing":
      return `✗ for ${seconds(fault.forMs)} nothing is signed ahead, or only slowly`;
    case "strays":
      return `~ for ${seconds(fault.forMs)}, stand-ins land after the next ${fault.after}`;
    case "threadDies":
      return `✗ the heartbeat thread of ${fault.label} dies`;
    case "suspend":
      return `‖ ${fault.label} is suspended for ${seconds(fault.forMs)}: its monotonic clock stands still`;
    case "standStill": {
      const moment = {
        now: "",
        resigned: ", once it has given a lease back",
        reading: ", while it reads that the lease is free",
      }[fault.when];
      const outage = fault.isOutage ? ", and the table does not answer meanwhile" : "";
      return `‖ ${fault.label} stands still with all its clocks for ${seconds(fault.forMs)}${moment}${outage}`;
    }
    case "block":
      return `‖ ${fault.label} is blocked for ${seconds(fault.forMs)}: its clocks continue`;
    case "cut": {
      const what = {
        requests: "no request of it arrives",
        answers: "no answer reaches it",
        both: "off the network",
      };
      return `✗ ${fault.label} is cut off for ${seconds(fault.forMs)}: ${what[fault.way]}`;
    }
    case "stepWall":
      return `~ ${fault.label}'s wall clock is stepped by ${seconds(fault.byMs)}`;
    case "deadCandidates":
      return `✗ rows of ${fault.rows} candidates that died, good until ${seconds(fault.agoMs)} ago`;
    case "lieHeader":
    case "stepHeader":
      return `~ headers that ${fault.label} receives are wrong by ${seconds(fault.byMs)} for ${seconds(fault.forMs)}`;
    case "missingHeaders":
      return `~ ${fault.label} hears no header for ${seconds(fault.forMs)}`;
    case "stepDown":
      return `! an operator asks the leader to step down${fault.to ? ` in favour of ${fault.to}` : ""}`;
    case "forgetTokens":
      return "! the table forgets which transactions it has seen";
    case "pause":
      return `! an operator pauses the election for ${seconds(fault.forMs)}`;
    case "restore":
      return `! an operator puts an older lease row back${fault.history ? ", and the history of then" : ""}`;
    case "resetTick":
      return `! ${fault.twin ? "two operators of one name reset" : "an operator resets"} the ticks`;
    case "evict":
      return "! an operator evicts the leader";
    case "forget":
      return `~ the table deletes what the next release leaves to it, ${seconds(fault.afterMs)} later${fault.copies ? ", and copies of what made it come again" : ""}`;
    case "removeExpired":
      return "~ the table removes rows whose ttl has passed";
    case "deleteLease":
      return `! an operator deletes the lease row${fault.copies ? ", and copies of what made and paused it come again" : ""}`;
  }
}

function tellStall({ when, forMs, napMs }: Stall): string {
  const whose =
    when === "ending" ? "a leader that is told to end" : `a leader whose next ${when} is under way`;
  const nap = napMs > 0 ? `, after its machine was suspended for ${seconds(napMs)}` : "";
  return `‖ ${when === "leading" ? "the leader" : whose} is blocked for ${seconds(forMs)}${nap}: its clocks continue`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
