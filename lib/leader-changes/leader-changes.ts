import { Duration, Stack } from "aws-cdk-lib";
import { type EventBus, type IEventBus, type OnEventOptions, Rule } from "aws-cdk-lib/aws-events";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnPipe } from "aws-cdk-lib/aws-pipes";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { Kind } from "../../src/describe.js";
import { acknowledgePolicy } from "../acknowledge.js";
import type { AlarmChoices } from "../alarms.js";
import { checkDeadLetterQueue, grantSend, newDeadLetterQueue } from "../dead-letter-queue.js";
import { knownSecondsOf } from "../durations.js";
import { checkElection, checkGiven, refuse } from "../invalid-prop.js";
import { checkTable } from "../lease-table/check-table.js";
import type { ILeaseTable } from "../lease-table/i-lease-table.js";
import { differenceOf, type Place } from "../place.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import { ELECTED, ENDED, EVENT_SOURCE, type Filter, inputTemplate } from "./leader-change-filters.js";
import { type PipeAlarmName, PipeAlarms } from "./pipe-alarms.js";

/** The props of `LeaderChanges`. */
export interface LeaderChangesProps {
  /** The table, with a stream: `stream: true` of a `LeaseTable`, `streamArn` of one that exists. */
  readonly table: ILeaseTable;
  /** The event bus that gets the events. */
  readonly eventBus: IEventBus | EventBus;
  /**
   * How long the pipes try again when the event bus does not take an event: 1 minute to 23 hours. Then the dead-letter queue
   * gets a message. The stream keeps records for 24 hours, so what is left of them is the time to read the record by hand.
   * @default 12 hours
   */
  readonly maximumRecordAge?: Duration;
  /**
   * The queue for messages about events that the event bus did not take. It must be a standard queue.
   * @default one is made
   */
  readonly deadLetterQueue?: IQueue;
  /**
   * Which alarms to make: for pipes that fail again and again, and for messages in the dead-letter queue. `false`: none;
   * `{ endedFailing: false }`: all others. An object in place of `false` changes the alarm.
   * @default all
   */
  readonly alarms?: AlarmChoices<PipeAlarmName>;
  /** The topic that the alarms notify. @default none */
  readonly alarmTopic?: ITopic;
}

/** The options of `onLeaderElected` and `onLeadershipEnded`: those of CDK's rules, and the elections. */
export interface OnLeaderChangeOptions extends OnEventOptions {
  /** The elections whose events go to the target. @default all elections of the table */
  readonly elections?: readonly string[];
}

const PROPS: NamesOf<LeaderChangesProps> = {
  table: true,
  eventBus: true,
  maximumRecordAge: true,
  deadLetterQueue: true,
  alarms: true,
  alarmTopic: true,
};
const BUS = 'EventBus.fromEventBusName(this, "Bus", "default")';
const USUAL_AGE = Duration.hours(12);
/** What EventBridge Pipes allow. */
const MIN_AGE_S = 60;
/** The stream keeps a record for 24 hours. A pipe says nothing about a record that it can no longer read. */
const MAX_AGE_HOURS = 23;
const FIFO = "EventBridge Pipes do not send failed records to a FIFO queue";

/**
 * Sends an event to an event bus when the leader changes. No code runs: EventBridge Pipes filter the table's stream. An
 * event can arrive twice, so compare terms. An event that the bus does not take for `maximumRecordAge` is a message in the
 * dead-letter queue. Events have `source` "incumbent", the table's ARN in `resources`, and
 *
 * - `detail-type` "Leader Elected", `detail` `{ election, term, leader }`: a term has begun;
 * - `detail-type` "Leadership Ended", `detail` `{ election, term, leader, reason }`: the leader or its last will gave the
 *   lease back, or an operator evicted it, and nobody leads. `reason` is an `EndReason`, such as `resigned` or `crashed`. A
 *   leader that dies without a last will sends no such event: its successor's event follows. Nor does a leader under a
 *   `Session` that dies with the session.
 *
 * `term` is a string of digits. The pipes read the stream twice, which is the most that DynamoDB recommends.
 */
