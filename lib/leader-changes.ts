import { Stack } from "aws-cdk-lib";
import type { EventBus, IEventBus } from "aws-cdk-lib/aws-events";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnPipe } from "aws-cdk-lib/aws-pipes";
import { Construct } from "constructs";
import { LEASE_SORT_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX } from "../src/store/schema.js";
import { refuse } from "./invalid-prop.js";
import type { LeaseTable } from "./lease-table.js";

/** The `source` of the events. */
export const EVENT_SOURCE = "incumbent";
/** The `detail-type` when a term begins. */
export const LEADER_ELECTED = "Leader Elected";
/** The `detail-type` when a leadership ends and nobody leads. */
export const LEADERSHIP_ENDED = "Leadership Ended";

/** The props of `LeaderChanges`. */
export interface LeaderChangesProps {
  /** The table, with `stream: true`. */
  readonly table: LeaseTable;
  /** The event bus that gets the events. */
  readonly eventBus: IEventBus | EventBus;
}

/**
 * Sends an event to an event bus when the leader changes. No code runs: EventBridge Pipes filter the table's stream. An
 * event can arrive twice, so compare terms. Events have `source` "incumbent" and
 *
 * - `detail-type` "Leader Elected", `detail` `{ election, term, leader }`: a term has begun;
 * - `detail-type` "Leadership Ended", `detail` `{ election, term, leader }`: the leader gave the lease back, or an operator
 *   evicted it, and nobody leads. There is no such event for a leader that died: its successor's event follows.
 *
 * `term` is a string of digits. The pipes read the stream twice, which is the most that DynamoDB recommends.
 */
export class LeaderChanges extends Construct {
  /** The two pipes. */
  readonly pipes: readonly CfnPipe[];

  /**
   * @throws InvalidPropError: the table has no stream.
   * @example
   * const eventBus = EventBus.fromEventBusName(this, "Bus", "default");
   * new LeaderChanges(this, "Changes", { table, eventBus });
   */
  constructor(scope: Construct, id: string, { table, eventBus }: LeaderChangesProps) {
    super(scope, id);
    const streamArn = table.streamArn;
    if (streamArn === undefined)
      refuse(this, "table", "must have a stream", undefined, "new LeaseTable(…, { stream: true })");
    const role = this.#role(streamArn, eventBus);
    table.grantKey(role, "read");
    const pipe = (name: string, detailType: string, pattern: object, detail: Record<string, string>) => {
      const made = new CfnPipe(this, name, {
        description: `Elections: ${detailType}`,
        roleArn: role.roleArn,
        source: streamArn,
        sourceParameters: {
          dynamoDbStreamParameters: { startingPosition: "LATEST", batchSize: 10, maximumRetryAttempts: 10 },
          filterCriteria: { filters: [{ pattern: JSON.stringify(pattern) }] },
        },
        target: eventBus.eventBusArn,
        targetParameters: {
          eventBridgeEventBusParameters: { source: EVENT_SOURCE, detailType },
          inputTemplate: template(detail),
        },
      });
      // A pipe checks its permissions when it is created.
      made.node.addDependency(role);
      return made;
    };
    this.pipes = [
      pipe("Elected", LEADER_ELECTED, ELECTED, {
        election: "$.dynamodb.Keys.pk.S",
        term: "$.dynamodb.NewImage.term.N",
        leader: "$.dynamodb.NewImage.holder.S",
      }),
      pipe("Ended", LEADERSHIP_ENDED, ENDED, {
        election: "$.dynamodb.Keys.pk.S",
        term: "$.dynamodb.OldImage.term.N",
        leader: "$.dynamodb.OldImage.holder.S",
      }),
    ];
  }

  #role(streamArn: string, eventBus: LeaderChangesProps["eventBus"]): Role {
    const stack = Stack.of(this);
    const role = new Role(this, "Role", {
      description: "Lets EventBridge Pipes read one stream and fill one event bus",
      assumedBy: new ServicePrincipal("pipes.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
        resources: [streamArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["events:PutEvents"], resources: [eventBus.eventBusArn] }),
    );
    return role;
  }
}

const absent = [{ exists: false }];
const present = [{ exists: true }];

/**
 * A row of a term appears, once per term. The lease row does not help: filters cannot compare two values, so a take-over
 * from a dead leader looks like a renewal.
 */
const ELECTED = {
  dynamodb: {
    Keys: { [SORT_KEY]: { S: [{ prefix: TERM_SORT_KEY_PREFIX }] } },
    NewImage: { holder: { S: present }, term: { N: present } },
    OldImage: { holder: { S: absent } },
  },
};

/** The lease row loses its holder. */
const ENDED = {
  eventName: ["MODIFY"],
  dynamodb: {
    Keys: { [SORT_KEY]: { S: [LEASE_SORT_KEY] } },
    NewImage: { holder: { S: absent } },
    OldImage: { holder: { S: present }, term: { N: present } },
  },
};

/** Each path exists in every event that passes the filter. The pipe puts strings in quotation marks. */
function template(detail: Record<string, string>): string {
  return `{${Object.entries(detail)
    .map(([name, path]) => `"${name}":<${path}>`)
    .join(",")}}`;
}
