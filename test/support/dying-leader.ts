/** Leads with a last will, and dies in one way as soon as it leads. Says who runs and which term it leads. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { Worker } from "node:worker_threads";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, type Leadership } from "../../src/index.js";
import { say } from "./program.js";

const [tableName = "", name = "", how = "", lease = "60000"] = process.argv.slice(2);

const WAYS: Record<string, () => void> = {
  exit: () => process.exit(3),
  exception: () => {
    throw new Error("an uncaught exception");
  },
  rejection: () => void Promise.reject(new Error("an unhandled rejection")),
  SIGKILL: () => process.kill(process.pid, "SIGKILL"),
  SIGTERM: () => process.kill(process.pid, "SIGTERM"),
  abort: () => process.abort(),
  "SIGKILL of its companion, then its own": () => companions[0]?.kill("SIGKILL"),
  waits: () => {},
  resigns: () => void leadership?.resign().then((outcome) => say({ outcome })),
  "has no companion": () => {},
  "exit beside a busy thread": () => {
    // Not ours, and it works: as a pool of workers does.
    new Worker("setInterval(() => {}, 1000)", { eval: true }).once("online", () => process.exit(3));
  },
  "an exit event that somebody else emits": () => {
    process.emit("exit", 0);
    say({ lives: leadership?.remainingMs() });
  },
};

// An application that is one executable would start itself.
if (how === "has no companion") process.execPath = "/opt/application";

subscribe("http.client.request.start", (message) => {
  const { request } = message as { request: ClientRequest };
  say({ sends: `${request.getHeader("x-amz-target")}`.replace(/^.*\./, "") });
});
process.on("worker", () => say({ starts: "thread" }));

const companions: ChildProcess[] = [];
subscribe("child_process", (message) => {
  say({ starts: "companion" });
  companions.push((message as { process: ChildProcess }).process);
  setImmediate(() => {
    say({ companion: companions.at(-1)?.pid });
    if (companions.length === 2) process.kill(process.pid, "SIGKILL");
  });
});

const client = new DynamoDBClient({});
const options = { client, tableName, name, leaseDurationMs: Number(lease), lastWill: true } as const;
const election = new Election({
  ...options,
  onEvent: (event) => {
    if (event.type === "last-will-unavailable") say({ unavailable: event.part });
    if (event.type === "renewed" && how === "has no companion") say({ renewed: event.term });
  },
});

let leadership: Leadership | undefined;

async function main(): Promise<void> {
  leadership = await election.campaign();
  say({ leads: leadership.term });
  WAYS[how]?.();
}
void main();
