import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type DynamoDBLocalOptions, type LocalServer, onFreePort } from "./local-server.js";
import { works } from "./local-tools.js";

/** The commands that run DynamoDB Local: with Java from its jar, and with Docker from its image. */

export async function startJar(
  java: string,
  jar: string,
  options: DynamoDBLocalOptions,
): Promise<LocalServer> {
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

export function startDocker(options: DynamoDBLocalOptions): Promise<LocalServer> {
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
