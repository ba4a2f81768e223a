import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, Partitions, Session } from "../../src/index.js";
import { MemoryTable } from "../../src/testing/index.js";
import type { Section } from "./section.js";

const client = new DynamoDBClient({ region: "eu-central-1" });
const name = "tenant/4711";
/** A session with these options. */
const given = (options: object) => () => new Session({ client, ...options } as never);
/** An election under a session, with these options. */
const under = (options: object) => () =>
  new Election({ session: new Session({ client }), name, ...options } as never);

export const sessions: Section = {
  title: "Sessions",
  mistakes: {
    "no options at all: `new Session()`": () => new Session(...([] as unknown as [never])),
    "no `client`": given({ client: undefined }),
    "a `name`, which each election has": given({ name }),
    "an option of an election: `succession`": given({ succession: "arrival" }),
    "`leaseDuration` in place of `leaseDurationMs`": given({ leaseDuration: 15_000 }),
    "a lease of a day": given({ leaseDurationMs: 86_400_000 }),
    "an option of an election's `tuning`: `historyRetentionMs`": given({
      tuning: { historyRetentionMs: 86_400_000 },
    }),
    "the options of a session in place of a `Session`: `session: { client }`": () =>
      new Election({ session: { client }, name } as never),
    "the class `Session` in place of an object": () => new Election({ session: Session, name } as never),
    "`client` beside `session`": under({ client }),
    "`tableName` beside `session`": under({ tableName: "leases" }),
    "`leaseDurationMs` beside `session`": under({ leaseDurationMs: 5_000 }),
    "`label` beside `session`": under({ label: "worker" }),
    "`lastWill` beside `session`": under({ lastWill: true }),
    "`requestTimeoutMs` in `tuning` beside `session`": under({ tuning: { requestTimeoutMs: 500 } }),
    "no `name` beside `session`": under({ name: undefined }),
    "`leaseDurationMs` beside `session`, for `Partitions`": () =>
      new Partitions({ session: new Session({ client }), name, count: 4, leaseDurationMs: 5_000 } as never),
    "a call after `close()`": async () => {
      const session = new Session({ store: new MemoryTable() });
      await session.close();
      await new Election({ session, name }).campaign();
    },
  },
};
