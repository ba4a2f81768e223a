import { LEASE_SORT_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX, TTL_ATTRIBUTE } from "../../src/store/schema.js";

/** What the pipes of `LeaderChanges` take from the table's stream, and what they make of it. Pure. */

/** The `source` of the events. */
export const EVENT_SOURCE = "incumbent";
/** The `detail-type` when a term begins. */
export const LEADER_ELECTED = "Leader Elected";
/** The `detail-type` when a leadership ends and nobody leads. */
export const LEADERSHIP_ENDED = "Leadership Ended";

export interface Filter {
  readonly detailType: string;
  /** Which records of the stream, in EventBridge's words. */
  readonly pattern: object;
  /** The event's detail: fields and their paths in the record. */
  readonly detail: Record<string, string>;
}

const absent = [{ exists: false }];
const present = [{ exists: true }];

/**
 * A row of a term appears, once per term. The lease row does not help: filters cannot compare two values, so a take-over
 * from a dead leader looks like a renewal.
 */
export const ELECTED: Filter = {
  detailType: LEADER_ELECTED,
  pattern: {
    dynamodb: {
      Keys: { [SORT_KEY]: { S: [{ prefix: TERM_SORT_KEY_PREFIX }] } },
      NewImage: { holder: { S: present }, term: { N: present } },
      OldImage: { holder: { S: absent } },
    },
  },
  detail: {
    election: "$.dynamodb.Keys.pk.S",
    term: "$.dynamodb.NewImage.term.N",
    leader: "$.dynamodb.NewImage.holder.S",
  },
};

/**
 * The lease row loses its holder. Every verb that takes it away writes why; an edit by hand does not, and sends no event. A
 * session's row is a lease row, too, and no election ends with it. It has a `ttl` while it is held, and no other lease row has:
 * pipes cannot filter by the beginning of a name that must not be.
 */
export const ENDED: Filter = {
  detailType: LEADERSHIP_ENDED,
  pattern: {
    eventName: ["MODIFY"],
    dynamodb: {
      Keys: { [SORT_KEY]: { S: [LEASE_SORT_KEY] } },
      NewImage: { holder: { S: absent }, endReason: { S: present } },
      OldImage: { holder: { S: present }, term: { N: present }, [TTL_ATTRIBUTE]: { N: absent } },
    },
  },
  detail: {
    election: "$.dynamodb.Keys.pk.S",
    term: "$.dynamodb.OldImage.term.N",
    leader: "$.dynamodb.OldImage.holder.S",
    reason: "$.dynamodb.NewImage.endReason.S",
  },
};

/** Each path exists in every record that passes the filter. The pipe puts strings in quotation marks. */
export function inputTemplate({ detail }: Filter): string {
  return `{${Object.entries(detail)
    .map(([name, path]) => `"${name}":<${path}>`)
    .join(",")}}`;
}
