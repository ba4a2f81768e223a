import { RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import {
  AttributeType,
  type CfnGlobalTable,
  type ITableV2,
  MultiRegionConsistency,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../src/store/schema.js";
import { refuse } from "./invalid-prop.js";
import { LeaseAccess } from "./lease-access.js";
import { objectionTo } from "./regions.js";

export interface LeaseTableProps {
  /** @default a name that CloudFormation makes up */
  readonly tableName?: string;
  /**
   * Three Regions of one Region set, the stack's own among them, or two and a `witness`: a multi-Region table with
   * strong consistency. No transactions on it (so `guard` instead of `transact`) and no clean-up by DynamoDB.
   * @default a table in the stack's Region
   */
  readonly regions?: readonly string[];
  /** A third Region that votes and holds no replica. */
  readonly witness?: string;
  /** `TableEncryptionV2.customerManagedKey(key)` for a key of your own, in a stack with an env. @default a key that DynamoDB owns */
  readonly encryption?: TableEncryptionV2;
  /** Keeps a stream of changes, for `LeaderChanges`. @default false; on where there are several Regions */
  readonly stream?: boolean;
  /** Refuses deletion by anyone. @default true */
  readonly deletionProtection?: boolean;
  /** What happens when it leaves the stack: a table that is deleted takes the order of terms along. @default RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The table that elections are held on: any number of them. On demand, encrypted, with point-in-time recovery, kept when
 * the stack goes. Throws `InvalidPropError` for Regions on which leases would not be safe.
 */
export class LeaseTable extends LeaseAccess {
  readonly table: TableV2;
  readonly hasTtl: boolean;
  /** The stream of changes; undefined without one. */
  readonly streamArn: string | undefined;

  constructor(scope: Construct, id: string, props: LeaseTableProps = {}) {
    super(scope, id);
    const { tableName, regions, witness, stream = false, deletionProtection = true } = props;
    const ownRegion = Stack.of(this).region;
    checkRegions(this, ownRegion, regions, witness);
    this.hasTtl = regions === undefined;
    this.table = new TableV2(this, "Table", {
      ...(tableName !== undefined && { tableName }),
      partitionKey: { name: PARTITION_KEY, type: AttributeType.STRING },
      sortKey: { name: SORT_KEY, type: AttributeType.STRING },
      encryption: props.encryption ?? TableEncryptionV2.dynamoOwnedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      ...(stream && { dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES }),
      ...(regions === undefined
        ? { timeToLiveAttribute: TTL_ATTRIBUTE }
        : {
            multiRegionConsistency: MultiRegionConsistency.STRONG,
            replicas: regions.filter((region) => region !== ownRegion).map((region) => ({ region })),
            ...(witness !== undefined && { witnessRegion: witness }),
          }),
    });
    this.streamArn = stream || regions ? this.table.tableStreamArn : undefined;
    this.node.addValidation({ validate: () => this.#unsafe() });
  }

  /**
   * A lease table made elsewhere: by another stack, or the replica of this stack's Region. `multiRegion` says that
   * it is in several Regions, so that DynamoDB does not clean up.
   * @default multiRegion false
   */
  static fromTableName(
    scope: Construct,
    id: string,
    tableName: string,
    { multiRegion = false }: { readonly multiRegion?: boolean } = {},
  ): LeaseAccess {
    return new ExistingLeaseTable(scope, id, tableName, !multiRegion);
  }

  /** What escape hatches may have done to the table since. */
  #unsafe(): string[] {
    const cfn = this.table.node.defaultChild as CfnGlobalTable;
    const replicas: unknown[] = Stack.of(this).resolve(cfn.replicas) ?? [];
    if (replicas.length > 1 && cfn.multiRegionConsistency !== MultiRegionConsistency.STRONG) {
      return [
        "This lease table has replicas with eventual consistency: each Region would decide conditions by itself, and " +
          "two leaders could be elected at once. Name all Regions in the prop `regions` of LeaseTable instead.",
      ];
    }
    return [];
  }
}

class ExistingLeaseTable extends LeaseAccess {
  readonly table: ITableV2;

  constructor(
    scope: Construct,
    id: string,
    tableName: string,
    readonly hasTtl: boolean,
  ) {
    super(scope, id);
    this.table = TableV2.fromTableName(this, "Table", tableName);
  }
}

function checkRegions(
  scope: Construct,
  ownRegion: string,
  regions: readonly string[] | undefined,
  witness: string | undefined,
): void {
  if (regions === undefined) {
    if (witness === undefined) return;
    refuse(scope, "witness", "needs regions: the two that hold the table", witness, undefined);
  }
  if (Token.isUnresolved(ownRegion)) {
    const rule = "must be known when there are several Regions: give the stack an env";
    refuse(scope, "env.region", rule, undefined, { region: "eu-west-1" });
  }
  const objection = objectionTo({ regions, witness }, ownRegion);
  if (objection) refuse(scope, objection.prop, objection.rule, objection.received, objection.suggestion);
}
