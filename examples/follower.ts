import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election } from "incumbent";

const election = new Election({ client: new DynamoDBClient({}), name: "billing/nightly" });

const now = await election.leader(); // one read
console.log(now ? `${now.candidateId} leads term ${now.term}` : "nobody leads");

for await (const { leader, ended } of election.observe({ signal: AbortSignal.timeout(10_000) })) {
  if (ended) console.log(`term ${ended.term} ended: ${ended.reason}`); // such as crashed, expired or resigned
  console.log(leader ? `term ${leader.term}: ${leader.value ?? leader.candidateId}` : "nobody");
}
