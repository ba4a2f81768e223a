import type { Lease } from "../../src/protocol/lease.js";
import type { Candidate, Request, State } from "./state.js";

/** One line an event. */

export function rowInWords(row: Lease | undefined): string {
  if (row === undefined) return "no row";
  return `term ${row.term}, revision ${row.revision}, ${stateInWords(row)}`;
}

function stateInWords(row: Lease): string {
  if (row.kind === "placeholder") return "a placeholder";
  return row.kind === "held" ? `held by ${row.holder}` : `vacant, ${row.endReason}`;
}

export function requestInWords(request: Request): string {
  switch (request.verb) {
    case "read":
      return request.consistent ? "a consistent read" : "a read";
    case "readHistory":
      return "a read of the history";
    case "createPlaceholder":
      return `a placeholder of revision ${request.body.revision}`;
    case "acquire": {
      const { term, revision, founding } = request.body.basis;
      const what = `${founding ? "found" : "take"} term ${request.body.term}`;
      return `a try to ${what}, having seen term ${term}, revision ${revision}`;
    }
    case "renew":
      return `a renewal of term ${request.body.term} with revision ${request.body.revision}`;
    case "resign":
      return `the release of term ${request.body.term}`;
    case "crash":
      return `the last will for term ${request.body.term}`;
    case "write":
      return `a fenced write of term ${request.body.term}`;
  }
}

export function sends({ id }: Candidate, request: Request): string {
  return `${id} sends ${requestInWords(request)}`;
}

export function sent({ candidates, table }: State, index: number): string {
  const sender = candidates[index] as Candidate;
  if (sender.waiting === undefined) return `${sender.id} waits`;
  const { request, answer } = sender.waiting;
  const told = sends(sender, request);
  if (answer?.history) return `${told}, which shows that the last term was ${answer.history.highestTerm}`;
  return answer ? `${told}, which shows ${rowInWords(table.row)}` : told;
}

export function misled(after: State, index: number, way: "ahead" | "behind"): string {
  return `${sent(after, index)}, after a header that is ${way}`;
}

export function lands(id: string, request: Request, after: State, before: State): string {
  const what = `${requestInWords(request)} from ${id} lands`;
  const { row } = after.table;
  if (request.verb === "write") return `${what} on ${rowInWords(row)}`;
  return row === before.table.row
    ? `${what} and is refused: ${rowInWords(row)}`
    : `${what}: the row is now ${rowInWords(row)}`;
}

export function receives(before: Candidate, after: Candidate): string {
  const what = `${before.id} gets the answer to ${requestInWords(before.waiting?.request as Request)}`;
  if (after.phase === "leading") return `${what}, and leads term ${after.tenure?.term}`;
  return before.tenure ? `${what}, and no longer leads` : what;
}

export function answerLost({ id, waiting }: Candidate): string {
  return `the answer to ${requestInWords(waiting?.request as Request)} from ${id} is lost; ${id} gives it up`;
}

export function requestLost({ id, waiting }: Candidate): string {
  return `${requestInWords(waiting?.request as Request)} from ${id} is lost; ${id} gives it up`;
}

export function givesUp({ id, waiting }: Candidate): string {
  return `${id} gives up ${requestInWords(waiting?.request as Request)}, which is still on its way`;
}

export function sentTwice({ id, waiting }: Candidate): string {
  return `the SDK of ${id} sends ${requestInWords(waiting?.request as Request)} once more`;
}

export function walksAway({ id, tenure }: Candidate): string {
  return `${id} no longer tries to release term ${tenure?.term}`;
}

export function crashed({ id, tenure }: Candidate): string {
  return `${id} crashes${tenure ? `, leading term ${tenure.term}` : ""}`;
}
