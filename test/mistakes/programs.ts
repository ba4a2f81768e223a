import { fileURLToPath } from "node:url";
import { Duration, Lazy, type Stack, TimeZone } from "aws-cdk-lib";
import { ArnPrincipal, Role } from "aws-cdk-lib/aws-iam";
import { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { inject, vi } from "vitest";
import {
  ElectionMonitor,
  LeaseTable,
  type LeaseTableProps,
  ScheduledLeader,
  type ScheduledLeaderProps,
} from "../../lib/index.js";
import { settingsOf } from "../../lib/settings.js";
import { type LeaderOptions, leaderHandler } from "../../src/lambda/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import { ownFunction } from "../cdk/scheduled-job.js";
import { newStack } from "../cdk/synth.js";
import { BARE, incumbentWith } from "../support/cli.js";
import type { Section } from "./section.js";
import { LEASES, tables } from "./tables.js";
import { denied, refusing } from "./wire.js";

/** Invokes a handler with these options, in this environment. */
const invoking =
  (options: object, env: Record<string, string> = {}, event: unknown = {}, remainingMs = 30_000) =>
  async () => {
    for (const each of ["TABLE", "ELECTION", "ONCE", "TICKS", "TICK_PERIOD_MS", "STICKY_GROUP", "STICKY_MS"])
      vi.stubEnv(`INCUMBENT_${each}`, undefined);
    for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
    try {
      const handler = leaderHandler(() => {}, options as LeaderOptions);
      await handler(event, { getRemainingTimeInMillis: () => remainingMs });
    } finally {
      vi.unstubAllEnvs();
    }
  };
const named = () => ({ store: new MemoryTable(), election: "reports/daily" });
const ticked = () => ({ ...named(), once: "tick" });

const lambda: Section = {
  title: "Lambda functions (`incumbent/lambda`)",
  mistakes: {
    "no `INCUMBENT_TABLE`, as in a function that `ScheduledLeader` did not deploy": invoking({
      election: "reports/daily",
    }),
    "no `INCUMBENT_ELECTION`": invoking({}, { INCUMBENT_TABLE: "incumbent" }),
    "`INCUMBENT_ONCE=daily`": invoking(named(), { INCUMBENT_ONCE: "daily" }),
    "`once: true`": invoking({ ...named(), once: true }),
    "`INCUMBENT_TICKS=all`": invoking(ticked(), { INCUMBENT_TICKS: "all" }),
    "`INCUMBENT_TICK_PERIOD_MS=5m`": invoking(ticked(), { INCUMBENT_TICK_PERIOD_MS: "5m" }),
    '`onMissedTick: "throw"`': invoking({ ...ticked(), onMissedTick: "throw" }),
    "`INCUMBENT_STICKY_GROUP` without `INCUMBENT_STICKY_MS`": invoking(named(), {
      INCUMBENT_STICKY_GROUP: "eu-west-1",
    }),
    "`INCUMBENT_STICKY_MS=1h`": invoking(named(), {
      INCUMBENT_STICKY_GROUP: "eu-west-1",
      INCUMBENT_STICKY_MS: "1h",
    }),
    "`name` in place of `election`": invoking({ store: new MemoryTable(), name: "reports/daily" }),
    "options that are null": invoking(null as never),
    "a test event of the console, without a scheduled time": invoking(ticked(), {}, { key1: "value1" }),
    "the schedule's placeholder, sent by hand": invoking(
      ticked(),
      {},
      { scheduledTime: "<aws.scheduler.scheduled-time>" },
    ),
    "a scheduled time without its zone": invoking(ticked(), {}, { scheduledTime: "2026-01-31T03:00:00" }),
    "a scheduled time of the year 2999": invoking(ticked(), {}, { scheduledTime: "2999-01-31T03:00:00Z" }),
    "an event that is a text": invoking(ticked(), {}, "nightly"),
    "a timeout of 400 ms": invoking(named(), {}, {}, 400),
    "`drainMs` as long as the timeout": invoking({ ...named(), drainMs: 30_000 }),
    "a handler that is called without Lambda's context": () =>
      leaderHandler(() => {}, named())({}, undefined as never),
    "no work: `leaderHandler()`": () =>
      leaderHandler(undefined as never, named())({}, { getRemainingTimeInMillis: () => 30_000 }),
  },
};

/** What the command prints to standard error. */
const running =
  (...args: string[]) =>
  async () => {
    await tables();
    const { endpoint } = inject("dynamodb");
    const command = incumbentWith({ ...BARE, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, ...args);
    await command.exited;
    return command.err;
  };

const commands: Section = {
  title: "The command `incumbent`",
  mistakes: {
    "`incumbent start`, an unknown command": running("start"),
    "`incumbent run billing/nightly`, without a command": running("run", "billing/nightly"),
    "`incumbent run -- python3 job.py`, without an election": running("run", "--", "python3", "job.py"),
    "`incumbent run billing:nightly -- …`": running("run", "billing:nightly", "--", "true"),
    "`--standby-poll-ms 5`": running("run", "billing/nightly", "--standby-poll-ms", "5", "--", "true"),
    "`--lease-ms 15s`": running("run", "billing/nightly", "--lease-ms", "15s", "--", "true"),
    "`--lease 15000`": running("run", "billing/nightly", "--lease", "15000", "--", "true"),
    "`-t leases`": running("status", "-t", "leases"),
    "`--once` with `--keep`": running("run", "billing/nightly", "--once", "--keep", "--", "true"),
    "`incumbent status --watch`, without an election": running("status", "--watch"),
    "`incumbent status` of two elections": running("status", "billing/nightly", "billing/daily"),
    "`--endpoint localhost:8000`, without `http://`": running("status", "--endpoint", "localhost:8000"),
    "`--endpoint` where nothing listens": running("status", "--endpoint", "http://127.0.0.1:1"),
    "no permission for `Scan`, which `incumbent status` needs": async () =>
      running(
        "status",
        "--table",
        LEASES,
        "--endpoint",
        await refusing("Scan", denied("dynamodb:Scan", LEASES)),
      )(),
    "`--table` that does not exist": running("status", "--table", "incumbnt"),
    "`incumbent operate billing/nightly`, without a verb": running("operate", "billing/nightly"),
    "`incumbent operate billing/nightly stop`, an unknown verb": running(
      "operate",
      "billing/nightly",
      "stop",
    ),
    "`reset-tick --to --json`, without a tick": running(
      "operate",
      "billing/nightly",
      "reset-tick",
      "--to",
      "--json",
    ),
    "`--to` with `evict`": running("operate", "billing/nightly", "evict", "--to", "worker-2"),
    "`--to` with a candidate that does not exist": running(
      "operate",
      "billing/nightly",
      "step-down",
      "--table",
      LEASES,
      "--to",
      "worker-2",
    ),
    "`incumbent local --port 80000`": running("local", "--port", "80000"),
  },
};

const entry = fileURLToPath(new URL("../../examples/scheduled-job.ts", import.meta.url));
const minutes = Duration.minutes;
const scheduling =
  (props: object, stack = newStack()) =>
  () => {
    new ScheduledLeader(stack, "Nightly", {
      table: new LeaseTable(stack, "Leases"),
      election: "reports/daily",
      schedule: ScheduleExpression.cron({ hour: "3", minute: "0", timeZone: TimeZone.ETC_UTC }),
      entry,
      ...props,
    } as ScheduledLeaderProps);
  };
const schedulingOwn = (make: (stack: Stack) => unknown) => () => {
  const stack = newStack();
  return scheduling({ entry: undefined, function: make(stack) }, stack)();
};
const tabling = (props: LeaseTableProps, region?: string) => () =>
  new LeaseTable(newStack(region), "Leases", props);
const deploying = (context: Record<string, unknown>) => () => settingsOf((key) => context[key]);

const constructs: Section = {
  title: "Constructs (`incumbent/cdk`)",
  mistakes: {
    'no props: `new ScheduledLeader(this, "Nightly")`': () =>
      new ScheduledLeader(newStack(), "Nightly", undefined as never),
    "no `schedule`": scheduling({ schedule: undefined }),
    "a monitor without a table": () => new ElectionMonitor(newStack(), "Monitor", {} as never),
    "neither `entry` nor `function`": scheduling({ entry: undefined }),
    "a malformed `election`": scheduling({ election: "reports:daily" }),
    "a timeout of 3 seconds": scheduling({ timeout: Duration.seconds(3) }),
    "a timeout of an hour": scheduling({ timeout: Duration.hours(1) }),
    "a timeout of 5,500 milliseconds": scheduling({ timeout: Duration.millis(5_500) }),
    "a timeout in minutes that is a token": scheduling({
      timeout: Duration.minutes(Lazy.number({ produce: () => 1 })),
    }),
    "a rate that is a token": scheduling({
      schedule: ScheduleExpression.rate(minutes(Lazy.number({ produce: () => 1 }))),
    }),
    "an alias in place of a function": schedulingOwn((stack) =>
      ownFunction(stack, { timeout: minutes(1) }).addAlias("live"),
    ),
    "a function that already has retries": schedulingOwn((stack) =>
      ownFunction(stack, { timeout: minutes(1), retryAttempts: 1 }),
    ),
    "a table in another Region than the function": () =>
      scheduling({ table: new LeaseTable(newStack("eu-central-1"), "Leases") }, newStack("eu-west-1"))(),
    "a variable that a prop sets: `environment: { INCUMBENT_TICKS }`": scheduling({
      environment: { INCUMBENT_TICKS: "every" },
    }),
    "`retry: false` with `entry`": scheduling({ retry: false }),
    "a grant to a role of another account": () => {
      const stack = newStack("eu-west-1", "Test", "111122223333");
      const worker = Role.fromRoleArn(stack, "Worker", "arn:aws:iam::444455556666:role/worker");
      new LeaseTable(stack, "Leases").grantCandidate(worker, "billing/nightly");
    },
    "a grant to `new ArnPrincipal(…)`": () =>
      new LeaseTable(newStack(), "Leases").grantCandidate(
        new ArnPrincipal("arn:aws:iam::111122223333:role/worker"),
        "billing/nightly",
      ),
    "five retries of Lambda": scheduling({ retry: { maximumRetryAttempts: 5 } }),
    "events of `rate(10 minutes)` that are tried for an hour": scheduling({
      schedule: ScheduleExpression.rate(minutes(10)),
      retry: { maximumEventAge: Duration.hours(1) },
    }),
    "two retries with `rate(3 minutes)`": scheduling({
      schedule: ScheduleExpression.rate(minutes(3)),
      retry: { maximumRetryAttempts: 2 },
    }),
    "`sticky` with `rate(7 minutes)`": scheduling({
      schedule: ScheduleExpression.rate(minutes(7)),
      sticky: { for: Duration.hours(1), group: "a" },
    }),
    "`sticky` without ticks": scheduling({ once: false, sticky: { for: Duration.hours(30), group: "a" } }),
    "`sticky` for less than a period": scheduling({
      schedule: ScheduleExpression.rate(minutes(10)),
      sticky: { for: minutes(5), group: "a" },
    }),
    '`ticks: "all"`': scheduling({ ticks: "all" }),
    "`witness` without `regions`": tabling({ witness: "eu-west-2" }),
    "two Regions, and no witness": tabling({ regions: ["eu-west-1", "eu-west-2"] }, "eu-west-1"),
    "several `regions` in a stack without `env`": tabling({
      regions: ["eu-west-1", "eu-west-2", "eu-central-1"],
    }),
    "`cdk deploy -c monitor=yes`": deploying({ monitor: "yes" }),
    "`cdk deploy -c job=… -c timeout=15m`": deploying({ job: "src/nightly.ts", timeout: "15m" }),
    "a monitor that runs every 90 seconds": () => {
      const stack = newStack();
      const table = new LeaseTable(stack, "Leases");
      new ElectionMonitor(stack, "Monitor", { table, interval: Duration.seconds(90) });
    },
  },
};

export const programs: Section[] = [lambda, commands, constructs];
