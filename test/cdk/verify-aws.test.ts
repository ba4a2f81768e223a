import { expect, test } from "vitest";
import { CANDIDATE_ACTIONS } from "../../lib/lease-table/lease-access.js";
import { CANDIDATE_POLICY } from "../aws/policy.js";

test("the candidate's policy of docs/verify-aws.md allows what grantCandidate grants", () => {
  const [election, candidates, floors] = CANDIDATE_POLICY.Statement.map(({ Action }) => Action);
  expect({ election, candidates, floors, sessions: [] }).toEqual(CANDIDATE_ACTIONS);
});
