"""Greengrass's components, as unmodified clients and CloudFormation make, look at and delete them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded_aws.account import Account


@pytest.fixture(scope="module")
def greengrass(client: Callable[[str], Any]) -> Any:
    """The client."""
    return client("greengrassv2")


@pytest.fixture(scope="module")
def artifact(account: Account) -> str:
    """The address of an object whose content is `bricks`."""
    return account.put("edge/code.zip", b"bricks")


def recipe(name: str, version: str = "1.0.0", **members: Any) -> dict[str, Any]:
    """Return a recipe as small as can be; members take the place of its own, None takes one away."""
    whole = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": version,
        "Manifests": [{"Platform": {"os": "linux"}, "Lifecycle": {"Run": "echo"}}],
        **members,
    }
    return {key: value for key, value in whole.items() if value is not None}


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"com.example.{uuid4().hex[:8]}"


def refusal(call: Callable[..., Any], code: str, **request: Any) -> str:
    """Return the sentence of a refusal with this code."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def test_a_version_from_creation_to_deletion(greengrass: Any, name: str, artifact: str) -> None:
    """Made in JSON, described, given back in both forms with its artifact's hash, listed, tagged, deleted."""
    manifest = {"Artifacts": [{"Uri": artifact, "Unarchive": "ZIP"}], "Lifecycle": {"Run": {"Script": "true"}}}
    content = json.dumps(recipe(name, ComponentPublisher="Ana", Manifests=[manifest])).encode()
    made = greengrass.create_component_version(inlineRecipe=content, tags={"team": "bricks"})
    assert made["status"]["componentState"] == "REQUESTED"
    arn = made["arn"]
    assert arn == f"arn:aws:greengrass:us-east-1:000000000000:components:{name}:versions:1.0.0"

    described = greengrass.describe_component(arn=arn)
    assert described["status"]["componentState"] == "DEPLOYABLE"
    assert (described["publisher"], described["tags"]) == ("Ana", {"team": "bricks"})

    digest = base64.b64encode(hashlib.sha256(b"bricks").digest()).decode()
    for form, read in (("JSON", json.loads), ("YAML", yaml.safe_load)):
        [given] = read(greengrass.get_component(arn=arn, recipeOutputFormat=form)["recipe"])["Manifests"][0][
            "Artifacts"
        ]
        assert (given["Digest"], given["Algorithm"]) == (digest, "SHA-256")

    greengrass.tag_resource(resourceArn=arn, tags={"class": "a"})
    greengrass.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert greengrass.list_tags_for_resource(resourceArn=arn)["tags"] == {"class": "a"}

    greengrass.delete_component(arn=arn)
    assert arn in refusal(greengrass.describe_component, "ResourceNotFoundException", arn=arn)


def test_versions_are_listed_newest_first(greengrass: Any, name: str) -> None:
    """By their numbers, not their letters; of a component its latest is shown."""
    for version in ("1.2.0", "1.10.0", "1.9.0"):
        greengrass.create_component_version(inlineRecipe=json.dumps(recipe(name, version)).encode())
    component = next(
        each
        for page in greengrass.get_paginator("list_components").paginate(maxResults=1)
        for each in page["components"]
        if each["componentName"] == name
    )
    assert component["latestVersion"]["componentVersion"] == "1.10.0"
    listed = greengrass.list_component_versions(arn=component["arn"])["componentVersions"]
    assert [each["componentVersion"] for each in listed] == ["1.10.0", "1.9.0", "1.2.0"]


def test_a_version_is_made_once(greengrass: Any, name: str) -> None:
    """A second one of its name and number is a conflict, whatever its recipe says."""
    content = yaml.safe_dump(recipe(name)).encode()
    greengrass.create_component_version(inlineRecipe=content)
    said = refusal(greengrass.create_component_version, "ConflictException", inlineRecipe=content)
    assert said == f"Component [{name} : 1.0.0] for account [000000000000] already exists"


def test_the_same_request_sent_again_is_answered_again(greengrass: Any, name: str) -> None:
    """Its clientToken says that it is."""
    request = {"inlineRecipe": json.dumps(recipe(name)).encode(), "clientToken": "once"}
    first, second = (greengrass.create_component_version(**request) for _ in range(2))
    assert first["creationTimestamp"] == second["creationTimestamp"]


