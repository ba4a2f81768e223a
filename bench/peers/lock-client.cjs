"use strict";

// One process that wants a lock of dynamodb-lock-client, as its README does, and waits for it as long as it takes.

process.env.AWS_NODEJS_CONNECTION_REUSE_ENABLED = "1";
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const { DocumentClient } = require("aws-sdk/clients/dynamodb");
const { FailOpen } = require("dynamodb-lock-client");

const config = JSON.parse(process.argv[2]);
const say = (message) => process.send?.(message, () => {});
process.once("disconnect", () => process.exit());

const locks = new FailOpen({
  dynamodb: new DocumentClient(config.connection),
  lockTable: config.tableName,
  partitionKey: "id",
  owner: config.label,
  leaseDurationMs: config.leaseMs,
  heartbeatPeriodMs: config.renewMs,
  trustLocalTime: config.trustLocalTime === true,
  // It asks once a lease: for ever.
  retryCount: Number.MAX_SAFE_INTEGER,
});

let held;

function stand() {
  locks.acquireLock(config.election, (error, lock) => {
    if (error) return say({ type: "failed", message: String(error) });
    say({ type: "working", term: lock.fencingToken });
    held = lock;
    // It sends no more heartbeats then.
    lock.on("error", () => {
      if (held !== lock) return;
      held = undefined;
      stand();
    });
  });
}

process.on("message", ({ type }) => {
  if (type === "stand") return stand();
  if (!held) return;
  const lock = held;
  held = undefined;
  say({ type: "stopped", term: lock.fencingToken });
  lock.release((error) => {
    if (error) say({ type: "failed", message: `release: ${error}` });
  });
});

say({ type: "hello", candidateId: config.label });
stand();
