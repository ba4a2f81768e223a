import { Stack, Token } from "aws-cdk-lib";
import { type ITableV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import { checkGiven, refuse } from "../invalid-prop.js";
import { differenceOf, type Place } from "../place.js";
import { checkPropNames, type NamesOf } from "../prop-names.js";
import { LeaseAccess, type TablePlace } from "./lease-access.js";

/** A lease table that exists already, or its replica in one Region. */
export interface LeaseTableAttributes {
  /** The table's name. A replica has the name of its table. */
  readonly tableName: string;
  /** The Region of the table, or of the replica. @default the stack's Region */
  readonly region?: string;
  /** The account of the table. @default the stack's account */
  readonly account?: string;
  /**
   * The key that the table, or the replica, is encrypted with. The grants include its use through DynamoDB.
   * @default none: a key that DynamoDB or AWS owns
   */
  readonly encryptionKey?: IKey;
  /** The ARN of the stream of changes with new and old images, for `LeaderChanges`. @default none */
  readonly streamArn?: string;
  /**
   * Whether the table is in several Regions. Then it takes no transactions, and DynamoDB does not delete old rows.
   * @default false
   */
  readonly multiRegion?: boolean;
}

/** What `LeaseTable.fromLeaseTableAttributes` makes. */
export class ExistingLeaseTable extends LeaseAccess {
  readonly table: ITableV2;
  readonly hasTtl: boolean;
  readonly streamArn: string | undefined;
  protected override readonly place: TablePlace;

  constructor(scope: Construct, id: string, attributes: LeaseTableAttributes) {
    super(scope, id);
    checkAttributes(this, attributes);
    const { tableName, region, account, encryptionKey, streamArn, multiRegion = false } = attributes;
    this.hasTtl = !multiRegion;
    this.streamArn = streamArn;
    this.place = { ...(region !== undefined && { region }), ...(account !== undefined && { account }) };
    this.table = TableV2.fromTableAttributes(this, "Table", {
      tableArn: Stack.of(this).formatArn({
        service: "dynamodb",
        resource: "table",
        resourceName: tableName,
        ...this.place,
      }),
      ...(encryptionKey && { encryptionKey }),
      ...(streamArn !== undefined && { tableStreamArn: streamArn }),
    });
  }
}

const ATTRIBUTES: NamesOf<LeaseTableAttributes> = {
  tableName: true,
  region: true,
  account: true,
  encryptionKey: true,
  streamArn: true,
  multiRegion: true,
};
const STREAM_EXAMPLE =
  "arn:aws:dynamodb:eu-west-1:123456789012:table/incumbent/stream/2026-01-31T03:00:00.000";
const TABLE_NAME = /^[A-Za-z0-9_.-]{3,255}$/;

/** Values that are known at deployment only (tokens) are not checked. */
function checkAttributes(scope: Construct, attributes: LeaseTableAttributes): void {
  checkGiven(scope, attributes, { tableName: "incumbent" });
  const { tableName, region, account, encryptionKey, streamArn } = attributes;
  checkPropNames(scope, attributes, ATTRIBUTES);
  checkTableName(scope, tableName);
  checkText(scope, "region", region, /^[a-z]{2}[a-z0-9-]+$/, "must be a Region", "eu-west-1");
  checkText(scope, "account", account, /^\d{12}$/, "must be 12 digits", "123456789012");
  if (streamArn !== undefined && !Token.isUnresolved(streamArn) && !Token.isUnresolved(tableName)) {
    const { region: ownRegion, account: ownAccount } = Stack.of(scope);
    const place = { region: region ?? ownRegion, account: account ?? ownAccount };
    const rule = "must be the ARN of a stream of this table: LatestStreamArn in the answer of DescribeTable";
    if (!isStreamOf(streamArn, tableName, place)) refuse(scope, "streamArn", rule, streamArn, STREAM_EXAMPLE);
  }
  if (encryptionKey !== undefined) checkKey(scope, "encryptionKey", encryptionKey);
}

/** A replica has the name of its table, and a stream of its own. */
function isStreamOf(streamArn: unknown, tableName: string, place: Place): boolean {
  if (typeof streamArn !== "string" || !streamArn.includes(`:table/${tableName}/stream/`)) return false;
  const [arn, , , region = "", account = ""] = streamArn.split(":");
  return arn === "arn" && differenceOf({ region, account }, place) === undefined;
}

export function checkTableName(scope: Construct, tableName: string | undefined): void {
  const rule = "must be the table's name: 3 to 255 characters: A-Z a-z 0-9 _ . -";
  checkText(scope, "tableName", tableName, TABLE_NAME, rule, "incumbent");
}

function checkText(
  scope: Construct,
  attribute: string,
  value: string | undefined,
  pattern: RegExp,
  rule: string,
  suggestion: string,
): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (typeof value !== "string" || !pattern.test(value)) refuse(scope, attribute, rule, value, suggestion);
}

/** IAM knows keys by their ids: what is granted on an alias allows nothing. */
export function checkKey(scope: Construct, prop: string, key: IKey): void {
  const arn: unknown = key.keyArn;
  const rule = "must be the KMS key, and not its alias or its ARN: a grant on an alias allows nothing";
  const suggestion = 'Key.fromKeyArn(this, "Key", "arn:aws:kms:…:key/…")';
  if (typeof arn !== "string" || arn.includes(":alias/")) {
    refuse(scope, prop, rule, key, suggestion);
  }
}
