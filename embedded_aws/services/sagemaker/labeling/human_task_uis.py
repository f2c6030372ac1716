"""Worker task templates as resources, and RenderUiTemplate, which shows one as a worker would see it.

Not compared with AWS: the codes in RenderUiTemplate's Errors; the sentences; what DescribeHumanTaskUi's Url leads to
(here it has none).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.credentials import Role
from embedded_aws.services.sagemaker.errors import NOT_FOUND, ServiceError, validation_exception
from embedded_aws.services.sagemaker.labeling.templates import TemplateError, Templates, read_input
from embedded_aws.services.sagemaker.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.resource_types import ResourceType

_OWN = "HumanTaskUiArn"


class HumanTaskUis(Provider):
    """The provider of worker task templates."""

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what Describe tells, the template's digest among it."""
        content = request["UiTemplate"]["Content"]
        digest = hashlib.sha256(content.encode()).hexdigest()
        template = {"Content": content, "ContentSha256": digest}
        return {**super().described(resource_type, request, name), "UiTemplate": template}

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Render a template, its own or one that is given. Raises ServiceError."""
        del verb  # RenderUiTemplate is the only one
        content = self._content(request, account=account, region=region)
        role = Role(request["RoleArn"], account=account, region=region, endpoint_url=self.context.endpoint_url)
        try:
            rendered = Templates(role.client("s3")).render(content, read_input(request["Task"]["Input"]))
        except TemplateError as error:
            return {"RenderedContent": "", "Errors": [{"Code": "TemplateError", "Message": str(error)}]}
        return {"RenderedContent": rendered, "Errors": []}

    def _content(self, request: Mapping[str, Any], *, account: str, region: str) -> str:
        if ("UiTemplate" in request) == (_OWN in request):
            raise validation_exception("Exactly one of UiTemplate and HumanTaskUiArn must be given.")
        if "UiTemplate" in request:
            return str(request["UiTemplate"]["Content"])
        record = self.context.store.find_arn(request[_OWN], account=account, region=region)
        if record is None or "UiTemplate" not in record.members:
            raise ServiceError(NOT_FOUND, f"Human task UI {request[_OWN]} not found.")
        return str(record.members["UiTemplate"]["Content"])
