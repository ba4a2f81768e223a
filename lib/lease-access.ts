import { Stack } from "aws-cdk-lib";
import type { IMetric, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { type ITableV2, Operation, type TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { candidatesPartition } from "../src/store/schema.js";
import { checkElection, refuse } from "./invalid-prop.js";

/** The requests of a role: to the lease and the history of an election, and to the partition of its candidates. */
export interface RoleActions {
  readonly election: readonly string[];
  readonly candidates: readonly string[];
}

/**
 * A candidate deletes its own row, and a leader deletes the rows of dead candidates. Nobody deletes a lease or a term,
 * and no role scans. A test compares this with the client's requests.
 */
export const CANDIDATE_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"],
  candidates: ["dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"],
};
export const OBSERVER_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:Query"],
  candidates: ["dynamodb:Query"],
};
export const OPERATOR_ACTIONS: RoleActions = {
  election: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
  candidates: ["dynamodb:Query"],
};

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

const READS = /^dynamodb:(Batch)?(Get|Query|Scan|ConditionCheck|Describe|List)/;

const OPERATIONS = [
  Operation.GET_ITEM,
  Operation.UPDATE_ITEM,
  Operation.QUERY,
  Operation.TRANSACT_WRITE_ITEMS,
];

/** The lease table, or its replica, in one Region. Grants are for that Region. */
export abstract class LeaseAccess extends Construct {
  /** The DynamoDB table. */
  abstract readonly table: ITableV2 | TableV2;
  /** Whether DynamoDB removes old rows. Where it does not (multi-Region), an `ElectionMonitor` does. */
  abstract readonly hasTtl: boolean;

  /** The table's name. */
  get tableName(): string {
    return this.table.tableName;
  }

  /** The ARN of the table in this Region. */
  get tableArn(): string {
    return this.table.tableArn;
  }

