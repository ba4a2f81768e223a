import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { eventually, newClient, newLeaseTable } from "../support/fixture.js";
import { monitor, published } from "./monitor.js";

const TICK = { scheduledTime: "2026-01-31T03:00:00Z" };

/** What Lambda puts into a traced function's environment. */
const TRACED = {
  AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
  LAMBDA_TASK_ROOT: "/var/task",
  _X_AMZN_TRACE_ID: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1",
};

test("where the function is traced, its requests to the table are segments of the trace", async () => {
  const tableName = await newLeaseTable(newClient());
  const daemon = createSocket("udp4");
  const told: string[] = [];
  daemon.on("message", (message) => told.push(message.toString()));
  daemon.bind(0, "127.0.0.1");
  await once(daemon, "listening");
  const { port } = daemon.address() as AddressInfo;

  const invoked = await monitor(tableName, [TICK], {
    ...TRACED,
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${port}`,
  });
  expect(invoked.results[0]?.result?.role).toBe("leader");
  expect(published(invoked)).toHaveLength(1);
  const requests = await eventually(() => {
    const segments = told.map((message) => JSON.parse(message.slice(message.indexOf("\n"))));
    const operations = segments.filter(({ name }) => name === "DynamoDB").map(({ aws }) => aws.operation);
    // Datagrams may be read after their sender has ended; the last thing that it did was to resign.
    return operations.at(-1) === "UpdateItem" && operations.includes("Scan") && operations;
  });
  daemon.close();
  expect(requests).toEqual(expect.arrayContaining(["GetItem", "Scan", "UpdateItem"]));
});
