"""CloudFormation's AWS::GreengrassV2::ComponentVersion.

Sources: the resource schema that cfn-lint ships (InlineRecipe and LambdaFunction are create-only, tags a map, Arn,
ComponentName and ComponentVersion what it answers) and CloudFormation's reference: Ref is the version's ARN.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.cloudformation_types import ProvisioningError, ResourceProvider, api_error
from embedded_aws.services.greengrassv2.service import NOT_FOUND
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.services.cloudformation_types import Answer, Properties
    from embedded_aws.services.greengrassv2.service import GreengrassV2

_PROPERTIES = ("InlineRecipe", "LambdaFunction", "Tags")


def resource_providers(service: GreengrassV2, caller: Callable[[], tuple[str, str]]) -> dict[str, ResourceProvider]:
    """Return the type, by name. It asks S3: not to be run on the event loop."""
    version = _ComponentVersion(service, caller)
    return {
        "AWS::GreengrassV2::ComponentVersion": ResourceProvider(
            create=version.create,
            update=version.update,
            delete=version.delete,
            replacing=_PROPERTIES[:2],
            tag_form="map",
            waits=True,
        )
    }


@dataclass(frozen=True)
class _ComponentVersion:
    service: GreengrassV2
    caller: Callable[[], tuple[str, str]]

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the version."""
        del logical_id, stack_name
        if unknown := sorted(properties.keys() - set(_PROPERTIES)):
            raise ProvisioningError(f"Properties validation failed: #: extraneous key [{unknown[0]}] is not permitted")
        recipe = properties.get("InlineRecipe")
        request = {
            **({"inlineRecipe": base64.b64encode(recipe.encode()).decode()} if recipe else {}),
            **({"lambdaFunction": properties["LambdaFunction"]} if "LambdaFunction" in properties else {}),
            **({"tags": properties["Tags"]} if properties.get("Tags") else {}),
        }
        made = self._call("CreateComponentVersion", request)
        return made["arn"], {
            "Arn": made["arn"],
            "ComponentName": made["componentName"],
            "ComponentVersion": made["componentVersion"],
        }

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change its tags, which is all that can be changed of one."""
        del stack_name
        before, after = old.get("Tags", {}), new.get("Tags", {})
        if gone := sorted(before.keys() - after.keys()):
            self._call("UntagResource", {"resourceArn": physical_id, "tagKeys": gone})
        if after and after != before:
            self._call("TagResource", {"resourceArn": physical_id, "tags": after})
        found = self._call("DescribeComponent", {"arn": physical_id})
        return physical_id, {
            "Arn": physical_id,
            "ComponentName": found["componentName"],
            "ComponentVersion": found["componentVersion"],
        }

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the version; one that is gone already is fine."""
        del properties
        self._call("DeleteComponent", {"arn": physical_id}, accepted=NOT_FOUND)

    def _call(self, operation: str, request: dict[str, Any], *, accepted: str = "") -> Properties:
        """Carry out an operation. Raises ProvisioningError with its refusal, unless its code is `accepted`."""
        account, region = self.caller()
        try:
            return self.service.call(operation, request, account=account, region=region)
        except ServiceError as error:
            if error.code == accepted:
                return {}
            raise api_error("GreengrassV2", status=error.status, code=error.code, message=error.message) from error
