import type { TestProject } from "vitest/node";
import { startDynamoDBLocal } from "../../src/testing/index.js";

/** One DynamoDB Local for the whole run; every test has tables of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const local = await startDynamoDBLocal();
  project.provide("dynamodb", local.clientConfig);
  return () => local.stop();
}

declare module "vitest" {
  export interface ProvidedContext {
    dynamodb: {
      endpoint: string;
      region: string;
      credentials: { accessKeyId: string; secretAccessKey: string };
    };
  }
}
