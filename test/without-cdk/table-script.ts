import type { Json, Plain } from "../cdk/plain-template.js";

interface Table {
  readonly BillingMode: string;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: string;
  }[];
  readonly TimeToLiveSpecification: { readonly AttributeName: string; readonly Enabled: boolean };
  readonly Replicas: readonly [
    {
      readonly Region: unknown;
      readonly DeletionProtectionEnabled: boolean;
      readonly PointInTimeRecoverySpecification: { readonly PointInTimeRecoveryEnabled: boolean };
    },
  ];
  /** Without a key of the account's own DynamoDB encrypts with its own. */
  readonly SSESpecification: { readonly SSEEnabled: false };
  readonly TableName: unknown;
}

/** The table as commands of the AWS CLI. */
export function tableScript({ Resources }: Plain): string {
  const table = Resources.LeaseTable?.Properties as Json & Table;
  const { BillingMode, KeySchema, AttributeDefinitions, TimeToLiveSpecification, Replicas, ...rest } = table;
  const [{ DeletionProtectionEnabled, PointInTimeRecoverySpecification, Region: _, ...others }] = Replicas;
  const { SSESpecification, TableName: __, ...more } = rest;
  const unknown = Object.keys({ ...others, ...more });
  if (unknown.length > 0 || SSESpecification.SSEEnabled) {
    throw new Error(
      `test/without-cdk/table-script.ts writes no command for ${unknown.join(", ") || "a key"}`,
    );
  }
  const attributes = AttributeDefinitions.map(
    ({ AttributeName, AttributeType }) => `AttributeName=${AttributeName},AttributeType=${AttributeType}`,
  );
  const keys = KeySchema.map(
    ({ AttributeName, KeyType }) => `AttributeName=${AttributeName},KeyType=${KeyType}`,
  );
  const protection = DeletionProtectionEnabled
    ? "--deletion-protection-enabled"
    : "--no-deletion-protection-enabled";
  const { AttributeName, Enabled } = TimeToLiveSpecification;
  const recovery = PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled;
  return `#!/bin/sh
# Creates a lease table in one Region: sh table.sh <table name>
# Needs the AWS CLI.
set -eu
table=\${1:-incumbent}

aws dynamodb create-table --table-name "$table" --billing-mode ${BillingMode} ${protection} \\
  --attribute-definitions ${attributes.join(" ")} \\
  --key-schema ${keys.join(" ")}
aws dynamodb wait table-exists --table-name "$table"
aws dynamodb update-time-to-live --table-name "$table" \\
  --time-to-live-specification Enabled=${Enabled},AttributeName=${AttributeName}
aws dynamodb update-continuous-backups --table-name "$table" \\
  --point-in-time-recovery-specification PointInTimeRecoveryEnabled=${recovery}
`;
}
