import { candidatesPartition, FLOOR_PARTITION_PREFIX } from "../../src/store/schema.js";
import { TABLE_PREFIX } from "./run-table.js";

/** The election of the part `policies`. Its name never changes, so that a policy can name it before the run. */
export const POLICY_ELECTION = "verify/policy";

/** What a candidate may do: the actions of `grantCandidate` of `incumbent/cdk`, on the tables of these runs. */
export const CANDIDATE_POLICY = {
  Version: "2012-10-17",
  Statement: [
    allow(
      ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"],
      POLICY_ELECTION,
    ),
    allow(
      ["dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"],
      candidatesPartition(POLICY_ELECTION),
    ),
    allow(["dynamodb:GetItem", "dynamodb:ConditionCheckItem"], `${FLOOR_PARTITION_PREFIX}*`, "StringLike"),
  ],
};

/** What the run itself needs: nothing on any other table. */
export const RUN_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "dynamodb:ListTables", Resource: "*" },
    {
      Effect: "Allow",
      Action: [
        "dynamodb:CreateTable",
        "dynamodb:DescribeTable",
        "dynamodb:UpdateTimeToLive",
        "dynamodb:DeleteTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "dynamodb:ConditionCheckItem",
      ],
      Resource: tables(),
    },
  ],
};

function tables(): string {
  return `arn:aws:dynamodb:*:*:table/${TABLE_PREFIX}*`;
}

function allow(
  Action: string[],
  leadingKey: string,
  comparison: "StringEquals" | "StringLike" = "StringEquals",
) {
  return {
    Effect: "Allow",
    Action,
    Resource: tables(),
    Condition: {
      [`ForAllValues:${comparison}`]: { "dynamodb:LeadingKeys": [leadingKey] },
      // `ForAllValues` also holds for a request that names no key.
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  };
}
