import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ManagedPolicy, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type ITopic, Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { DEFAULT_TABLE_NAME } from "../src/store/schema.js";
import { acknowledge, nist } from "./acknowledge.js";
import { ElectionMonitor } from "./election-monitor/election-monitor.js";
import type { WatchedElection } from "./election-monitor/monitor-alarms.js";
import { LeaderChanges } from "./leader-changes/leader-changes.js";
import type { ILeaseTable } from "./lease-table/i-lease-table.js";
import { LeaseTable } from "./lease-table/lease-table.js";
import { ScheduledLeader } from "./scheduled-leader/scheduled-leader.js";
import type { ScheduledLeaderProps } from "./scheduled-leader/scheduled-leader-props.js";

/** The props of an `IncumbentStack`. */
export interface IncumbentStackProps extends StackProps {
  /** The name of the lease table. @default "incumbent" */
  readonly tableName?: string;
  /**
   * Three Regions, or two and a `witness`. The stack of the first Region has the table, the others use its replicas.
   * @default one Region
   */
  readonly regions?: readonly string[];
  /** A third Region that votes and holds no replica. @default none */
  readonly witness?: string;
  /**
   * Elections of workers outside this stack, such as containers. They get a policy to attach to the workers' role, and
   * alarms.
   * @default none
   */
  readonly elections?: readonly string[];
  /** A job that runs on a schedule. @default none */
  readonly job?: JobProps;
  /** Whether to watch the table with an `ElectionMonitor`. @default true */
  readonly monitor?: boolean;
  /** Whether to send an event to the account's default event bus when a leadership begins or ends. @default false */
  readonly leaderChanges?: boolean;
  /** The address that gets the alarms. AWS asks it to confirm first. @default none */
  readonly alarmEmail?: string;
}

/** The job of an `IncumbentStack`: some props of `ScheduledLeader`. */
export interface JobProps
  extends Pick<
    ScheduledLeaderProps,
    "election" | "schedule" | "timeout" | "memorySize" | "environment" | "functionProps" | "ticks"
  > {
  /** A file that exports `handler = leaderHandler(…)`. */
  readonly entry: string;
  /** How long other Regions wait after a completed run. It must be longer than from tick to tick. @default they do not wait */
  readonly stickyFor?: Duration;
}

/** The whole deployment of one Region: table, job, monitor and alarms. Its outputs are a worker's configuration. */
export class IncumbentStack extends Stack {
  /** The lease table, or this Region's replica of it. */
  readonly table: ILeaseTable;
  /** The job. Undefined: there is none. */
  readonly job: ScheduledLeader | undefined;
  /** The monitor. Undefined: there is none. */
  readonly monitor: ElectionMonitor | undefined;

  /**
   * @throws InvalidPropError: a prop cannot work.
   * @example
   * new IncumbentStack(app, "Incumbent", { elections: ["billing/nightly"], alarmEmail: "on-call@example.com" });
   */
  constructor(scope: Construct, id: string, props: IncumbentStackProps = {}) {
    super(scope, id, { description: "Leader election on a DynamoDB table", ...props });
    const { elections = [], job, alarmEmail } = props;
    const alarmTopic = alarmEmail === undefined ? undefined : this.#alarmTopic(alarmEmail);
    this.table = this.#makeTable(props, alarmTopic);
    if (job) {
      const { stickyFor, ...own } = job;
      this.job = new ScheduledLeader(this, "Job", {
        table: this.table,
        ...own,
        ...(stickyFor && { sticky: { for: stickyFor } }),
        ...(alarmTopic && { alarmTopic }),
      });
    }
    if (props.monitor ?? true) {
      this.monitor = new ElectionMonitor(this, "Monitor", {
        table: this.table,
        elections: [
          ...elections.map((election): WatchedElection => ({ election, maxTermsPerHour: 10 })),
          ...(job && this.job ? watchedJob(job, this.job) : []),
        ],
        ...(alarmTopic && { alarmTopic }),
      });
    }
    this.#addOutputs(elections);
  }

  #makeTable(
    { tableName = DEFAULT_TABLE_NAME, regions, witness, leaderChanges = false }: IncumbentStackProps,
    alarmTopic: ITopic | undefined,
  ) {
    if (regions && regions[0] !== this.region) {
      return LeaseTable.fromTableName(this, "Table", tableName, { multiRegion: true });
    }
    const table = new LeaseTable(this, "Table", {
      tableName,
      stream: leaderChanges,
      ...(regions && { regions }),
      ...(witness !== undefined && { witness }),
    });
    if (leaderChanges) {
      const eventBus = EventBus.fromEventBusName(this, "Bus", "default");
      new LeaderChanges(this, "Changes", { table, eventBus, ...(alarmTopic && { alarmTopic }) });
    }
    return table;
  }

  #alarmTopic(email: string): ITopic {
    const topic = new Topic(this, "Alarms", { enforceSSL: true });
    acknowledge(
      topic,
      nist("SNSEncryptedKMS"),
      "Alarms cannot publish to a topic that is encrypted with AWS's managed key. Their text names elections, and holds no data.",
    );
    // `enforceSSL` replaces the default policy, which lets this account's alarms publish.
    topic.grantPublish(
      new ServicePrincipal("cloudwatch.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  /** The outputs are for a worker's configuration. */
  #addOutputs(elections: readonly string[]): void {
    const output = (id: string, value: string, description: string) =>
      new CfnOutput(this, id, { value, description });
    output("TableName", this.table.tableName, "INCUMBENT_TABLE of a worker; tableName of an Election");
    output("TableArn", this.table.tableArn, "The lease table, or this Region's replica of it");
    output("Region", this.region, "AWS_REGION of a worker");
    if (this.job) {
      output("JobFunction", this.job.function.functionName, "The function that runs the job");
      output(
        "JobDeadLetters",
        this.job.deadLetterQueue.queueUrl,
        "The queue for events whose runs failed for good",
      );
    }
    if (elections.length === 0) return;
    const policy = new ManagedPolicy(this, "CandidatePolicy", {
      description: "What a candidate of these elections needs, and nothing else",
    });
    this.table.grantCandidate(policy, ...elections);
    output(
      "CandidatePolicyArn",
      policy.managedPolicyArn,
      `Attach it to the role of candidates of ${elections.join(", ")}`,
    );
  }
}

/** Missed ticks in a row until a job is overdue: one can be a run that is tried again. */
const MISSED_TICKS = 3;

/** With `sticky` the first tick after an outage comes so much later. When a `cron` fires is not known here, nor what a token says. */
function watchedJob(
  { election, stickyFor }: JobProps,
  { rate, function: { timeout } }: ScheduledLeader,
): WatchedElection[] {
  if (!rate || timeout?.isUnresolved()) return [];
  const lateS = MISSED_TICKS * rate.toSeconds() + (timeout?.toSeconds() ?? 0) + (stickyFor?.toSeconds() ?? 0);
  const late = Duration.seconds(lateS);
  return [{ election, maxWithoutLeader: late, maxSinceLastTick: late }];
}