def test_artifacts_must_be_there(greengrass: Any, name: str, artifact: str) -> None:
    """AWS's sentence names those that can't be read."""
    missing = artifact.replace("code.zip", "none.zip")
    manifest = {"Artifacts": [{"Uri": artifact}, {"Uri": missing}], "Lifecycle": {}}
    content = json.dumps(recipe(name, Manifests=[manifest])).encode()
    assert refusal(greengrass.create_component_version, "ValidationException", inlineRecipe=content) == (
        "Invalid Input: Encountered following errors in Artifacts: "
        f"{{{missing} = Specified artifact resource cannot be accessed}}"
    )


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"RecipeFormatVersion": None}, "'recipeformatversion' is a required property"),
        ({"RecipeFormatVersion": "2021-01-25"}, "At recipeformatversion"),
        ({"ComponentVersion": "1.0"}, "'1.0' is no semantic version"),
        ({"ComponentVersion": "1.0.0-01"}, "is no semantic version"),
        ({"ComponentVersion": "1234567.0.0"}, "is no semantic version"),
        ({"ComponentName": "a b"}, "At componentname"),
        ({"Manifest": []}, "'manifest' was unexpected"),
        ({"Manifests": [{"Artifacts": [{"Unarchive": "ZIP"}]}]}, "'uri' is a required property"),
        (
            {"Manifests": [{"Artifacts": [{"Uri": "s3://a/b", "Unarchive": "TAR"}]}]},
            "At manifests/0/artifacts/0/unarch",
        ),
        ({"Manifests": [{"Lifecycle": {"Run": 3}}]}, "At manifests/0/lifecycle/run"),
        ({"Manifests": [{"Lifecycle": {"Run": {"Skipif": "never"}}}]}, "At manifests/0/lifecycle/run/skipif"),
        ({"ComponentDependencies": {"aws.greengrass.Nucleus": {}}}, "'versionrequirement' is a required property"),
    ],
)
def test_a_recipe_is_held_against_the_schema(greengrass: Any, name: str, members: dict[str, Any], says: str) -> None:
    """What is missing, misspelt or of the wrong kind is refused, with its place."""
    content = json.dumps(recipe(name, **members)).encode()
    assert says in refusal(greengrass.create_component_version, "ValidationException", inlineRecipe=content)


def test_keys_are_compared_without_their_case(greengrass: Any, name: str) -> None:
    """As AWS's development kit has it."""
    content = json.dumps({key.lower(): value for key, value in recipe(name).items()}).encode()
    assert greengrass.create_component_version(inlineRecipe=content)["componentName"] == name


def test_what_is_not_here_is_refused_by_name(greengrass: Any) -> None:
    """Deployments, devices, components of Lambda functions."""
    assert "CreateDeployment" in refusal(
        greengrass.create_deployment, "UnknownOperationException", targetArn="arn:aws:iot:us-east-1:0:thing/x"
    )
    assert "ListCoreDevices" in refusal(greengrass.list_core_devices, "UnknownOperationException")
    function = {"lambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:f:1"}
    assert "lambdaFunction" in refusal(
        greengrass.create_component_version, "ValidationException", lambdaFunction=function
    )


def test_cloudformation_makes_a_version_and_another_one_for_another_recipe(
    client: Callable[[str], Any], greengrass: Any, name: str
) -> None:
    """Ref is its ARN; tags change in place; another recipe replaces it, and the old version goes."""
    cloudformation = client("cloudformation")
    stack = f"edge-{name[-8:]}"

    def template(version: str, **tags: str) -> str:
        properties = {"InlineRecipe": json.dumps(recipe(name, version)), "Tags": tags}
        attributes = ("Arn", "ComponentName", "ComponentVersion")
        return json.dumps(
            {
                "Resources": {"It": {"Type": "AWS::GreengrassV2::ComponentVersion", "Properties": properties}},
                "Outputs": {
                    "Ref": {"Value": {"Ref": "It"}},
                    **{each: {"Value": {"Fn::GetAtt": ["It", each]}} for each in attributes},
                },
            }
        )

    def outputs() -> dict[str, str]:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    cloudformation.create_stack(StackName=stack, TemplateBody=template("1.0.0", team="a"))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    first = outputs()
    assert first["Ref"] == first["Arn"]
    assert (first["ComponentName"], first["ComponentVersion"]) == (name, "1.0.0")

    for version, tags in (("1.0.0", {"team": "b"}), ("1.0.1", {"team": "b"})):
        cloudformation.update_stack(StackName=stack, TemplateBody=template(version, **tags))
        cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        assert greengrass.list_tags_for_resource(resourceArn=outputs()["Arn"])["tags"]["team"] == "b"
    assert outputs()["ComponentVersion"] == "1.0.1"
    refusal(greengrass.describe_component, "ResourceNotFoundException", arn=first["Arn"])

    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
