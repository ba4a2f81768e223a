"""Where moto's CloudFormation differs from AWS in a way that stops the CDK CLI."""

from moto.cloudformation import responses


def apply() -> None:
    responses.get_stack_from_s3_url = path_style(responses.get_stack_from_s3_url)


def path_style(original):
    """The CLI gives a template as http://<endpoint>/<bucket>/<key>; moto knows that form of "localhost" only."""

    def get_stack_from_s3_url(template_url: str, *args, **kwargs) -> str:
        return original(template_url.replace("//127.0.0.1:", "//localhost:"), *args, **kwargs)

    return get_stack_from_s3_url
