"""Types whose properties are the parameters of the API, name for name."""

import json


class Plain:
    """`put` creates and, where the API has one call for both, updates too."""

    def __init__(self, client, service, name_property, put, remove, attributes=(), update=None):
        self.client = client
        self.service = service
        self.name_property = name_property
        self.put, self.patch, self.remove = put, update or put, remove
        self.attribute_names = list(attributes)

    def create(self, region, name, properties):
        return self.send(self.put, region, name, properties)

    def update(self, region, name, before, properties):
        return self.send(self.patch, region, name, properties)

    def send(self, call, region, name, properties):
        answer = call(self.client(self.service, region), {**properties, self.name_property: name})
        # The API says ScheduleArn, CloudFormation says Arn.
        arn = next((value for key, value in (answer or {}).items() if key.endswith("Arn")), None)
        return {attribute: arn for attribute in self.attribute_names}

    def delete(self, region, name, properties):
        self.remove(self.client(self.service, region), name)


def schedule(client):
    return Plain(
        client,
        "scheduler",
        "Name",
        put=lambda api, given: api.create_schedule(**given),
        update=lambda api, given: api.update_schedule(**given),
        remove=lambda api, name: api.delete_schedule(Name=name),
        attributes=["Arn"],
    )


def alarm(client):
    def put(api, given):
        api.put_metric_alarm(**given)
        return {"Arn": api.describe_alarms(AlarmNames=[given["AlarmName"]])["MetricAlarms"][0]["AlarmArn"]}

    def remove(api, name):
        api.delete_alarms(AlarmNames=[name])

    return Plain(client, "cloudwatch", "AlarmName", put=put, remove=remove, attributes=["Arn"])


def pipe(client):
    def put(api, given):
        tags = given.pop("Tags", {})
        return api.create_pipe(**given, Tags=tags)

    return Plain(client, "pipes", "Name", put=put, remove=lambda api, name: api.delete_pipe(Name=name), attributes=["Arn"])


class Subscription:
    """No name of its own: the service gives it its ARN."""

    name_property = ""
    attribute_names = ["Arn"]

    def __init__(self, client):
        self.client = client

    def create(self, region, name, properties):
        answer = self.client("sns", region).subscribe(**properties, ReturnSubscriptionArn=True)
        return {"Ref": answer["SubscriptionArn"], "Arn": answer["SubscriptionArn"]}

    def update(self, region, name, before, properties):
        return self.create(region, name, properties)

    def delete(self, region, name, properties):
        pass  # Goes with its topic.


class EventInvokeConfig:
    """What becomes of asynchronous calls of a function; it goes by the function's name."""

    name_property = ""
    attribute_names: list[str] = []

    def __init__(self, client):
        self.client = client

    def create(self, region, name, properties):
        self.client("lambda", region).put_function_event_invoke_config(**properties)
        return {}

    def update(self, region, name, before, properties):
        return self.create(region, name, properties)

    def delete(self, region, name, properties):
        pass  # Goes with its function.


class Policy:
    """An attribute of queues or topics."""

    name_property = ""
    attribute_names = ["Id"]

    def __init__(self, client, service, on, send):
        self.client, self.service, self.on, self.put = client, service, on, send

    def create(self, region, name, properties):
        for target in properties[self.on]:
            self.put(self.client(self.service, region), target, json.dumps(properties["PolicyDocument"]))
        return {"Id": name}

    def update(self, region, name, before, properties):
        return self.create(region, name, properties)

    def delete(self, region, name, properties):
        pass  # Goes with its queue or topic.


def queue_policy(client):
    def put(api, url, policy):
        api.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    return Policy(client, "sqs", "Queues", put)


def topic_policy(client):
    def put(api, arn, policy):
        api.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    return Policy(client, "sns", "Topics", put)


TYPES = {
    "AWS::Scheduler::Schedule": schedule,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig,
    "AWS::Pipes::Pipe": pipe,
    "AWS::SNS::Subscription": Subscription,
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::SQS::QueuePolicy": queue_policy,
}
