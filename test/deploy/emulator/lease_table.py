"""AWS::DynamoDB::GlobalTable, in one Region: the type that CDK's TableV2 makes."""


class GlobalTable:
    name_property = "TableName"
    attribute_names = ["Arn", "StreamArn", "TableId"]

    def __init__(self, client):
        self.client = client

    def create(self, region, name, properties):
        api = self.client("dynamodb", region)
        replica = own_replica(region, properties)
        stream = properties.get("StreamSpecification")
        encryption = properties.get("SSESpecification")
        api.create_table(
            TableName=name,
            **{key: properties[key] for key in ("AttributeDefinitions", "KeySchema", "BillingMode")},
            DeletionProtectionEnabled=replica.get("DeletionProtectionEnabled", False),
            Tags=replica.get("Tags", []),
            **({"StreamSpecification": {"StreamEnabled": True, **stream}} if stream else {}),
            **({"SSESpecification": encryption_of(encryption, replica)} if encryption else {}),
        )
        self.follow_up(api, name, {}, properties, replica)
        return attributes_of(api, name)

    def update(self, region, name, before, properties):
        for fixed in ("AttributeDefinitions", "KeySchema", "BillingMode", "SSESpecification", "StreamSpecification"):
            if before.get(fixed) != properties.get(fixed):
                raise NotImplementedError(f"the emulator cannot change {fixed} of a table")
        api = self.client("dynamodb", region)
        replica = own_replica(region, properties)
        protected = replica.get("DeletionProtectionEnabled", False)
        if protected != own_replica(region, before).get("DeletionProtectionEnabled", False):
            api.update_table(TableName=name, DeletionProtectionEnabled=protected)
        self.follow_up(api, name, before, properties, replica)
        return attributes_of(api, name)

    def follow_up(self, api, name, before, properties, replica):
        """What CloudFormation sends once the table is active."""
        ttl = properties.get("TimeToLiveSpecification")
        if ttl and ttl != before.get("TimeToLiveSpecification"):
            api.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
        recovery = replica.get("PointInTimeRecoverySpecification")
        if recovery:
            api.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)

    def delete(self, region, name, properties):
        self.client("dynamodb", region).delete_table(TableName=name)


def own_replica(region, properties):
    replicas = {replica["Region"]: replica for replica in properties["Replicas"]}
    if list(replicas) != [region]:
        raise NotImplementedError(f"the emulator has one Region, {region}; replicas: {', '.join(replicas)}")
    return replicas[region]


def encryption_of(encryption, replica):
    key = replica.get("SSESpecification", {}).get("KMSMasterKeyId")
    enabled = {"Enabled": encryption["SSEEnabled"]}
    return {**enabled, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})} if encryption["SSEEnabled"] else enabled


def attributes_of(api, name):
    table = api.describe_table(TableName=name)["Table"]
    return {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn"), "TableId": table.get("TableId")}


TYPES = {"AWS::DynamoDB::GlobalTable": GlobalTable}
