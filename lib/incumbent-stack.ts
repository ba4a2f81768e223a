import { CfnOutput, type Duration, Stack, type StackProps } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ManagedPolicy, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { type ITopic, Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { DEFAULT_TABLE_NAME } from "../src/store/schema.js";
import { ElectionMonitor } from "./election-monitor.js";
import { LeaderChanges } from "./leader-changes.js";
import type { LeaseAccess } from "./lease-access.js";
import { LeaseTable } from "./lease-table.js";
import type { WatchedElection } from "./monitor-alarms.js";
import { ScheduledLeader } from "./scheduled-leader.js";

export interface IncumbentStackProps extends StackProps {
  /** @default "incumbent" */
  readonly tableName?: string;
  /** Three Regions, or two and a `witness`. The stack of the first has the table, the others use its replicas. @default one Region */
  readonly regions?: readonly string[];
  readonly witness?: string;
  /** Elections of workers elsewhere (containers, instances): a policy to attach to their role, and alarms. @default none */
  readonly elections?: readonly string[];
  /** @default none */
  readonly job?: JobProps;
  /** @default true */
  readonly monitor?: boolean;
  /** Puts elections and ends of leaderships on the account's default event bus. @default false */
  readonly leaderChanges?: boolean;
  /** Is asked to confirm, then gets the alarms. @default nobody */
  readonly alarmEmail?: string;
}

export interface JobProps {
  /** A file that exports `handler = leaderHandler(…)`. */
  readonly entry: string;
  readonly election: string;
  readonly schedule: ScheduleExpression;
  /** @default 1 minute */
  readonly timeout?: Duration;
  /** Keeps the job in the Region that ran it last until it has completed no tick for so long. @default none */
  readonly stickyFor?: Duration;
}

/** The deployable whole: table, job, monitor, alarms, and what a worker needs to be told. One per Region. */
export class IncumbentStack extends Stack {
  readonly table: LeaseAccess;
  readonly job: ScheduledLeader | undefined;
  readonly monitor: ElectionMonitor | undefined;

  constructor(scope: Construct, id: string, props: IncumbentStackProps = {}) {
    super(scope, id, { description: "Leader election on a DynamoDB table", ...props });
    const { elections = [], job, alarmEmail } = props;
    const alarmTopic = alarmEmail === undefined ? undefined : this.#alarmTopic(alarmEmail);
    this.table = this.#makeTable(props);
    if (job) {
      const { entry, election, schedule, timeout, stickyFor } = job;
      this.job = new ScheduledLeader(this, "Job", {
        table: this.table,
        ...{ entry, election, schedule },
        ...(timeout && { timeout }),
        ...(stickyFor && { sticky: { for: stickyFor } }),
        ...(alarmTopic && { alarmTopic }),
      });
    }
    if (props.monitor ?? true) {
      this.monitor = new ElectionMonitor(this, "Monitor", {
        table: this.table,
        elections: elections.map((election): WatchedElection => ({ election, maxTermsPerHour: 10 })),
        ...(alarmTopic && { alarmTopic }),
      });
    }
    this.#tellWorkers(elections);
  }

  #makeTable({
    tableName = DEFAULT_TABLE_NAME,
    regions,
    witness,
    leaderChanges = false,
  }: IncumbentStackProps) {
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
      new LeaderChanges(this, "Changes", { table, eventBus });
    }
    return table;
  }

  #alarmTopic(email: string): ITopic {
    // Without a key: alarms could not publish through the one that AWS manages.
    const topic = new Topic(this, "Alarms", { enforceSSL: true });
    // A policy of its own takes the place of the one that lets this account's alarms publish.
    topic.grantPublish(
      new ServicePrincipal("cloudwatch.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  /** To be pasted into a worker's configuration. */
  #tellWorkers(elections: readonly string[]): void {
    const output = (id: string, value: string, description: string) =>
      new CfnOutput(this, id, { value, description });
    output("TableName", this.table.tableName, "INCUMBENT_TABLE of a worker; tableName of an Election");
    output("TableArn", this.table.tableArn, "The lease table, or this Region's replica of it");
    output("Region", this.region, "AWS_REGION of a worker");
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
