import { type DynamoDBLocal, startDynamoDBLocal } from "../testing/index.js";

/** Starts DynamoDB Local, and says each second that it is still starting: Java takes some seconds. */
export async function startLocalTable(
  out: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<DynamoDBLocal> {
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 1_000);
  out.write("Starting DynamoDB Local …\n");
  const progress = setInterval(() => out.write(`  … still starting, ${seconds()} s\n`), 1_000);
  try {
    const local = await startDynamoDBLocal({ signal });
    out.write(`DynamoDB Local answers at ${local.endpoint}\n`);
    return local;
  } finally {
    clearInterval(progress);
  }
}
