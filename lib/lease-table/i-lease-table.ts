import type { IMetric, Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import type { ITableV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { Grant, IGrantable } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";

/**
 * A lease table, or its replica in one Region: one of this app (`new LeaseTable`), or one that exists
 * (`LeaseTable.fromLeaseTableAttributes`). Grants and metrics are for that Region.
 */
export interface ILeaseTable extends IConstruct {
  /** The DynamoDB table. */
  readonly table: ITableV2 | TableV2;
  /** The table's name. */
  readonly tableName: string;
  /** The ARN of the table in its Region. */
  readonly tableArn: string;
  /** The ARN of the stream of changes. Undefined: there is none, or it is not known. */
  readonly streamArn: string | undefined;
  /** Whether DynamoDB removes old rows. Where it does not (multi-Region), an `ElectionMonitor` does. */
  readonly hasTtl: boolean;
  /**
   * Grants what a candidate of these elections needs, and nothing else: `dynamodb:LeadingKeys` limits it to their rows.
   * It may delete only the rows of candidates.
   * @throws InvalidPropError: no election is named, a name cannot work, or the grantee has no policies that this stack
   * can change.
   * @example
   * table.grantCandidate(taskRole, "billing/nightly");
   */
  grantCandidate(grantee: IGrantable, ...elections: string[]): Grant;
  /**
   * Grants what candidates with `tuning.deleteIdleAfterMs` need besides `grantCandidate`: to raise floors, above which the terms
   * of forgotten names go on. Elections share floors. Whoever may write them can also break the fencing of other elections
   * whose rows are forgotten, so grant it only to candidates that have this option.
   * @throws InvalidPropError: the grantee has no policies that this stack can change.
   * @example
   * table.grantIdleDeletion(taskRole);
   */
  grantIdleDeletion(grantee: IGrantable): Grant;
  /**
   * Grants what sessions need besides `grantCandidate` and `grantOperator`: to each candidate of an election that has leases
   * under a `Session`, also to those that only wait, and to its operators. It is to read and write the rows of sessions, and to
   * read the rows of these elections (of all, if none is named) many at a time. A session's row belongs to no election. Whoever
   * may write such rows can also end sessions of other elections, so grant it only where sessions are used.
   * @throws InvalidPropError: a name cannot work, or the grantee has no policies that this stack can change.
   * @example
   * table.grantCandidate(taskRole, "orders/eu", "orders/us");
   * table.grantSessions(taskRole, "orders/eu", "orders/us");
   */
  grantSessions(grantee: IGrantable, ...elections: string[]): Grant;
  /**
   * Grants what an observer needs: of these elections, or of all elections of the table when none is named.
   * @throws InvalidPropError: a name cannot work, or the grantee has no policies that this stack can change.
   * @example
   * table.grantObserver(taskRole);
   */
  grantObserver(grantee: IGrantable, ...elections: string[]): Grant;
  /**
   * Grants what an `Operator` needs: of these elections, or of all elections of the table when none is named.
   * @throws InvalidPropError: a name cannot work, or the grantee has no policies that this stack can change.
   * @example
   * table.grantOperator(onCallRole, "billing/nightly");
   */
  grantOperator(grantee: IGrantable, ...elections: string[]): Grant;
  /**
   * Grants these actions, on the lease and the history of these elections, or on the whole table when none is named.
   * @param actions `dynamodb:Scan` and `dynamodb:DescribeTable` name no row, so no condition can limit them: grant such actions
   * for the whole table only.
   * @throws InvalidPropError: a name cannot work, an action that names no row is granted for single elections, or the grantee has
   * no policies that this stack can change.
   * @example
   * table.grant(role, ["dynamodb:GetItem"], ["billing/nightly"]);
   */
  grant(grantee: IGrantable, actions: readonly string[], elections?: readonly string[]): Grant;
  /**
   * Grants the use of the table's encryption key through DynamoDB, if the table has its own key. The other grants include
   * it.
   * @param access `"read"` is enough for a role that only reads the table or its stream. @default "write"
   * @throws InvalidPropError: the grantee has no policies that this stack can change.
   * @example
   * table.grantKey(role, "read");
   */
  grantKey(grantee: IGrantable, access?: "read" | "write"): void;
  /**
   * The writes that a condition refused: one for each bid that came too late. Most are no fault.
   * @throws nothing.
   * @example
   * const refused = table.metricConditionalCheckFailed({ period: Duration.minutes(5) });
   */
  metricConditionalCheckFailed(options?: MetricOptions): Metric;
  /**
   * The requests that DynamoDB throttled. When it throttles renewals, leases are lost.
   * @throws nothing.
   * @example
   * const throttled = table.metricThrottledRequests();
   */
  metricThrottledRequests(options?: MetricOptions): IMetric;
  /**
   * The requests that failed in DynamoDB.
   * @throws nothing.
   * @example
   * const failed = table.metricSystemErrors();
   */
  metricSystemErrors(options?: MetricOptions): IMetric;
  /**
   * The transactions that met another write of the same item.
   * @throws nothing.
   * @example
   * const conflicts = table.metricTransactionConflicts();
   */
  metricTransactionConflicts(options?: MetricOptions): Metric;
  /**
   * The latency of renewals and bids, in milliseconds.
   * @throws nothing.
   * @example
   * const latency = table.metricWriteLatency({ statistic: "p99" });
   */
  metricWriteLatency(options?: MetricOptions): Metric;
  /**
   * The write units that were consumed.
   * @throws nothing.
   * @example
   * const writes = table.metricConsumedWrites();
   */
  metricConsumedWrites(options?: MetricOptions): Metric;
  /**
   * The read units that were consumed.
   * @throws nothing.
   * @example
   * const reads = table.metricConsumedReads();
   */
  metricConsumedReads(options?: MetricOptions): Metric;
}
