"""Resource types that moto's CloudFormation lacks though moto has the service behind them.

Each becomes what CloudFormation makes of it too: requests to the service's API. They are sent by boto3 to the server
itself, so botocore checks every property against AWS's own model of that API.
"""

from typing import Any

import boto3
from moto.core.common_models import CloudFormationModel

import lease_table
import plain_types


# Python itself keeps subclasses by weak references only.
TAUGHT: list[type] = []


def teach(endpoint: str) -> list[str]:
    types = {**plain_types.TYPES, **lease_table.TYPES}
    for name, make in types.items():
        TAUGHT.append(register(name, make(client_factory(endpoint))))
    return sorted(types)


def client_factory(endpoint: str):
    def client(service: str, region: str):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    return client


def register(type_name: str, provider: Any) -> type:
    """moto finds the types by the direct subclasses of its model class."""

    class Resource(CloudFormationModel):
        # moto files every model under the service that its module is named after.
        __module__ = "moto.taught.models"

        def __init__(self, name: str, properties: dict, attributes: dict):
            self.name, self.properties, self.attributes = name, properties, attributes

        @property
        def physical_resource_id(self) -> str:
            return self.attributes.get("Ref", self.name)

        def get_cfn_attribute(self, attribute: str) -> Any:
            return self.attributes[attribute]

        def is_created(self) -> bool:
            return True

        @staticmethod
        def cloudformation_name_type() -> str:
            return provider.name_property

        @staticmethod
        def cloudformation_type() -> str:
            return type_name

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in provider.attribute_names

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            properties = cloudformation_json["Properties"]
            return cls(resource_name, properties, provider.create(region_name, resource_name, properties))

        @classmethod
        def update_from_cloudformation_json(
            cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
        ):
            properties = cloudformation_json["Properties"]
            name = original_resource.name
            before = original_resource.properties
            # A generated name stays; another one in the template would mean another resource.
            changed = properties.get(provider.name_property, name)
            if changed != name:
                original_resource.delete(account_id, region_name)
                return cls(changed, properties, provider.create(region_name, changed, properties))
            return cls(name, properties, provider.update(region_name, name, before, properties))

        @classmethod
        def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
            raise NotImplementedError("deleted through the instance")

        def delete(self, account_id: str, region_name: str) -> None:
            provider.delete(region_name, self.name, self.properties)

    return Resource
