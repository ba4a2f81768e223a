import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { eventually, newClient } from "../support/fixture.js";
import { childrenOf, isAlive } from "../support/processes.js";
import { expectThreeHandOvers, onGivenTable, run, type Shown, start } from "./command.js";

test("without fencing a payment is applied twice: said plainly, exit code 1", async () => {
  const args = ["--payments", "40", "--without-fencing", "--json", "--timeline", "unfenced.svg"];
  const { code, stdout, stderr } = await run(args, onGivenTable());
  const shown = JSON.parse(stdout) as Shown;
  expect(code, stderr).toBe(1);
  expect(shown).toMatchObject({ ok: false, payments: 40, appliedOnce: 39, duplicates: 1, lost: 0 });
  expect(shown.staleWritesRefused).toBe(0);
  expectThreeHandOvers(shown);
  expect(stderr).toContain("WENT THROUGH");
  const { TableNames } = await newClient().send(new ListTablesCommand({}));
  expect(TableNames?.filter((name) => name.includes("-demo-"))).toEqual([]);
});

test("with four payments all three leaders are taken away, the last one before the last payment", async () => {
  const { code, stdout, stderr } = await run(["--payments", "4", "--json"], onGivenTable());
  expect(code, stderr).toBe(0);
  expectThreeHandOvers(JSON.parse(stdout) as Shown);
});

test.each([
  ["SIGTERM", 143],
  ["SIGKILL", null],
] as const)("ended by %s with a worker frozen, it leaves nothing running", async (signal, expected) => {
  const child = start(["--payments", "40"], onGivenTable());
  const closed = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  let children: number[] = [];
  let said = "";
  for await (const chunk of child.stdout as NodeJS.ReadableStream) {
    said += chunk;
    if (children.length > 0 || !said.includes("frozen (SIGSTOP)")) continue;
    children = childrenOf(child.pid as number);
    child.kill(signal);
  }
  expect(await closed).toBe(expected);
  // Four or five workers, as the killed one may not be back yet, and the guard.
  expect(children.length).toBeGreaterThanOrEqual(5);
  await eventually(() => !children.some(isAlive));
});
