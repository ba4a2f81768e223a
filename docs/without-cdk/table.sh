#!/bin/sh
# Creates a lease table in one Region: sh table.sh <table name>
# Needs the AWS CLI.
set -eu
table=${1:-incumbent}

aws dynamodb create-table --table-name "$table" --billing-mode PAY_PER_REQUEST --deletion-protection-enabled \
  --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S \
  --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE
aws dynamodb wait table-exists --table-name "$table"
aws dynamodb update-time-to-live --table-name "$table" \
  --time-to-live-specification Enabled=true,AttributeName=ttl
aws dynamodb update-continuous-backups --table-name "$table" \
  --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
