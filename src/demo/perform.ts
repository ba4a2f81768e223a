import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createLeaseTable, type DynamoDBLocal } from "../testing/index.js";
import { audit } from "./audit.js";
import { Ledger } from "./ledger.js";
import { startLocalTable } from "./local-table.js";
import type { OrderName } from "./messages.js";
import type { Payment } from "./payments.js";
import { report, reportText } from "./report.js";
import { fits, liveScreen, plainScreen, type Screen, type View } from "./screen.js";
import { Show } from "./show.js";
import { unlessEnded } from "./signals.js";
import { Story } from "./story.js";
import { styleFor } from "./style.js";
import { timeline } from "./timeline.js";

export interface Performance {
  readonly payments: readonly Payment[];
  readonly leaseMs: number;
  readonly order: OrderName;
  readonly candidates: number;
  readonly timelineFile: string;
  readonly fencing: boolean;
  readonly json: boolean;
}

/** Runs the demo, from the table's start to the audit. Resolves with the exit code when all its processes have ended. */
export function perform(performance: Performance): Promise<number> {
  return unlessEnded((signal) => play(performance, signal));
}

async function play(performance: Performance, signal: AbortSignal): Promise<number> {
  const { payments, fencing, leaseMs, json, order, candidates } = performance;
  const out = json ? process.stderr : process.stdout;
  // The SDK's warning about later Node versions does not belong in the demo.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  await using local = await startLocalTable(out, signal);
  await using stage = await setTheStage(local, payments, signal);
  const { leaseTable, ledger } = stage;

  let screen: Screen | undefined;
  const story = new Story((event) => screen?.add(event));
  const config = {
    clientConfig: local.clientConfig,
    leaseTable,
    ledgerTable: ledger.tableName,
    leaseMs,
    fencing,
  };
  const show = new Show({ payments, config, order, candidates, story, signal });
  const title =
    `incumbent demo: ${payments.length.toLocaleString("en")} payments, ${candidates} workers, lease ${leaseMs} ms` +
    (order === "random" ? "" : `, order ${order}`) +
    (fencing ? "" : ", WITHOUT FENCING");
  const view = (): View => ({
    title,
    workers: show.fleet.workers,
    done: show.paid.size,
    total: payments.length,
    nowMs: story.nowMs(),
    leaseMs,
    events: story.events,
  });
  const live = !json && fits(process.stdout, candidates);
  if (!live) out.write(`${title}\n`);
  screen = live ? liveScreen(process.stdout, view) : plainScreen(out, view);
  try {
    if (show.skipped.length > 0) {
      story.tell(`too few payments to play: ${show.skipped.join(", ")} (four are enough for all three)`);
    }
    await show.play();
    story.tell(`all ${payments.length} payments are made; now the audit reads the table`);
  } finally {
    screen.close();
  }

  const endMs = story.nowMs();
  const facts = {
    audit: audit(payments, await ledger.read()),
    story,
    workers: show.fleet.workers,
    skipped: show.skipped,
    hadLateWrite: show.hadLateWrite,
    fencing,
    leaseMs,
    order,
    candidates,
  };
  const picture = timeline({
    title: `Who led: ${payments.length.toLocaleString("en")} payments${fencing ? "" : ", without fencing"}`,
    description: `${candidates} workers, lease ${leaseMs / 1_000} s. Bars are terms. In the shaded time nobody works, until the next leader's first payment.`,
    workers: show.fleet.workers,
    terms: story.terms,
    marks: story.marks,
    failovers: story.failovers,
    endMs,
  });
  const result = report({ ...facts, timeline: await save(performance.timelineFile, picture) });
  process.stdout.write(
    json ? `${JSON.stringify(result)}\n` : `${reportText(result, styleFor(process.stdout))}\n`,
  );
  return result.ok ? 0 : 1;
}

/** If the picture cannot be written, the audit goes on. */
async function save(path: string, picture: string): Promise<string | null> {
  try {
    await writeFile(path, picture);
    return path;
  } catch (error) {
    process.stderr.write(`--timeline: ${(error as Error).message}\n`);
    return null;
  }
}

/** Both tables, with their own names: the endpoint in the environment can hold other tables. */
async function setTheStage(local: DynamoDBLocal, payments: readonly Payment[], signal: AbortSignal) {
  const client = new DynamoDBClient(local.clientConfig);
  const theirs = local.source === "environment";
  const suffix = theirs ? `-demo-${randomUUID()}` : "";
  const leaseTable = `incumbent${suffix}`;
  const ledger = new Ledger(client, `ledger${suffix}`);
  const strike = async () => {
    // The DynamoDB Local that we start forgets all tables when it ends.
    if (theirs) {
      const drop = client.send(new DeleteTableCommand({ TableName: leaseTable }));
      await Promise.allSettled([ledger.drop(), drop]);
    }
    client.destroy();
  };
  try {
    await createLeaseTable(client, leaseTable);
    await ledger.create(payments, signal);
  } catch (error) {
    await strike();
    throw error;
  }
  return { leaseTable, ledger, [Symbol.asyncDispose]: strike };
}
