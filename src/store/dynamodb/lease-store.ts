import type { AnswerReader, LeaseStore } from "../lease-store.js";
import { floorVerb } from "./floor.js";
import { leaseVerbs } from "./lease-verbs.js";
import { registryVerbs } from "./registry.js";
import { writtenBy } from "./signed-answer.js";
import { leaseSigner } from "./signer.js";
import { type DynamoDBLike, DynamoDBTable } from "./table.js";
import { transactionVerbs } from "./transactions.js";

/** The verbs as requests to DynamoDB. */
export function dynamoDBLeaseStore(client: DynamoDBLike, tableName: string): LeaseStore {
  const table = new DynamoDBTable(client, tableName);
  const verbs = {
    ...leaseVerbs(table),
    ...registryVerbs(table),
    ...floorVerb(table),
    ...transactionVerbs(table),
  };
  const written: AnswerReader["written"] = (election, answer) => writtenBy(answer, election, tableName);
  return { ...verbs, signer: leaseSigner(table), answers: { written } };
}
