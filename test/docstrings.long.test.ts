import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { documentedOf, ENTRIES, tagsOf } from "./support/declarations.js";

/** What the examples use without making it. */
const GIVEN = `
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import middy from "@middy/core";
import { type App, Duration, type Stack } from "aws-cdk-lib";
import { GraphWidget } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { EventBus } from "aws-cdk-lib/aws-events";
import { LambdaFunction, SnsTopic } from "aws-cdk-lib/aws-events-targets";
import type { Role } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Election, type Leadership, Operator, Partitions, Session } from "incumbent";
import { ElectionMonitor, IncumbentStack, LeaderChanges, LeaseTable, ScheduledLeader } from "incumbent/cdk";
import { leaderHandler, leaderMiddleware } from "incumbent/lambda";
import { createLeaseTable, type DynamoDBLocal, ManualClock, MemoryTable, startDynamoDBLocal } from "incumbent/testing";
import { expect } from "vitest";

interface Answer { json(body: unknown): void; sendStatus(code: number): void }
declare const server: { get(path: string, answer: (request: unknown, response: Answer) => void): void };
declare const [client, documents]: [DynamoDBClient, DynamoDBDocumentClient];
declare const [election, leadership, operator]: [Election, Leadership, Operator];
declare const [stop, signal]: [AbortController, AbortSignal];
declare const [partitions, session]: [Partitions, Session];
declare const [customer, customers]: [string, string[]];
declare function partitionOf(customer: string): number;
declare function readShard(shard: number, leadership: Leadership): Promise<void>;
declare const [local, store, clock]: [DynamoDBLocal, MemoryTable, ManualClock];
declare const lease: Parameters<MemoryTable["restore"]>[1];
declare const [app, table, monitor]: [App, LeaseTable, ElectionMonitor];
declare const [changes, refreshCache]: [LeaderChanges, IFunction];
declare const [pager, onCall]: [ITopic, ITopic];
declare const [onCallRole, taskRole, role]: [Role, Role, Role];
declare function runJobs(signal: AbortSignal): Promise<void>;
declare function sendInvoices(signal?: unknown): Promise<void>;
`;

test("every example in a docstring type-checks", async () => {
  const examples = ENTRIES.flatMap(documentedOf)
    .flatMap(({ doc }) => tagsOf(doc, "example"))
    .map((code, i) => `async function example${i}(this: Stack) {\n${code.replace(/^export /gm, "")}\n}`);
  const folder = mkdtempSync(join("test", ".docstrings-"));
  try {
    writeFileSync(join(folder, "examples.ts"), [GIVEN, ...new Set(examples)].join("\n"));
    const options = { noUnusedLocals: false, noUnusedParameters: false };
    const config = { extends: "../../tsconfig.json", compilerOptions: options, include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = await promisify(execFile)("npx", ["tsc", "-p", folder]).catch((failed) => failed);
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
