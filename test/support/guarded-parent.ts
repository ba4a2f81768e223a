/**
 * Starts a child that dies with it. Says who runs: its child, the child's own child, and each guard.
 * Waits to be killed, or `leaves` by itself; guards the child alone, or its `group`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { dieWithUs } from "../../src/child-guard.js";
import { say } from "./program.js";

// Ends by itself long after any test has failed, lest a failure leave it for ever.
const GRANDCHILD = "setTimeout(() => {}, 100_000)";
const CHILD = `
const { spawn } = require("node:child_process");
const grandchild = process.argv[1] === "group"
  ? spawn(process.execPath, ["-e", ${JSON.stringify(GRANDCHILD)}], { stdio: ["ignore", "inherit", "ignore"] })
  : undefined;
process.send({ child: process.pid, grandchild: grandchild?.pid });
${GRANDCHILD};
`;

const how = process.argv[2];
const group = how === "group";
const child = spawn(process.execPath, ["-e", CHILD, `${how}`], {
  detached: group,
  stdio: ["ignore", "inherit", "inherit", "ipc"],
});
subscribe("child_process", (message) => {
  const guard = (message as { process: ChildProcess }).process;
  // The channel tells of it just before it is started.
  setImmediate(() => say({ guard: guard.pid }));
});
dieWithUs(child, { group });
child.once("message", (who: Record<string, unknown>) => {
  say(who);
  if (how !== "leaves") return void setInterval(() => {}, 1e9);
  child.disconnect();
  child.unref();
});
