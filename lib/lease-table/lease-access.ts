import { Stack } from "aws-cdk-lib";
import type { IMetric, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { type ITableV2, Operation, type TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { Grant, IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { SESSION_PARTITION_PREFIX } from "../../src/limits.js";
import { candidatesPartition, FLOOR_PARTITION_PREFIX } from "../../src/store/schema.js";
import { checkElection, refuse } from "../invalid-prop.js";
import { addToGrantee, checkTablePolicy } from "./grantee.js";
import type { ILeaseTable } from "./i-lease-table.js";

/**
 * The requests of a role: to the lease and the history of an election, to the partition of its candidates, and to the floors,
 * which are numbers that many elections share, and to the rows of sessions, under which leases of any election can be held.
 */
export interface RoleActions {
  readonly election: readonly string[];
  readonly candidates: readonly string[];
  readonly floors: readonly string[];
  readonly sessions: readonly string[];
}

/**
 * A candidate deletes its own row, and a leader deletes the rows of dead candidates. Nobody deletes a lease or a term,
 * and no role scans. A test compares this with the client's requests.
 */
export const CANDIDATE_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"],
  candidates: ["dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"],
  floors: ["dynamodb:GetItem", "dynamodb:ConditionCheckItem"],
  // Only with `grantSessions`, where sessions are used.
  sessions: [],
};
/** A table in several Regions takes no transactions. */
const WITHOUT_TRANSACTIONS: RoleActions = {
  ...CANDIDATE_ACTIONS,
  election: withoutChecks(CANDIDATE_ACTIONS.election),
  floors: withoutChecks(CANDIDATE_ACTIONS.floors),
};
function withoutChecks(actions: readonly string[]): string[] {
  return actions.filter((action) => action !== "dynamodb:ConditionCheckItem");
}
export const OBSERVER_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:Query"],
  candidates: ["dynamodb:Query"],
  floors: [],
  sessions: ["dynamodb:GetItem"],
};
export const OPERATOR_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
  candidates: ["dynamodb:Query"],
  floors: [],
  sessions: ["dynamodb:GetItem"],
};
/** A candidate whose row may be forgotten raises the floor. Whoever can write a floor can also lower it, for other elections too. */
const IDLE_DELETION_ACTIONS = ["dynamodb:UpdateItem"];
/** Whoever holds leases under a session looks at many of their rows in one request. */
const SESSION_LOOK_ACTIONS = ["dynamodb:BatchGetItem"];
/**
 * On the rows of sessions: their holders renew them, and whoever waits for a lease under one ends it when it is dead. Their ids
 * are random, so no election can be told from them: whoever may write one can also end a living session of other elections.
 */
const SESSION_ROW_ACTIONS = ["dynamodb:GetItem", "dynamodb:UpdateItem"];

/** The Region and the account of a table that is not where its stack is. */
export interface TablePlace {
  readonly region?: string;
  readonly account?: string;
}