  /**
   * Grants what a candidate of these elections needs, and nothing else: `dynamodb:LeadingKeys` limits it to their rows.
   * It may delete only the rows of candidates.
   * @throws InvalidPropError: no election is named, or a name cannot work.
   * @example
   * table.grantCandidate(taskRole, "billing/nightly");
   */
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
    return this.#grantRole(grantee, CANDIDATE_ACTIONS, elections);
  }

  /**
   * Grants what an observer needs: of these elections, or of all elections of the table when none is named.
   * @throws InvalidPropError: a name cannot work.
   * @example
   * table.grantObserver(taskRole);
   */
  grantObserver(grantee: IGrantable, ...elections: string[]): Grant {
    return this.#grantRole(grantee, OBSERVER_ACTIONS, elections);
  }

  /**
   * Grants what an `Operator` needs: of these elections, or of all elections of the table when none is named.
   * @throws InvalidPropError: a name cannot work.
   * @example
   * table.grantOperator(onCallRole, "billing/nightly");
   */
  grantOperator(grantee: IGrantable, ...elections: string[]): Grant {
    return this.#grantRole(grantee, OPERATOR_ACTIONS, elections);
  }

  #grantRole(
    grantee: IGrantable,
    { election, candidates }: RoleActions,
    elections: readonly string[],
  ): Grant {
    const granted = this.grant(grantee, election, elections);
    // Without elections the whole table was granted already.
    if (elections.length === 0) return granted;
    return granted.combine(this.#grantOn(grantee, candidates, elections.map(candidatesPartition)));
  }

  /**
   * Grants these actions, on the lease and the history of these elections, or on the whole table when none is named.
   * @param actions `dynamodb:Scan` names no row, so no condition can limit it: grant it for the whole table only.
   * @throws InvalidPropError: a name cannot work, or `dynamodb:Scan` is granted for single elections.
   * @example
   * table.grant(role, ["dynamodb:GetItem"], ["billing/nightly"]);
   */
  grant(grantee: IGrantable, actions: readonly string[], elections: readonly string[] = []): Grant {
    for (const election of elections) checkElection(this, election, "elections");
    if (elections.length > 0 && actions.includes("dynamodb:Scan")) {
      const suggestion = OBSERVER_ACTIONS.election;
      refuse(this, "actions", "must not have Scan where elections are named", actions, suggestion);
    }
    this.grantKey(grantee, actions.every((action) => READS.test(action)) ? "read" : "write");
    return this.#grantOn(grantee, actions, elections);
  }

  #grantOn(grantee: IGrantable, actions: readonly string[], partitions: readonly string[]): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: [...actions],
      resourceArns: [this.tableArn],
      ...(partitions.length > 0 && { conditions: confinedTo(partitions) }),
    });
  }

  /**
   * Grants the use of the table's encryption key through DynamoDB, if the table has its own key. The other grants include
   * it.
   * @param access `"read"` is enough for a role that only reads the table or its stream. @default "write"
   * @throws nothing.
   * @example
   * table.grantKey(role, "read");
   */
  grantKey(grantee: IGrantable, access: "read" | "write" = "write"): void {
    const key = this.table.encryptionKey;
    if (!key) return;
    const { region, urlSuffix } = Stack.of(this);
    Grant.addToPrincipal({
      grantee,
      actions: access === "read" ? READ_KEY_ACTIONS : WRITE_KEY_ACTIONS,
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `dynamodb.${region}.${urlSuffix}` } },
    });
  }

  /**
   * The writes that a condition refused: one for each bid that came too late. Most are no fault.
   * @throws nothing.
   * @example
   * const refused = table.metricConditionalCheckFailed({ period: Duration.minutes(5) });
   */
  metricConditionalCheckFailed(options?: MetricOptions): Metric {
    return this.table.metricConditionalCheckFailedRequests(options);
  }

  /**
   * The requests that DynamoDB throttled. When it throttles renewals, leases are lost.
   * @throws nothing.
   * @example
   * const throttled = table.metricThrottledRequests();
   */
  metricThrottledRequests(options?: MetricOptions): IMetric {
    return this.table.metricThrottledRequestsForOperations({ ...options, operations: OPERATIONS });
  }

  /**
   * The requests that failed in DynamoDB.
   * @throws nothing.
   * @example
   * const failed = table.metricSystemErrors();
   */
  metricSystemErrors(options?: MetricOptions): IMetric {
    return this.table.metricSystemErrorsForOperations({ ...options, operations: OPERATIONS });
  }

  /**
   * The transactions that met another write of the same item.
   * @throws nothing.
   * @example
   * const conflicts = table.metricTransactionConflicts();
   */
  metricTransactionConflicts(options?: MetricOptions): Metric {
    return this.table.metric("TransactionConflict", { statistic: "Sum", ...options });
  }

  /**
   * The latency of renewals and bids, in milliseconds.
   * @throws nothing.
   * @example
   * const latency = table.metricWriteLatency({ statistic: "p99" });
   */
  metricWriteLatency(options?: MetricOptions): Metric {
    return this.table.metricSuccessfulRequestLatency({
      ...options,
      dimensionsMap: { TableName: this.tableName, Operation: Operation.UPDATE_ITEM },
    });
  }

  /**
   * The write units that were consumed.
   * @throws nothing.
   * @example
   * const writes = table.metricConsumedWrites();
   */
  metricConsumedWrites(options?: MetricOptions): Metric {
    return this.table.metricConsumedWriteCapacityUnits(options);
  }

  /**
   * The read units that were consumed.
   * @throws nothing.
   * @example
   * const reads = table.metricConsumedReads();
   */
  metricConsumedReads(options?: MetricOptions): Metric {
    return this.table.metricConsumedReadCapacityUnits(options);
  }
}

/** `ForAllValues` is also true for a request that names no partition key, such as a scan. `Null` refuses it. */
function confinedTo(partitions: readonly string[]) {
  return {
    "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [...partitions] },
    Null: { "dynamodb:LeadingKeys": "false" },
  };
}
