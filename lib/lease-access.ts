import { Stack } from "aws-cdk-lib";
import type { IMetric, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { type ITableV2, Operation, type TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { candidatesPartition } from "../src/store/schema.js";
import { checkElection, refuse } from "./invalid-prop.js";

/** What a role sends: on the lease and the history of an election, and in the partition of its candidates. */
export interface RoleActions {
  readonly election: readonly string[];
  readonly candidates: readonly string[];
}

/**
 * A candidate deletes its own row, and a leader those of the dead; never a lease or a term. No role scans. A test holds
 * this against the client's requests.
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

/** What DynamoDB does with a customer's key on behalf of who reads and writes a table. */
const KEY_ACTIONS = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

const OPERATIONS = [
  Operation.GET_ITEM,
  Operation.UPDATE_ITEM,
  Operation.QUERY,
  Operation.TRANSACT_WRITE_ITEMS,
];

/** A lease table seen from one Region: its own, or another that holds a replica. Grants are for that Region's replica. */
export abstract class LeaseAccess extends Construct {
  abstract readonly table: ITableV2 | TableV2;
  /** Whether DynamoDB removes old rows. Where it cannot (multi-Region), an `ElectionMonitor` does. */
  abstract readonly hasTtl: boolean;

  get tableName(): string {
    return this.table.tableName;
  }

  get tableArn(): string {
    return this.table.tableArn;
  }

  /**
   * What a candidate of these elections needs, and nothing else: `dynamodb:LeadingKeys` confines it to their rows. It may
   * delete in the partition of their candidates only.
   * Throws `InvalidPropError` when no election is named.
   */
  grantCandidate(grantee: IGrantable, ...elections: string[]): Grant {
    if (elections.length === 0) {
      refuse(
        this,
        "elections",
        "must name each election that it may stand for",
        undefined,
        "billing/nightly",
      );
    }
    return this.#grantRole(grantee, CANDIDATE_ACTIONS, elections);
  }

  /** To see who leads: these elections, or all of the table when none is named. */
  grantObserver(grantee: IGrantable, ...elections: string[]): Grant {
    return this.#grantRole(grantee, OBSERVER_ACTIONS, elections);
  }

  /** To request step-downs, evict and pause: these elections, or all of the table when none is named. */
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
   * These actions, on lease and history of these elections, or on all of the table when none is named. Scan names no row, so the
   * condition would not confine it: grant it for the whole table or not at all. Throws `InvalidPropError` for it.
   */
  grant(grantee: IGrantable, actions: readonly string[], elections: readonly string[] = []): Grant {
    for (const election of elections) checkElection(this, election, "elections");
    if (elections.length > 0 && actions.includes("dynamodb:Scan")) {
      const suggestion = OBSERVER_ACTIONS.election;
      refuse(this, "actions", "must not have Scan where elections are named", actions, suggestion);
    }
    this.grantKey(grantee);
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

  /** The use of the table's key through DynamoDB, where it has one of its own. The other grants include it. */
  grantKey(grantee: IGrantable): void {
    const key = this.table.encryptionKey;
    if (!key) return;
    const { region, urlSuffix } = Stack.of(this);
    Grant.addToPrincipal({
      grantee,
      actions: KEY_ACTIONS,
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `dynamodb.${region}.${urlSuffix}` } },
    });
  }

  /** Writes that were refused by a condition: one for each bid that came too late. Most are no fault. */
  metricConditionalCheckFailed(options?: MetricOptions): Metric {
    return this.table.metricConditionalCheckFailedRequests(options);
  }

  /** Requests of candidates that DynamoDB put off. Leases are lost when renewals are. */
  metricThrottledRequests(options?: MetricOptions): IMetric {
    return this.table.metricThrottledRequestsForOperations({ ...options, operations: OPERATIONS });
  }

  metricSystemErrors(options?: MetricOptions): IMetric {
    return this.table.metricSystemErrorsForOperations({ ...options, operations: OPERATIONS });
  }

  /** Transactions that met another write of the same row. */
  metricTransactionConflicts(options?: MetricOptions): Metric {
    return this.table.metric("TransactionConflict", { statistic: "Sum", ...options });
  }

  /** Of renewals and bids, in milliseconds. */
  metricWriteLatency(options?: MetricOptions): Metric {
    return this.table.metricSuccessfulRequestLatency({
      ...options,
      dimensionsMap: { TableName: this.tableName, Operation: Operation.UPDATE_ITEM },
    });
  }

  metricConsumedWrites(options?: MetricOptions): Metric {
    return this.table.metricConsumedWriteCapacityUnits(options);
  }

  metricConsumedReads(options?: MetricOptions): Metric {
    return this.table.metricConsumedReadCapacityUnits(options);
  }
}

function confinedTo(partitions: readonly string[]) {
  return { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [...partitions] } };
}
