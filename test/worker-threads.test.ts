import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { startThread } from "../src/worker-threads.js";

afterEach(() => vi.unstubAllEnvs());

test("a thread of ours trusts certificates as the process does, and has no credentials", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "1");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "c4n4ry");
  const worker = startThread('require("node:worker_threads").parentPort.postMessage({ ...process.env })', {});
  const [variables] = (await once(worker, "message")) as [Record<string, string>];
  await worker.terminate();
  expect(variables).toMatchObject({ NODE_TLS_REJECT_UNAUTHORIZED: "1" });
  expect(variables).not.toHaveProperty("AWS_SECRET_ACCESS_KEY");
});
