import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { newLeaseTable } from "../support/fixture.js";
import { conflicts } from "./conflicts.js";
import type { Stage } from "./part.js";
import { policies } from "./policies.js";
import { ACCOUNT, CANDIDATE_KEY, PretendAws, READER_KEY } from "./pretend-aws.js";
import { stageOf } from "./rehearsal.js";
import { ticks } from "./ticks.js";
import { tokens } from "./tokens.js";
import { verbs } from "./verbs.js";

/** Each part, on DynamoDB Local with what only AWS does, and with what AWS must not do. */

let aws: PretendAws;
let stage: Stage;

beforeAll(async () => {
  aws = await PretendAws.start(inject("dynamodb").endpoint);
});

afterAll(() => aws[Symbol.asyncDispose]());
afterEach(() => {
  aws.throttleEvery = 0;
  aws.conflicting = false;
  aws.twice = false;
});

async function newStage(): Promise<Stage> {
  const { region, credentials } = inject("dynamodb");
  const connection = { endpoint: aws.endpoint, region, credentials };
  const client = new DynamoDBClient({ ...connection, maxAttempts: 8 });
  const onceClient = new DynamoDBClient({ ...connection, maxAttempts: 1 });
  return stageOf({ client, onceClient, connection, tableName: await newLeaseTable(client) });
}

test("verbs: each is timed, and answered as the client reads it, also with throttling between", async () => {
  stage = await newStage();
  aws.throttleEvery = 10;
  const found = await verbs(stage);
  expect(found).toMatchObject({ verdict: "passed", violations: [] });
  expect(found.figures.map(({ name }) => name)).toContain("found (transaction)");
  for (const { name, n, p50, p99 } of found.figures) {
    expect([name, n]).toEqual([name, name === "renew" ? 6 : 2]);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
});

test("conflicts: refused writes are counted as refused, and the sums hold", async () => {
  stage = await newStage();
  aws.conflicting = true;
  const found = await conflicts(stage);
  expect(found).toMatchObject({ verdict: "passed", violations: [] });
  expect(found.notes.join("\n")).toMatch(/UpdateItem: refused, TransactionConflictException: \d+ times/);
  expect(found.notes.join("\n")).toMatch(
    /TransactWriteItems: refused, TransactionCanceledException \(TransactionConflict\): \d+ times/,
  );
});

test("conflicts: a table that applies an update twice is found", async () => {
  stage = await newStage();
  aws.twice = true;
  const found = await conflicts(stage);
  expect(found.verdict).toBe("failed");
  expect(found.violations.join("\n")).toMatch(
    /The counter "verify\/conflicts" shows \d+, and \d+ writes were accepted/,
  );
});

test("ticks: each completes once", async () => {
  stage = await newStage();
  expect(await ticks(stage)).toMatchObject({ verdict: "passed", violations: [] });
});

test("tokens: at once, and when ten minutes are over", async () => {
  stage = await newStage();
  const begun = await tokens(stage);
  expect(begun.found).toMatchObject({ verdict: "passed", violations: [] });
  expect(begun.found.notes.join("\n")).toContain("IdempotentParameterMismatchException");
  aws.forgetTokens();
  const later = await begun.later();
  expect(later.verdict).toBe("passed");
  expect(later.notes.at(-1)).toContain("the token was forgotten, as AWS documents");
});

test("policies: without a candidate's profile they are skipped, and it says how to run them", async () => {
  stage = await newStage();
  const found = await policies(stage, undefined);
  expect(found.verdict).toBe("skipped");
  expect(found.summary).toContain("--candidate-profile");
});

test("policies: a candidate does its work, and the rest is refused; rights that are too wide or too narrow are found", async () => {
  stage = await newStage();
  const folder = mkdtempSync(join(tmpdir(), "incumbent-verify-"));
  const profile = (name: string, key: string) =>
    `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`;
  const kept = { ...process.env };
  const file = join(folder, "credentials");
  writeFileSync(
    file,
    profile("candidate", CANDIDATE_KEY) + profile("wide", "wide") + profile("reader", READER_KEY),
  );
  try {
    Object.assign(process.env, { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(folder, "none") });
    const right = await policies(stage, "candidate");
    expect(right).toMatchObject({ verdict: "passed", violations: [] });
    expect(right.summary).toContain("8 requests that IAM refused");

    const wide = await policies(await newStage(), "wide");
    expect(wide.verdict).toBe("failed");
    expect(wide.violations.join("\n")).toContain("Scanning the table: it was allowed");

    const narrow = await policies(await newStage(), "reader");
    expect(narrow.verdict).toBe("failed");
    expect(narrow.violations.join("\n")).toMatch(
      /A candidate was refused what it needs: .* dynamodb:UpdateItem on it/,
    );
    expect(JSON.stringify([right, wide, narrow])).not.toContain(ACCOUNT);
  } finally {
    for (const name of ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]) {
      if (kept[name] === undefined) delete process.env[name];
      else process.env[name] = kept[name];
    }
  }
});
