import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Operator } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import type { Section } from "./section.js";

const client = new DynamoDBClient({ region: "eu-central-1" });
const name = "billing/nightly";
/** An election with these options beside a client and a name. */
const given = (options: object) => () => new Election({ client, name, ...options } as never);

/** As the AWS SDK v2 has it. */
class DocumentClient {
  makeServiceRequest() {}
}

export const where: Section = {
  title: "Where the table is",
  mistakes: {
    "no options at all: `new Election()`": () => new Election(...([] as unknown as [never])),
    'a name in place of the options: `new Election("billing/nightly")`': () => new Election(name as never),
    "no `client`": given({ client: undefined }),
    "a configuration in place of a client: `client: { region }`": given({
      client: { region: "eu-central-1" },
    }),
    "a client of the AWS SDK v2": given({ client: new DocumentClient() }),
    "a client of another service": given({ client: new CloudWatchClient({ region: "eu-central-1" }) }),
    "the class `DynamoDBClient` in place of an object": given({ client: DynamoDBClient }),
    "`region` beside `client`": given({ region: "eu-central-1" }),
    "`client` and `store` together": given({ store: new MemoryTable() }),
    "`tableName` and `store` together": given({
      client: undefined,
      store: new MemoryTable(),
      tableName: "leases",
    }),
    "`store: MemoryTable`, without `new`": given({ client: undefined, store: MemoryTable }),
    "`table` in place of `tableName`": given({ table: "leases" }),
    "a `tableName` with a space": given({ tableName: "my leases" }),
    "an empty `tableName`": given({ tableName: "" }),
    "an `Operator` without options": () => new Operator(...([] as unknown as [never])),
    "an `Operator` with an empty `by`": () => new Operator({ client, name, by: "" }),
  },
};

export const names: Section = {
  title: "Names",
  mistakes: {
    "no `name`": given({ name: undefined }),
    "an empty `name`": given({ name: "" }),
    "a `name` with a colon: `billing:nightly`": given({ name: "billing:nightly" }),
    "a `name` of 201 characters": given({ name: "a".repeat(201) }),
    "a `name` with an umlaut: `zürich`": given({ name: "zürich" }),
    "a `name` that is a number": given({ name: 7 }),
    "`election` in place of `name`": given({ election: name }),
    "`candidateId` in place of `label`": given({ candidateId: "worker-1" }),
    "a `label` with a space": given({ label: "worker 1" }),
    "an empty `label`": given({ label: "" }),
    "a `label` of 101 characters": given({ label: "a".repeat(101) }),
    "a `group` with a slash": given({ group: "eu/west" }),
    "an empty `group`": given({ group: "" }),
    "an object as `value`": given({ value: { url: "http://10.0.0.7" } }),
    "a `value` of 2,000 characters": given({ value: "a".repeat(2_000) }),
  },
};

export const durations: Section = {
  title: "Durations",
  mistakes: {
    "seconds in place of milliseconds: `leaseDurationMs: 30`": given({ leaseDurationMs: 30 }),
    'a string: `leaseDurationMs: "15000"`': given({ leaseDurationMs: "15000" }),
    "`leaseDurationMs: NaN`, from an environment variable that is not set": given({
      leaseDurationMs: Number.NaN,
    }),
    "`leaseDurationMs: 0`": given({ leaseDurationMs: 0 }),
    "a lease of two days": given({ leaseDurationMs: 172_800_000 }),
    "a fraction: `leaseDurationMs: 1000 / 3`": given({ leaseDurationMs: 1_000 / 3 }),
    "`leaseDuration` in place of `leaseDurationMs`": given({ leaseDuration: 15_000 }),
    "`ttl` in place of `leaseDurationMs`": given({ ttl: 15_000 }),
    "a `renewIntervalMs` as long as the lease": given({ leaseDurationMs: 15_000, renewIntervalMs: 15_000 }),
    "`renewIntervalMs: 5`, in seconds": given({ renewIntervalMs: 5 }),
    "a `requestTimeoutMs` that is too long for the lease": given({
      leaseDurationMs: 5_000,
      tuning: { requestTimeoutMs: 2_000 },
    }),
    "a safety margin of 0": given({ tuning: { safetyMarginMs: 0 } }),
    "a safety margin as long as the lease": given({ tuning: { safetyMarginMs: 15_000 } }),
    "a `standbyPollMs` of 1, for as often as possible": given({
      succession: "arrival",
      tuning: { standbyPollMs: 1 },
    }),
    "a `standbyPollMs` longer than the time between renewals": given({
      succession: "arrival",
      tuning: { standbyPollMs: 10_000 },
    }),
    "a `standbyPollMs` without an order of succession": given({ tuning: { standbyPollMs: 250 } }),
    "`stopTimeoutMs: -1`, for no limit": given({ stopTimeoutMs: -1 }),
    "a `historyRetentionMs` of 30, in days": given({ tuning: { historyRetentionMs: 30 } }),
    "a `deleteIdleAfterMs` of 30, in days": given({ tuning: { deleteIdleAfterMs: 30 } }),
    "a `deleteIdleAfterMs` with an order of succession": given({
      succession: "arrival",
      tuning: { deleteIdleAfterMs: 86_400_000 },
    }),
    "`maxTenureMs: 0`, for no limit": given({ succession: { order: "ring", maxTenureMs: 0 } }),
  },
};

export const more: Section = {
  title: "Succession, and other options",
  mistakes: {
    'an unknown word: `succession: "fifo"`': given({ succession: "fifo" }),
    '`succession: "rank"`, without a rank': given({ succession: "rank" }),
    '`order: "rank"` without `rank`': given({ succession: { order: "rank" } }),
    "`rank` without `order`": given({ succession: { rank: 7 } }),
    "`rank` beside another order": given({ succession: { order: "arrival", rank: 7 } }),
    "`rank` at the top level": given({ rank: 7 }),
    "a `rank` that is a string": given({ succession: { order: "rank", rank: "7" } }),
    "a `rank` of 1e300": given({ succession: { order: "rank", rank: 1e300 } }),
    '`preempt` without `order: "rank"`': given({ succession: { order: "arrival", preempt: true } }),
    "`preempt: 5000`, in milliseconds": given({ succession: { order: "rank", rank: 7, preempt: 5_000 } }),
    "a misspelt name in a group: `succession: { premept }`": given({
      succession: { order: "rank", rank: 7, premept: true },
    }),
    "a name that resembles no option: `zoo`": given({ zoo: 1 }),
    "a name that resembles none in a group: `tuning: { zoo }`": given({ tuning: { zoo: 1 } }),
    "an option of another level: `requestTimeoutMs` at the top": given({ requestTimeoutMs: 500 }),
    'an unknown `expiry`: `"ttl"`': given({ tuning: { expiry: "ttl" } }),
    "`tuning: true`": given({ tuning: true }),
    '`eligible: "no"`': given({ eligible: "no" }),
    '`lastWill: "yes"`': given({ lastWill: "yes" }),
    "`lastWill` with a table in memory": () =>
      new Election({ store: new MemoryTable(), name, lastWill: true }),
    '`heartbeat: "thread"` with a table in memory': () =>
      new Election({ store: new MemoryTable(), name, heartbeat: "thread" }),
    "`healthy: true`, not a function": given({ healthy: true }),
    "`onEvent: console`, not a function": given({ onEvent: console }),
    "`runtime: { clock: Date }`": given({ runtime: { clock: Date } }),
  },
};
