"""Prints the files for people without CDK as JSON: Terraform by python-hcl2, SAM as its own translator deploys it."""

import json
import sys
from pathlib import Path

import hcl2
import yaml
from samtranslator.translator.transform import transform


def plain(value):
    """Text without its quotation marks. An expression, which has none, becomes {"expression": …}."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {plain(name): plain(entry) for name, entry in value.items() if not name.startswith("__")}
    if not isinstance(value, str):
        return value
    if value.startswith('"'):
        return json.loads(value)
    if value.startswith("${jsonencode("):
        inner = value.removeprefix("${jsonencode(").removesuffix(")}")
        return {"jsonencode": plain(hcl2.loads(f"it = {inner}\n"))["it"]}
    return {"expression": value.removeprefix("${").removesuffix("}")} if value.startswith("${") else value


class NoManagedPolicies:
    def load(self):
        return {}


def deployed(template):
    """The code is uploaded first, so its place is known."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/job.zip"
    return transform(template, {}, NoManagedPolicies())


folder = Path(sys.argv[1])
terraform = {path.stem: plain(hcl2.loads(path.read_text())) for path in folder.glob("*.tf")}
sam = {path.name.removesuffix(".sam.yaml"): deployed(yaml.safe_load(path.read_text())) for path in folder.glob("*.sam.yaml")}
print(json.dumps({"terraform": terraform, "sam": sam}))
