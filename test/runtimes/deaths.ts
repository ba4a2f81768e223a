import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { createLeaseTable } from "../../src/testing/index.js";
import type { CommandOptions } from "../deploy/command.js";
import { StepFailure } from "../deploy/steps.js";
import type { Runtime } from "./runtimes.js";

/** A small part of the lease. By then a will that is left has arrived, also on a busy machine. */
const WITHIN_MS = 60_000;

/** A leader in this runtime dies in each way that its last will covers there, and its lease is given back long before it ends. */
export async function dieInEachWay(
  runtime: Runtime,
  client: DynamoDBClient,
  options: CommandOptions,
): Promise<{ found: string }> {
  const table = `wills-${runtime.name}`;
  await createLeaseTable(client, table);
  await Promise.all(runtime.willed.map((way) => die(runtime, way, { client, table }, options)));
  return { found: runtime.willed.join(", ") };
}

async function die(
  { command: [program, ...before] }: Runtime,
  way: string,
  { client, table }: { readonly client: DynamoDBClient; readonly table: string },
  { cwd, env, signal }: CommandOptions,
): Promise<void> {
  const name = `deaths/${way}`;
  const child = spawn(program, [...before, "dying.mjs", table, name, way], {
    ...{ cwd, env, signal, killSignal: "SIGKILL" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const late = setTimeout(() => child.kill("SIGKILL"), WITHIN_MS);
  const [code, by] = await once(child, "exit").finally(() => clearTimeout(late));
  if (!said.includes("leads term"))
    throw new StepFailure(`${way}: it never led, and ended with ${code ?? by}:\n${said}`);
  const Key = { pk: { S: name }, sk: { S: "lease" } };
  const until = performance.now() + WITHIN_MS;
  for (;;) {
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    if (Item?.endReason?.S === "crashed") return;
    if (performance.now() > until)
      throw new StepFailure(`${way}: ended with ${code ?? by}, and nobody gave its lease back:\n${said}`);
    await delay(100, undefined, { signal });
  }
}
