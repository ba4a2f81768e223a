import type { CommitRequest } from "../../protocol/verbs.js";
import { all, mine, nextCommit } from "./conditions.js";
import { updateExpression } from "./update-expression.js";

/**
 * An update of the lease row. With it a transaction is refused unless `candidateId` still leads `term` (promise P2, for
 * all items), and unless it is the next transaction of that term.
 */
export function fenceUpdate(request: CommitRequest) {
  const { term, commit } = request;
  const condition = all(mine(request), nextCommit({ term, number: commit.number }));
  const set = { commitNumber: commit.number, commitId: commit.id };
  if (commit.number > 1) return updateExpression({ condition, set });
  // The first transaction of a term also keeps the last one of an earlier term.
  const copy = {
    previousCommitTerm: { from: "commitTerm", otherwise: 0 },
    previousCommitNumber: { from: "commitNumber", otherwise: 0 },
    previousCommitId: { from: "commitId", otherwise: "none" },
  };
  return updateExpression({ condition, set: { commitTerm: term, ...set }, copy });
}
