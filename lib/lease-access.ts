import { Stack } from "aws-cdk-lib";
import type { IMetric, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { type ITableV2, Operation, type TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { checkElection, refuse } from "./invalid-prop.js";

/** What a candidate sends: no Scan, and no delete. A test holds it against the client's requests. */
export const CANDIDATE_ACTIONS = [
  "dynamodb:GetItem",
  "dynamodb:UpdateItem",
  "dynamodb:Query",
  "dynamodb:ConditionCheckItem",
];
export const OBSERVER_ACTIONS = ["dynamodb:GetItem", "dynamodb:Query"];
export const OPERATOR_ACTIONS = [...OBSERVER_ACTIONS, "dynamodb:UpdateItem"];

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
   * What a candidate of these elections needs, and nothing else: `dynamodb:LeadingKeys` confines it to their rows.
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
    return this.grant(grantee, CANDIDATE_ACTIONS, elections);
  }

  /** To see who leads: these elections, or all of the table when none is named. */
  grantObserver(grantee: IGrantable, ...elections: string[]): Grant {
    return this.grant(grantee, OBSERVER_ACTIONS, elections);
  }

  /** To request step-downs, evict and pause: these elections, or all of the table when none is named. */
  grantOperator(grantee: IGrantable, ...elections: string[]): Grant {
    return this.grant(grantee, OPERATOR_ACTIONS, elections);
  }

  /**
   * These actions, on the rows of these elections, or on all of the table when none is named. Scan names no row, so the
   * condition would not confine it: grant it for the whole table or not at all. Throws `InvalidPropError` for it.
   */
  grant(grantee: IGrantable, actions: readonly string[], elections: readonly string[] = []): Grant {
    for (const election of elections) checkElection(this, election, "elections");
    if (elections.length > 0 && actions.includes("dynamodb:Scan")) {
      refuse(this, "actions", "must not have Scan where elections are named", actions, OBSERVER_ACTIONS);
    }
    this.grantKey(grantee);
    return Grant.addToPrincipal({
      grantee,
      actions: [...actions],
      resourceArns: [this.tableArn],
      ...(elections.length > 0 && { conditions: confinedTo(elections) }),
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

/** An election's name is its partition key. */
function confinedTo(elections: readonly string[]) {
  return { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [...elections] } };
}
