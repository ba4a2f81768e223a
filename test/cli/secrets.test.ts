import { expect, inject, test } from "vitest";
import { CANARY } from "../support/canary.js";
import { failure } from "./failure.js";

/** What is passed on a command line, or in the environment, is not repeated by an error. */

/** Those that are looked at once there is a client. */
const atTable: string[][] = [
  ["status", "--table", CANARY],
  ["status", "e", "--table", CANARY],
  ["operate", "e", "pause", "--table", CANARY],
  ["operate", "e", "step-down", "--to", CANARY],
  ["operate", "e", "pause", "--by", CANARY.repeat(20)],
  ["run", "e", "--table", CANARY, "--", "true"],
  ["run", "e", "--label", CANARY, "--", "true"],
  ["run", "e", "--value", CANARY.repeat(100), "--", "true"],
  ["local", "--table", CANARY],
  [CANARY],
  ["status", `-p${CANARY}`],
  ["status", `--${CANARY}`, CANARY],
];

test.each(atTable)("%s %s %s %s", async (...args) => {
  const { endpoint, credentials } = inject("dynamodb");
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = credentials;
  await failure(
    { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
    ...args.filter(Boolean),
  );
});

test("an endpoint's name and password", async () => {
  const endpoint = `http://c4n4ry:s3cr3t@127.0.0.1:1`;
  const text = await failure({ AWS_ENDPOINT_URL_DYNAMODB: endpoint }, "local", "--port", "8000");
  expect(text).toContain("http://127.0.0.1:1");
  await failure({ AWS_ENDPOINT_URL_DYNAMODB: endpoint }, "local");
});
