import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { dieWithUs } from "../child-guard.js";
import { IncumbentError } from "../error-base.js";

/** The process of a DynamoDB Local: started on a free port, watched until it answers, stopped. */

export interface LocalServer {
  readonly endpoint: string;
  readonly child: ChildProcess;
}

/** The options of `startDynamoDBLocal()`. */
export interface DynamoDBLocalOptions {
  /** The port on which it listens. @default a free port */
  port?: number | undefined;
  /** An existing folder that keeps the data. @default in memory */
  dbPath?: string | undefined;
  /** Ends the start when it aborts. A server that has started goes on. @default none */
  signal?: AbortSignal | undefined;
  /** The environment in which the endpoint, Java and Docker are searched. @default process.env */
  env?: NodeJS.ProcessEnv | undefined;
}

/** DynamoDB Local cannot be started on this machine. The message says what to install. */
export class LocalTableUnavailableError extends IncumbentError {
  override readonly name = "LocalTableUnavailableError";
  readonly code = "LOCAL_TABLE_UNAVAILABLE";
}

/** Longer for Docker, which may have to download the image first. */
const READY_WITHIN_MS = { jar: 60_000, docker: 300_000 };
const POLL_MS = 50;
const PORT_TRIES = 5;
/** How many characters of its output are kept: a stack trace and the message before it. */
const MAX_OUTPUT = 20_000;

/** Another process can take a free port before the server does. Then it tries another one. */
export async function onFreePort(
  source: "jar" | "docker",
  { port: wanted, signal }: DynamoDBLocalOptions,
  start: (port: number, mark: string) => ChildProcess,
): Promise<LocalServer> {
  for (let tries = 1; ; tries++) {
    const port = wanted ?? (await freePort());
    signal?.throwIfAborted();
    const endpoint = `http://127.0.0.1:${port}`;
    const mark = `http://${randomUUID()}.invalid`;
    const child = start(port, mark);
    dieWithUs(child);
    const output = outputOf(child);
    if (await ready(endpoint, mark, child, READY_WITHIN_MS[source], signal)) return { endpoint, child };
    await stop(child);
    signal?.throwIfAborted();
    if (
      wanted !== undefined ||
      tries >= PORT_TRIES ||
      !/in use|BindException|already allocated/i.test(output.all())
    ) {
      throw new LocalTableUnavailableError(
        `DynamoDB Local did not start on port ${port}. Its output:\n${output.shown()}`,
      );
    }
  }
}

/**
 * Whether our server answers, and not another one that took the port first: only ours allows this origin.
 */
async function ready(
  endpoint: string,
  mark: string,
  child: ChildProcess,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let alive = child.pid !== undefined;
  child.once("close", () => {
    alive = false;
  });
  for (let waitedMs = 0; alive && !signal?.aborted && waitedMs < withinMs; waitedMs += POLL_MS) {
    const headers = await answer(endpoint, { origin: mark });
    if (headers?.get("access-control-allow-origin") === mark) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** Any HTTP answer is enough: an unsigned request gets a 400. Undefined: there was none. */
export async function answer(
  endpoint: string,
  headers: Record<string, string> = {},
): Promise<Headers | undefined> {
  try {
    const response = await fetch(endpoint, { headers, signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.headers;
  } catch {
    return undefined;
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  child.ref();
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await exited;
  clearTimeout(insist);
}

/** The end of what a child process printed, to explain why it did not start. Does not keep this process alive. */
function outputOf(child: ChildProcess): { all(): string; shown(): string } {
  let text = "";
  child.on("error", (error) => {
    text += error.message;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-MAX_OUTPUT);
    });
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  }
  child.unref();
  (child.stdin as unknown as { unref?(): void } | null)?.unref?.();
  return {
    all: () => text,
    // The lines of a stack trace do not help. The message before them may.
    shown: () => {
      const lines = text
        .trim()
        .split("\n")
        .filter((line) => !/^\s+(at|\.\.\.) /.test(line));
      return lines.slice(-20).join("\n");
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
