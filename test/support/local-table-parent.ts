/** Starts DynamoDB Local, says which, and waits to be killed. */
import { startDynamoDBLocal } from "../../src/testing/dynamodb-local.js";
import { say } from "./program.js";

const { endpoint, pid } = await startDynamoDBLocal({
  env: { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: undefined },
});
setInterval(() => {}, 1e9);
say({ endpoint, pid });