export class LeaderChanges extends Construct {
  /** The two pipes. */
  readonly pipes: readonly CfnPipe[];
  /** The queue for messages about events that the event bus did not take. */
  readonly deadLetterQueue: IQueue;
  /** The alarms. Undefined with `alarms: false`. */
  readonly alarms: PipeAlarms | undefined;
  readonly #rules: Construct;
  readonly #eventBus: LeaderChangesProps["eventBus"];
  readonly #tableArn: string;

  /**
   * @throws InvalidPropError: the table has no stream, or a prop cannot work.
   * @example
   * const eventBus = EventBus.fromEventBusName(this, "Bus", "default");
   * new LeaderChanges(this, "Changes", { table, eventBus });
   */
  constructor(scope: Construct, id: string, props: LeaderChangesProps) {
    super(scope, id);
    checkGiven(this, props, { table: 'new LeaseTable(this, "Leases", { stream: true })', eventBus: BUS });
    checkPropNames(this, props, PROPS);
    checkTable(this, props.table);
    const { table, eventBus, maximumRecordAge = USUAL_AGE } = props;
    // A scope of their own: their ids are the user's, and "Elected" is the id of a pipe.
    this.#rules = new Construct(this, "Rules");
    this.#eventBus = eventBus;
    this.#tableArn = table.tableArn;
    const streamArn = table.streamArn;
    if (streamArn === undefined)
      refuse(
        this,
        "table",
        "must have a stream",
        undefined,
        "new LeaseTable(…, { stream: true }), or streamArn in fromLeaseTableAttributes",
      );
    if (typeof (eventBus as Partial<IEventBus>).eventBusArn !== "string") {
      refuse(this, "eventBus", "must be an event bus of CDK", eventBus, BUS);
    }
    checkPlace(this, "table", table.table.env, "LeaderChanges in a stack that is where the table is");
    const relay = `${BUS}, and a rule of it whose target is the other bus`;
    checkPlace(this, "eventBus", eventBus.env, relay);
    checkAge(this, maximumRecordAge);
    checkDeadLetterQueue(this, props.deadLetterQueue, FIFO);
    const deadLetterQueue = props.deadLetterQueue ?? newDeadLetterQueue(this, "DeadLetters");
    this.deadLetterQueue = deadLetterQueue;
    const role = this.#role(streamArn, eventBus);
    table.grantKey(role, "read");
    grantSend(deadLetterQueue, role);
    const pipe = (name: string, filter: Filter) => {
      const made = new CfnPipe(this, name, {
        description: `Elections: ${filter.detailType}`,
        roleArn: role.roleArn,
        source: streamArn,
        sourceParameters: {
          dynamoDbStreamParameters: {
            // From "LATEST" a pipe can miss records while it is made or updated.
            startingPosition: "TRIM_HORIZON",
            // As many as one `PutEvents` takes.
            batchSize: 10,
            // The age ends the tries, not their number: most outages of a bus end by themselves or by a fix.
            maximumRetryAttempts: -1,
            maximumRecordAgeInSeconds: maximumRecordAge.toSeconds(),
            onPartialBatchItemFailure: "AUTOMATIC_BISECT",
            deadLetterConfig: { arn: deadLetterQueue.queueArn },
          },
          filterCriteria: { filters: [{ pattern: JSON.stringify(filter.pattern) }] },
        },
        target: eventBus.eventBusArn,
        targetParameters: {
          eventBridgeEventBusParameters: {
            source: EVENT_SOURCE,
            detailType: filter.detailType,
            resources: [table.tableArn],
          },
          inputTemplate: inputTemplate(filter),
        },
      });
      // A pipe checks its permissions when it is created.
      made.node.addDependency(role);
      return made;
    };
    const [elected, ended] = [pipe("Elected", ELECTED), pipe("Ended", ENDED)];
    this.pipes = [elected, ended];
    if (props.alarms === false) return;
    this.alarms = new PipeAlarms(this, "Alarms", {
      elected,
      ended,
      deadLetterQueue,
      choices: props.alarms,
      topic: props.alarmTopic,
    });
  }

