import { Stack } from "aws-cdk-lib";
import type { EventBus, IEventBus } from "aws-cdk-lib/aws-events";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnPipe } from "aws-cdk-lib/aws-pipes";
import { Construct } from "constructs";
import { LEASE_SORT_KEY, SORT_KEY, TERM_SORT_KEY_PREFIX } from "../src/store/schema.js";
import { refuse } from "./invalid-prop.js";
import type { LeaseTable } from "./lease-table.js";

/** `source` of the events. */
export const EVENT_SOURCE = "incumbent";
export const LEADER_ELECTED = "Leader Elected";
export const LEADERSHIP_ENDED = "Leadership Ended";

export interface LeaderChangesProps {
  /** With `stream: true`. */
  readonly table: LeaseTable;
  /** Where the events go. */
  readonly eventBus: IEventBus | EventBus;
}

/**
 * Tells an event bus who leads, without code to run: the table's stream, filtered, through EventBridge Pipes. At least
 * once, so look at the term. Events have `source` "incumbent" and
 *
 * - `detail-type` "Leader Elected", `detail` `{ election, term, leader }`: a term has begun;
 * - `detail-type` "Leadership Ended", `detail` `{ election, term, leader }`: it was given back, or taken away by an
 *   operator, and nobody leads. A leader that died is told of by its successor's event only.
 *
 * `term` is a string of digits. Two readers of the stream, which are as many as DynamoDB recommends.
 */
export class LeaderChanges extends Construct {
  readonly pipes: readonly CfnPipe[];

  constructor(scope: Construct, id: string, { table, eventBus }: LeaderChangesProps) {
    super(scope, id);
    const streamArn = table.streamArn;
    if (streamArn === undefined)
      refuse(this, "table", "must have a stream", undefined, "new LeaseTable(…, { stream: true })");
    const role = this.#role(streamArn, eventBus);
    table.grantKey(role);
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
      // A pipe tries its rights when it is made.
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
 * A row of a term appears, once per election. The lease row would not do: filters cannot compare, so a takeover from a
 * dead leader looks like a renewal there.
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

/** Each path exists in every event that the filter lets through. The pipe itself puts quotes around strings. */
function template(detail: Record<string, string>): string {
  return `{${Object.entries(detail)
    .map(([name, path]) => `"${name}":<${path}>`)
    .join(",")}}`;
}
