import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AnswerRead, BARE_SENDER } from "../src/bare-sender.js";
import type { SignedRequest } from "../src/store/signed-request.js";

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The functions of the text, as a program has them. */
const { send, readAnswer } = new Function("require", `${BARE_SENDER}; return { send, readAnswer };`)(
  createRequire(import.meta.url),
) as {
  send(request: SignedRequest, timeoutMs: number): Promise<Answer>;
  readAnswer(answer: Answer): AnswerRead;
};

let server: Server;
const got: Array<{ method: string; path: string; headers: IncomingHttpHeaders; body: string }> = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      got.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body });
      if (request.url === "/never") return;
      if (request.url === "/half") return void response.write("{", () => response.destroy());
      response.writeHead(400).end('{"__type":"a#Ünknown"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const requestTo = (path: string): SignedRequest => ({
  method: "POST",
  protocol: "http:",
  hostname: "127.0.0.1",
  port: (server.address() as AddressInfo).port,
  path,
  headers: { host: "signed.example", "x-amz-target": "DynamoDB_20120810.UpdateItem", "content-length": "10" },
  body: '{"a":"é"}',
});

test("it sends the request as it was signed, and hands out the answer", async () => {
  const answer = await send(requestTo("/"), 60_000);
  expect(answer).toEqual({ status: 400, body: '{"__type":"a#Ünknown"}' });
  expect(got[0]).toMatchObject({
    method: "POST",
    path: "/",
    headers: { host: "signed.example", "x-amz-target": "DynamoDB_20120810.UpdateItem" },
    body: '{"a":"é"}',
  });
});

test("no answer in time, half an answer and no server reject", async () => {
  await expect(send(requestTo("/never"), 20)).rejects.toThrow("no answer within 20 ms");
  await expect(send(requestTo("/half"), 60_000)).rejects.toThrow();
  await expect(send({ ...requestTo("/"), port: 1 }, 60_000)).rejects.toThrow("ECONNREFUSED");
});

const type = (name: string) => JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}` });
test.each([
  ["a success", 200, "{}", { done: true, refused: false, transient: false, error: undefined }],
  [
    "a refusal",
    400,
    type("ConditionalCheckFailedException"),
    { done: false, refused: true, transient: false },
  ],
  ["a conflict", 400, type("TransactionConflictException"), { refused: false, transient: true }],
  ["throttling", 400, type("ThrottlingException"), { transient: true }],
  ["throttled capacity", 400, type("ProvisionedThroughputExceededException"), { transient: true }],
  ["throttled account", 400, type("RequestLimitExceeded"), { transient: true }],
  ["a fault of the service", 500, type("InternalServerError"), { transient: true }],
  ["a gateway's page", 503, "<html>", { done: false, refused: false, transient: true, error: "503" }],
  ["an error without a namespace", 400, '{"__type":"ThrottlingException"}', { transient: true }],
  [
    "old credentials",
    400,
    type("ExpiredTokenException"),
    { transient: false, error: "ExpiredTokenException" },
  ],
  ["no access", 400, type("AccessDeniedException"), { done: false, refused: false, transient: false }],
  ["a page without an error", 403, "null", { done: false, transient: false, error: "403" }],
])("it reads %s", (_what, status, body, expected) => {
  expect(readAnswer({ status, body })).toMatchObject(expected);
});

test("it reads the row after a write, and the row of a refusal", () => {
  const attributes = { term: { N: "7" }, revision: { N: "12" }, holder: { S: "a" }, value: { S: "v" } };
  const after = readAnswer({ status: 200, body: JSON.stringify({ Attributes: attributes }) });
  expect(after).toMatchObject({ attributes, row: { term: "7", revision: "12", holder: "a" } });
  const refusal = { __type: "x#ConditionalCheckFailedException", Item: { term: { N: "8" } } };
  expect(readAnswer({ status: 400, body: JSON.stringify(refusal) }).row).toEqual({ term: "8" });
  expect(readAnswer({ status: 400, body: type("ConditionalCheckFailedException") }).row).toBeUndefined();
});
