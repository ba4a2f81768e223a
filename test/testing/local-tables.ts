import { once } from "node:events";
import { connect } from "node:net";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import type { DynamoDBLocal } from "../../src/testing/dynamodb-local.js";
import { Program } from "../support/program.js";

/** As if no endpoint were given, so that one of our own is started. */
export const env = { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: undefined };

export function clientOf({ clientConfig }: DynamoDBLocal): DynamoDBClient {
  return new DynamoDBClient({ ...clientConfig, maxAttempts: 1 });
}

export async function tablesOf(local: DynamoDBLocal): Promise<string[] | undefined> {
  return (await clientOf(local).send(new ListTablesCommand({}))).TableNames;
}

/** `signal`: what the server gets before its parent gets SIGKILL. */
export async function diesWithItsParent(signal?: NodeJS.Signals): Promise<void> {
  await using parent = new Program("local-table-parent.ts");
  const pid = await parent.says<number>("pid");
  const endpoint = await parent.says<string>("endpoint");
  if (signal) process.kill(pid, signal);
  parent.child.kill("SIGKILL");
  // The port tells when it is dead: a stopped process keeps it, while a dead one can keep its process id.
  await expect.poll(() => connectTo(endpoint), { timeout: 10_000 }).toBe("ECONNREFUSED");
}

async function connectTo(endpoint: string): Promise<string> {
  const { hostname: host, port } = new URL(endpoint);
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "no code";
  } finally {
    socket.destroy();
  }
}
