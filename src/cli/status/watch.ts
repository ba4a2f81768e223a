import type { Election, LeaderChange } from "../../index.js";

export async function watch(election: Election, json: boolean): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  for await (const change of election.observe({ signal: stop.signal })) {
    const seenAt = new Date().toISOString();
    const { leader = null, ended = null } = change;
    // One line per change, so that a program can read it. `leader` is null when nobody leads.
    console.log(json ? JSON.stringify({ seenAt, leader, ended }) : `${seenAt}  ${inWords(change)}`);
  }
}

function inWords({ leader, ended }: LeaderChange): string {
  const end = ended ? `  (term ${ended.term} ended: ${ended.reason})` : "";
  if (!leader) return `nobody leads${end}`;
  const { term, candidateId, value } = leader;
  return `term ${term}  ${candidateId}${value === undefined ? "" : `  ${value}`}${end}`;
}