/** What DynamoDB does with a customer's key for a role that only reads a table or its stream. */
const READ_KEY_ACTIONS = ["kms:Decrypt", "kms:DescribeKey"];
/** What it does for a role that also writes. */
const WRITE_KEY_ACTIONS = [
  ...READ_KEY_ACTIONS,
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

/** Only their requests have a partition key, so that a condition can confine them. IAM refuses all others under it. */
const ON_ROWS =
  /^dynamodb:((Batch)?GetItem|BatchWriteItem|(Put|Update|Delete|ConditionCheck)Item|Query|PartiQL\w+|.*\*.*)$/i;

const READS = /^dynamodb:(Batch)?(Get|Query|Scan|ConditionCheck|Describe|List)/;

/** The shard of an election is a hash of its name, which a template cannot compute. */
const ALL_FLOORS = `${FLOOR_PARTITION_PREFIX}*`;
/** No policy can know the ids of sessions. */
const ALL_SESSIONS = `${SESSION_PARTITION_PREFIX}*`;

const OPERATIONS = [
  Operation.GET_ITEM,
  Operation.BATCH_GET_ITEM,
  Operation.UPDATE_ITEM,
  Operation.QUERY,
  Operation.TRANSACT_WRITE_ITEMS,
];

/** Grants and metrics of a table, of this app or not. */
export abstract class LeaseAccess extends Construct implements ILeaseTable {
  abstract readonly table: ITableV2 | TableV2;
  abstract readonly hasTtl: boolean;
  abstract readonly streamArn: string | undefined;
  /** Where the metrics are, if not where the stack is. */
  protected readonly place: TablePlace = {};

  /** The table's name. */
  get tableName(): string {
    return this.table.tableName;
  }

  /** The ARN of the table in its Region. */
  get tableArn(): string {
    return this.table.tableArn;
  }

  grantCandidate(grantee: IGrantable, ...elections: string[]): Grant {
    if (elections.length === 0) {
      refuse(
        this,
        "elections",
        "must name each election that it may be a candidate of",
        undefined,
        "billing/nightly",
      );
    }
    return this.#grantRole(grantee, this.hasTtl ? CANDIDATE_ACTIONS : WITHOUT_TRANSACTIONS, elections);
  }

  grantObserver(grantee: IGrantable, ...elections: string[]): Grant {
    return this.#grantRole(grantee, OBSERVER_ACTIONS, elections);
  }

  grantOperator(grantee: IGrantable, ...elections: string[]): Grant {
    return this.#grantRole(grantee, OPERATOR_ACTIONS, elections);
  }

  #grantRole(
    grantee: IGrantable,
    { election, candidates, floors, sessions }: RoleActions,
    elections: readonly string[],
  ): Grant {
    const granted = this.grant(grantee, election, elections);
    // Without elections the whole table was granted already.
    if (elections.length === 0) return granted;
    const others: [readonly string[], string[]][] = [
      [candidates, elections.map(candidatesPartition)],
      [floors, [ALL_FLOORS]],
      [sessions, [ALL_SESSIONS]],
    ];
    return others
      .filter(([actions]) => actions.length > 0)
      .reduce(
        (all, [actions, partitions]) => all.combine(this.#grantOn(grantee, actions, partitions)),
        granted,
      );
  }

  grantIdleDeletion(grantee: IGrantable): Grant {
    this.grantKey(grantee);
    const granted = this.#grantOn(grantee, IDLE_DELETION_ACTIONS, [ALL_FLOORS]);
    checkTablePolicy(this, grantee, this.table);
    return granted;
  }

  grantSessions(grantee: IGrantable, ...elections: string[]): Grant {
    const look = this.grant(grantee, SESSION_LOOK_ACTIONS, elections);
    this.grantKey(grantee);
    return look.combine(this.#grantOn(grantee, SESSION_ROW_ACTIONS, [ALL_SESSIONS]));
  }

  grant(grantee: IGrantable, actions: readonly string[], elections: readonly string[] = []): Grant {
    for (const election of elections) checkElection(this, election, "elections");
    const [unconfined] = elections.length > 0 ? actions.filter((action) => !ON_ROWS.test(action)) : [];
    if (unconfined !== undefined) {
      const what =
        unconfined === "dynamodb:Scan" ? "Scan" : "actions that name no row, such as DescribeTable,";
      const suggestion = OBSERVER_ACTIONS.election;
      refuse(this, "actions", `must not have ${what} where elections are named`, actions, suggestion);
    }
    this.grantKey(grantee, actions.every((action) => READS.test(action)) ? "read" : "write");
    const granted = this.#grantOn(grantee, actions, elections);
    checkTablePolicy(this, grantee, this.table);
    return granted;
  }

  #grantOn(grantee: IGrantable, actions: readonly string[], partitions: readonly string[]): Grant {
    return addToGrantee(this, {
      grantee,
      actions: [...actions],
      resourceArns: [this.tableArn],
      ...(partitions.length > 0 && { conditions: confinedTo(partitions) }),
    });
  }

  grantKey(grantee: IGrantable, access: "read" | "write" = "write"): void {
    const key = this.table.encryptionKey;
    if (!key) return;
    const { region } = this.table.env;
    const { urlSuffix } = Stack.of(this);
    addToGrantee(this, {
      grantee,
      actions: access === "read" ? READ_KEY_ACTIONS : WRITE_KEY_ACTIONS,
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `dynamodb.${region}.${urlSuffix}` } },
    });
  }

  metricConditionalCheckFailed(options?: MetricOptions): Metric {
    return this.table.metricConditionalCheckFailedRequests({ ...this.place, ...options });
  }

  metricThrottledRequests(options?: MetricOptions): IMetric {
    return this.table.metricThrottledRequestsForOperations({
      ...this.place,
      ...options,
      operations: OPERATIONS,
    });
  }

  metricSystemErrors(options?: MetricOptions): IMetric {
    return this.table.metricSystemErrorsForOperations({ ...this.place, ...options, operations: OPERATIONS });
  }

  metricTransactionConflicts(options?: MetricOptions): Metric {
    return this.table.metric("TransactionConflict", { statistic: "Sum", ...this.place, ...options });
  }

  metricWriteLatency(options?: MetricOptions): Metric {
    return this.table.metricSuccessfulRequestLatency({
      ...this.place,
      ...options,
      dimensionsMap: { TableName: this.tableName, Operation: Operation.UPDATE_ITEM },
    });
  }

  metricConsumedWrites(options?: MetricOptions): Metric {
    return this.table.metricConsumedWriteCapacityUnits({ ...this.place, ...options });
  }

  metricConsumedReads(options?: MetricOptions): Metric {
    return this.table.metricConsumedReadCapacityUnits({ ...this.place, ...options });
  }
}

/** `ForAllValues` is also true for a request that names no partition key, such as a scan. `Null` refuses it. */
function confinedTo(partitions: readonly string[]) {
  const comparison = partitions.some((partition) => partition.includes("*")) ? "StringLike" : "StringEquals";
  return {
    [`ForAllValues:${comparison}`]: { "dynamodb:LeadingKeys": [...partitions] },
    Null: { "dynamodb:LeadingKeys": "false" },
  };
}
