import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { Election } from "../src/index.js";
import { DEFAULT_TABLE_NAME } from "../src/store/schema.js";
import { createLeaseTable } from "../src/testing/index.js";
import { eventually, leaseRow, localEnv, newClient } from "./support/fixture.js";

/** docs/stopping.md: the example, as a platform runs it in a rolling deploy. Real processes and signals. */

function worker(version: number) {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/rolling-deploy.ts", String(version)], {
    env: localEnv(),
    stdio: "ignore",
  });
  return { child, exited: once(child, "exit").then(([code]) => code) };
}

test("three workers of the example are replaced one by one, and leadership moves once", async () => {
  const client = newClient();
  await createLeaseTable(client);
  const election = new Election({ client, name: "billing/worker" });
  const candidates = async () => (await election.candidates()).map(({ label }) => label);
  const old = [1, 1, 1].map(worker);
  const started = [...old];
  try {
    await eventually(async () => (await candidates()).length === 3 && (await election.leader()));
    for (const [i, { child, exited }] of old.entries()) {
      started.push(worker(2));
      await eventually(async () => (await candidates()).filter((label) => label === "v2").length === i + 1);
      // A platform waits a lease until a new worker is ready. In this time the leader writes it into the line.
      await eventually(async () => {
        const row = await leaseRow(client, DEFAULT_TABLE_NAME, "billing/worker");
        return [row?.holder?.S, row?.line?.L?.[0]?.S].some((id) => id?.startsWith("v2"));
      });
      child.kill("SIGTERM");
      expect(await exited).toBe(0);
    }
    await eventually(async () => (await candidates()).every((label) => label === "v2"));
    const terms = await election.history();
    expect(terms.map(({ term, candidateId }) => [term, candidateId.slice(0, 2)])).toEqual([
      [2, "v2"],
      [1, "v1"],
    ]);
    expect((await election.leader())?.candidateId).toBe(terms[0]?.candidateId);
  } finally {
    for (const { child } of started) child.kill("SIGKILL");
    client.destroy();
  }
});