  /**
   * Makes a rule of the event bus: "Leader Elected" of this table goes to the target.
   * @throws InvalidPropError: a name of an election cannot work.
   * @example
   * const target = new LambdaFunction(refreshCache);
   * changes.onLeaderElected("Refresh", { target, elections: ["billing/nightly"] });
   */
  onLeaderElected(id: string, options: OnLeaderChangeOptions = {}): Rule {
    return this.#rule(id, ELECTED, options);
  }

  /**
   * Makes a rule of the event bus: "Leadership Ended" of this table goes to the target. A leader that dies without a last
   * will sends no such event.
   * @throws InvalidPropError: a name of an election cannot work.
   * @example
   * changes.onLeadershipEnded("Tell", { target: new SnsTopic(onCall) });
   */
  onLeadershipEnded(id: string, options: OnLeaderChangeOptions = {}): Rule {
    return this.#rule(id, ENDED, options);
  }

  #rule(id: string, { detailType }: Filter, options: OnLeaderChangeOptions): Rule {
    const { elections, target, eventPattern, crossStackScope, ...named } = options;
    if (elections !== undefined && !Array.isArray(elections)) {
      refuse(this, "elections", "must be an array of names", elections, ["billing/nightly"]);
    }
    if (elections?.length === 0) {
      const rule = "must name an election, or be left out for all of them";
      refuse(this, "elections", rule, elections, ["billing/nightly"]);
    }
    for (const election of elections ?? []) checkElection(this, election, "elections");
    const rule = new Rule(crossStackScope ?? this.#rules, id, {
      ...named,
      eventBus: this.#eventBus,
      eventPattern: {
        source: [EVENT_SOURCE],
        detailType: [detailType],
        // Several tables can share a bus.
        resources: [this.#tableArn],
        ...(elections && { detail: { election: [...elections] } }),
      },
    });
    rule.addEventPattern(eventPattern);
    rule.addTarget(target);
    return rule;
  }

  #role(streamArn: string, eventBus: LeaderChangesProps["eventBus"]): Role {
    const stack = Stack.of(this);
    const role = new Role(this, "Role", {
      description: "Lets EventBridge Pipes read one stream and fill one event bus",
      assumedBy: new ServicePrincipal("pipes.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account } },
      }),
    });
    const allow = (actions: string[], resource: string) =>
      role.addToPolicy(new PolicyStatement({ actions, resources: [resource] }));
    allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], streamArn);
    // Pipes need it, and IAM knows no resource for it.
    allow(["dynamodb:ListStreams"], "*");
    allow(["events:PutEvents"], eventBus.eventBusArn);
    const reason = "dynamodb:ListStreams supports no resource: it only shows the names of streams.";
    acknowledgePolicy(role, ["AwsSolutions-IAM5[Resource::*]"], reason);
    return role;
  }
}

/** A pipe, its source and its target are in one account and one Region. */
function checkPlace(scope: Construct, prop: "table" | "eventBus", place: Place, suggestion: string): void {
  const { account, region } = Stack.of(scope);
  const part = differenceOf({ account, region }, place);
  if (part === undefined) return;
  const what = prop === "table" ? "a table" : "an event bus";
  const rule = `must be in the stack's ${part}, because EventBridge Pipes do not leave it`;
  refuse(scope, prop, rule, new Kind(`${what} in another ${part}`), suggestion);
}

function checkAge(scope: Construct, age: Duration): void {
  const suggestion = "Duration.hours(12)";
  const seconds = knownSecondsOf(scope, "maximumRecordAge", age, suggestion);
  if (seconds === undefined) return;
  const maxS = MAX_AGE_HOURS * 3_600;
  if (seconds >= MIN_AGE_S && seconds <= maxS) return;
  const rule =
    `must be ${MIN_AGE_S} to ${maxS} seconds (${MAX_AGE_HOURS} hours), because the stream keeps records for 24 hours, and ` +
    "those that are older leave it without a message";
  refuse(scope, "maximumRecordAge", rule, seconds, suggestion);
}
