import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type DynamoDBLocal, startDynamoDBLocal } from "../../src/testing/index.js";
import type { Wire } from "./wire.js";

/** How long DynamoDB Local takes at most to write down what it has acknowledged (a few ms when measured). */
const WRITTEN_DOWN_MS = 250;

/** DynamoDB Local with its data in a folder and a port of its own, so that it can be killed and come back. */
export class Table implements AsyncDisposable {
  private constructor(
    private process: DynamoDBLocal,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<Table> {
    const folder = await mkdtemp(join(tmpdir(), "incumbent-chaos-"));
    try {
      const port = await freePort();
      return new Table(await startOn(port, folder), folder, port);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get endpoint(): string {
    return this.process.endpoint;
  }

  newClient(): DynamoDBClient {
    return new DynamoDBClient(this.process.clientConfig);
  }

  /**
   * SIGKILL, and a new process on the same data. DynamoDB keeps what it has acknowledged, and DynamoDB Local
   * does not if it is killed in the next few milliseconds; so nobody hears of what landed shortly before.
   */
  async restart(wires: readonly Wire[]): Promise<void> {
    for (const wire of wires) wire.holdAnswers();
    await delay(WRITTEN_DOWN_MS);
    await this.#kill();
    for (const wire of wires) wire.loseHeldAnswers();
    this.process = await startOn(this.port, this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Docker's client is not the server: that one is told to stop. */
  async #kill(): Promise<void> {
    const { pid, source } = this.process;
    if (source === "jar" && pid !== undefined) process.kill(pid, "SIGKILL");
    await this.process.stop();
  }
}

function startOn(port: number, dbPath: string): Promise<DynamoDBLocal> {
  // Somebody else's table cannot be killed.
  const { AWS_ENDPOINT_URL_DYNAMODB: _, ...env } = process.env;
  return startDynamoDBLocal({ port, dbPath, env });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
