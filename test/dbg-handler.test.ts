import { test } from "vitest";
import { stagedFunction, watch, TIMEOUT_MS } from "/work/main/test/support/lambda.js";
import { Stage } from "/work/main/test/support/stage.js";
test("x", async () => {
  const stage = new Stage();
  const job = stagedFunction(stage, "a", () => new Promise(() => {}), { once: "tick" });
  void job.invoke().catch(() => {});
  for (let i = 0; i < 120; i++) { await stage.advance(500); }
  console.log(JSON.stringify(job.events), stage.time.monotonicMs());
});
