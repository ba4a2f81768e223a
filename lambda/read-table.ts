import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { type Instant, systemClock } from "../src/clock.js";
import { believed, estimateMs, type Header, type Hearing, hear } from "../src/protocol/service-clock.js";
import { DateHeader } from "../src/store/dynamodb/date-header.js";
import { storeError } from "../src/store/dynamodb/errors.js";
import type { Item } from "../src/store/memory/expressions.js";
import { LEASE_SORT_KEY, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../src/store/schema.js";
import type { Seen } from "./table-rows.js";

/** What the figures need of a row; the leaders' published values stay where they are. */
const ATTRIBUTES = [
  ...[
    PARTITION_KEY,
    SORT_KEY,
    TTL_ATTRIBUTE,
    "holder",
    "term",
    "revision",
    "leaseDurationMs",
    "renewIntervalMs",
  ],
  ...["expiresAt", "electedAt", "renewedAt", "lastRenewedAt", "endedAt", "lastTick", "lastTickTerm"],
];
const NAMES = Object.fromEntries(ATTRIBUTES.map((name) => [`#${name}`, name]));
const PROJECTION = Object.keys(NAMES).join(", ");
/** Figures are for people: the defaults of an election will do. */
const TRUSTING = { maxServiceClockErrorMs: 1_000, doubtMs: 15_000 };

export interface Wanted {
  /** Terms that began earlier stay out of the answer, in milliseconds back from now. */
  readonly termsWithinMs: number;
  /** Also rows whose time to live has passed, of whatever kind. */
  readonly expired: boolean;
}

/**
 * Reads the table with eventually consistent requests: figures are for people and alarms, and no lease
 * depends on them. Ages are by the table's clock, since this host's may be wrong.
 */
export class TableReader {
  #hearing: Hearing | undefined;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly signal: AbortSignal,
  ) {}

  /** All lease rows, recent terms and, if wanted, what has outlived its time. `signal` ends it with its reason. */
  async *scan({ termsWithinMs, expired }: Wanted): AsyncGenerator<Seen> {
    // Any row would do: the first answer tells the time that the scan asks by.
    await this.row("incumbent/time", LEASE_SORT_KEY);
    let from: Record<string, AttributeValue> | undefined;
    do {
      const atMs = this.#nowMs();
      const filter = [
        `#${SORT_KEY} = :lease`,
        "#electedAt > :since",
        ...(expired ? [`#${TTL_ATTRIBUTE} <= :now`] : []),
      ];
      const date = new DateHeader();
      const page = await this.#ask("read the elections", date, (abortSignal) =>
        this.client.send(
          date.from(
            new ScanCommand({
              TableName: this.tableName,
              ProjectionExpression: PROJECTION,
              FilterExpression: filter.join(" OR "),
              ExpressionAttributeNames: NAMES,
              ExpressionAttributeValues: {
                ":lease": { S: LEASE_SORT_KEY },
                ":since": { N: String(atMs - termsWithinMs) },
                ...(expired && { ":now": { N: String(Math.floor(atMs / 1_000)) } }),
              },
              ...(from && { ExclusiveStartKey: from }),
            }),
          ),
          { abortSignal },
        ),
      );
      const seenAt = this.#nowMs();
      for (const item of page.Items ?? []) yield { item: item as Item, atMs: seenAt };
      from = page.LastEvaluatedKey;
    } while (from);
  }

  async row(election: string, sortKey: string): Promise<Item | undefined> {
    const date = new DateHeader();
    const command = new GetItemCommand({
      TableName: this.tableName,
      Key: { [PARTITION_KEY]: { S: election }, [SORT_KEY]: { S: sortKey } },
      ProjectionExpression: PROJECTION,
      ExpressionAttributeNames: NAMES,
    });
    const { Item: item } = await this.#ask("read a row", date, (abortSignal) =>
      this.client.send(date.from(command), { abortSignal }),
    );
    return item as Item | undefined;
  }

  async #ask<T>(doing: string, date: DateHeader, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const sent = now();
    try {
      const answer = await request(this.signal);
      if (date.ms !== undefined) this.#learn({ dateMs: date.ms, sent, received: now() });
      return answer;
    } catch (error) {
      this.signal.throwIfAborted();
      throw storeError(error, this.tableName, doing);
    }
  }

  #learn(header: Header): void {
    this.#hearing = hear(this.#hearing, header, TRUSTING).hearing;
  }

  /** While answers contradict each other, this host's own time is as good a guess as any. */
  #nowMs(): number {
    const bounds = believed(this.#hearing);
    return bounds ? estimateMs(bounds, now()) : systemClock.wallMs();
  }
}

function now(): Instant {
  return { monotonicMs: systemClock.monotonicMs(), wallMs: systemClock.wallMs() };
}
