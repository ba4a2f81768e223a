import { RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import {
  AttributeType,
  type CfnGlobalTable,
  MultiRegionConsistency,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from "../../src/store/schema.js";
import { refuse } from "../invalid-prop.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import {
  checkKey,
  checkTableName,
  ExistingLeaseTable,
  type LeaseTableAttributes,
} from "./existing-lease-table.js";
import type { ILeaseTable } from "./i-lease-table.js";
import { LeaseAccess } from "./lease-access.js";
import { objectionTo } from "./regions.js";

/** The props of a `LeaseTable`. */
export interface LeaseTableProps {
  /**
   * The table's name. With a fixed name a later stack can take the table over (`cdk deploy --import-existing-resources`).
   * @default a name that CloudFormation generates
   */
  readonly tableName?: string;
  /**
   * Three Regions of one Region set, with the stack's own among them, or two and a `witness`. They make a multi-Region
   * table with strong consistency. It takes no transactions (use `guard` instead of `transact`), and DynamoDB does not
   * delete old rows there.
   * @default a table in the stack's Region
   */
  readonly regions?: readonly string[];
  /** A third Region that votes and holds no replica. @default none */
  readonly witness?: string;
  /**
   * `TableEncryptionV2.customerManagedKey(key)` for your own key, in a stack with an env. With several Regions also the keys
   * of the other replicas: `customerManagedKey(key, { "eu-west-2": keyArn })`.
   * @default a key that DynamoDB owns
   */
  readonly encryption?: TableEncryptionV2;
  /** Whether to keep a stream of changes, for `LeaderChanges`. @default false; true with several Regions */
  readonly stream?: boolean;
  /** Whether nobody can delete the table. @default true */
  readonly deletionProtection?: boolean;
  /** What happens when the table leaves the stack. After a deletion terms begin again. @default RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

const PROPS: NamesOf<LeaseTableProps> = {
  tableName: true,
  regions: true,
  witness: true,
  encryption: true,
  stream: true,
  deletionProtection: true,
  removalPolicy: true,
};

/**
 * The lease table, for any number of elections. It is on demand, encrypted and has point-in-time recovery. It stays when
 * the stack is deleted.
 */
export class LeaseTable extends LeaseAccess {
  readonly table: TableV2;
  readonly hasTtl: boolean;
  readonly streamArn: string | undefined;

  /**
   * @throws InvalidPropError: leases would not be safe on a table in these Regions.
   * @example
   * const table = new LeaseTable(this, "Leases", { tableName: "incumbent" });
   */
  constructor(scope: Construct, id: string, props: LeaseTableProps = {}) {
    super(scope, id);
    checkPropNames(this, props, PROPS);
    checkTableName(this, props.tableName);
    const { tableName, regions, witness, stream = false, deletionProtection = true } = props;
    const ownRegion = Stack.of(this).region;
    checkRegions(this, ownRegion, regions, witness);
    if (props.encryption?.tableKey) checkKey(this, "encryption", props.encryption.tableKey);
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
   * Refers to a lease table that exists already, or to its replica in one Region. Every construct takes it as its `table`.
   * Nothing of the table is changed.
   * @throws InvalidPropError: an attribute cannot work.
   * @example
   * const encryptionKey = Key.fromKeyArn(this, "Key", "arn:aws:kms:eu-west-2:123456789012:key/0c1fd5b4");
   * const table = LeaseTable.fromLeaseTableAttributes(this, "Leases", {
   *   tableName: "incumbent",
   *   multiRegion: true,
   *   encryptionKey,
   * });
   */
  static fromLeaseTableAttributes(
    scope: Construct,
    id: string,
    attributes: LeaseTableAttributes,
  ): ILeaseTable {
    return new ExistingLeaseTable(scope, id, attributes);
  }

  /**
   * Refers to a lease table in this stack's Region that is not encrypted with a key of your own.
   * @param options `multiRegion`: it is in several Regions, so DynamoDB does not delete old rows. @default false
   * @throws InvalidPropError: the name cannot work.
   * @example
   * const table = LeaseTable.fromTableName(this, "Leases", "incumbent");
   */
  static fromTableName(
    scope: Construct,
    id: string,
    tableName: string,
    { multiRegion = false }: { readonly multiRegion?: boolean } = {},
  ): ILeaseTable {
    return new ExistingLeaseTable(scope, id, { tableName, multiRegion });
  }

  /** Escape hatches can change the table after it was made. */
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
