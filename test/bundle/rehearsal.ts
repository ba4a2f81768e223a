import { CreateTableCommand, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { createLeaseTable, startDynamoDBLocal } from "../../src/testing/index.js";
import { type Asset, ENTRY } from "./asset.js";
import { checkTicks, hasStalled, missesOf, type RecordRow } from "./checker.js";
import { Lambda } from "./function.js";
import { misconfigure } from "./misconfigured.js";
import { playRate } from "./rate.js";
import type { Report } from "./report.js";
import type { FunctionConfig } from "./sandbox.js";
import { keeperOf, playTicks } from "./scenario.js";
import { contentsOf, importMs, median } from "./size.js";
import { type Death, die } from "./succession.js";

const LIMIT_BYTES = 300_000;
const LEASES = "leases";
const RECORDS = "records";
/** No tick of the first part takes so long that the lease would not still be kept at the next one. */
const LONG_HOLD_MS = 3_600_000;
const SHORT_HOLD_MS = 4_000;
const TIMEOUT_MS = 6_000;
/** Room to stand by for what is kept for a dead Region. */
const LONG_TIMEOUT_MS = 30_000;
const RATE_PERIODS = 4;
const REGIONS = ["east", "west"] as const;

/** All of it: fifty ticks, dying Regions, bad input, size and load. */
export async function rehearse(asset: Asset, ticks: number, say: (text: string) => void): Promise<Report> {
  const fromMs = performance.now();
  await using local = await startDynamoDBLocal();
  const client = new DynamoDBClient(local.clientConfig);
  await createLeaseTable(client, LEASES);
  await createRecords(client);
  const configOf = (region: string, holdMs: number, timeoutMs: number, more = {}): FunctionConfig => ({
    name: region,
    taskRoot: asset.taskRoot,
    timeoutMs,
    env: {
      ...asset.environment,
      INCUMBENT_TABLE: LEASES,
      INCUMBENT_STICKY_GROUP: region,
      INCUMBENT_STICKY_MS: String(holdMs),
      JOB_RECORDS: RECORDS,
      JOB_REGION: region,
      AWS_ENDPOINT_URL_DYNAMODB: local.endpoint,
      AWS_REGION: local.clientConfig.region,
      AWS_ACCESS_KEY_ID: local.clientConfig.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: local.clientConfig.credentials.secretAccessKey,
      ...more,
    },
  });

  const regions = REGIONS.map((region) => new Lambda(configOf(region, LONG_HOLD_MS, TIMEOUT_MS)));
  const stories = await playTicks(regions, ticks, ({ tick, kind, deliveries, rounds }) => {
    const keeper = keeperOf({ deliveries });
    say(`${tick.slice(0, 13)} ${kind.padEnd(9)} ${keeper}${rounds > 1 ? `, in round ${rounds}` : ""}`);
  });
  const records = await readRecords(client);
  await Promise.all(regions.map((region) => region.kill()));

  const deaths: Death[] = [];
  // What the first part left is kept for its last Region.
  let dying = keeperOf(stories.at(-1)) ?? REGIONS[0];
  for (let index = ticks; index < ticks + 6; index += 2) {
    const heir = dying === "east" ? "west" : "east";
    const [from, to] = [dying, heir].map(
      (region) => new Lambda(configOf(region, SHORT_HOLD_MS, LONG_TIMEOUT_MS)),
    );
    const death = await die(from as Lambda, to as Lambda, index, SHORT_HOLD_MS);
    say(`${dying} died, ${heir} took over`);
    deaths.push(death);
    regions.push(from as Lambda, to as Lambda);
    await to?.kill();
    dying = heir;
  }
  const free = { INCUMBENT_ELECTION: "bundle/rate", INCUMBENT_STICKY_GROUP: "", INCUMBENT_STICKY_MS: "" };
  const apart = ["east", "west", "south"].map((region) => new Lambda(configOf(region, 0, TIMEOUT_MS, free)));
  const rate = await playRate(apart, RATE_PERIODS);
  say(`a rate in ${apart.length} Regions, phases apart: ${rate.runs} runs in ${rate.periods} periods`);
  regions.push(...apart);
  await Promise.all(apart.map((region) => region.kill()));
  const refusals = await misconfigure(configOf("east", SHORT_HOLD_MS, TIMEOUT_MS));
  const sum = (of: (lambda: Lambda) => number) => regions.reduce((total, lambda) => total + of(lambda), 0);
  const kinds: Record<string, number> = {};
  for (const { kind } of stories) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const sandboxes = regions.flatMap((region) => region.sandboxes);
  return {
    asset: { bytes: asset.bytes, limitBytes: LIMIT_BYTES, contents: await contentsOf(ENTRY) },
    importMs: {
      asset: importMs("./index.mjs", asset.taskRoot),
      sdk: importMs("@aws-sdk/client-dynamodb", asset.taskRoot),
    },
    initMs: median(sandboxes.flatMap(({ initMs }) => initMs ?? [])),
    ticks,
    kinds,
    invocations: sum(({ coldStarts, warmStarts }) => coldStarts + warmStarts),
    coldStarts: sum(({ coldStarts }) => coldStarts),
    warmStarts: sum(({ warmStarts }) => warmStarts),
    freezes: sandboxes.reduce((total, { frozenTimes }) => total + frozenTimes, 0),
    lateDeliveries: stories.reduce((total, { late }) => total + late.length, 0),
    misses: stories.reduce((total, story) => total + missesOf(story), 0),
    moves: stories.filter((story, i) => i > 0 && keeperOf(story) !== keeperOf(stories[i - 1])).length,
    stalls: stories.filter(hasStalled).length,
    deaths,
    rate,
    refusals,
    violations: [
      ...(asset.bytes < LIMIT_BYTES ? [] : [`the asset has ${asset.bytes} bytes, more than ${LIMIT_BYTES}`]),
      ...checkTicks(stories, records),
      ...deaths.flatMap(checkDeath),
      ...rate.violations,
      ...refusals.flatMap(({ what, message, isClear }) => (isClear ? [] : [`${what}: ${message}`])),
    ],
    tookMs: performance.now() - fromMs,
  };
}

function checkDeath({ died, heir, tick, tookOver, heldForMs, gapMs }: Death): string[] {
  const violations: string[] = [];
  if (!tookOver)
    violations.push(`${tick}: ${died} was dead, and ${heir} did not take over in its first invocation`);
  if (!(gapMs >= heldForMs))
    violations.push(`${tick}: ${heir} ran ${gapMs} ms after ${died}, which kept it ${heldForMs}`);
  return violations;
}

async function createRecords(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: RECORDS,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
}

async function readRecords(client: DynamoDBClient): Promise<RecordRow[]> {
  const rows: RecordRow[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: RECORDS, ConsistentRead: true })) {
    rows.push(...Items.map((item) => unmarshall(item) as RecordRow));
  }
  return rows;
}
