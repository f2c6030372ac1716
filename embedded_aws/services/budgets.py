"""CloudFormation's AWS::Budgets::Budget, on the Budgets API of the embedded AWS.

Sources: the resource schema that cfn-lint ships (notifications and name are create-only); what AWS answers when the
notifications of a budget with a name of the template's own change: the budget already exists
(aws-cloudformation/cloudformation-coverage-roadmap#365). Not compared with AWS: the form of a generated name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from embedded_aws.botocore_models import service_model
from embedded_aws.services.cloudformation_types import (
    ProvisioningError,
    ResourceProvider,
    api_error,
    generated_name,
    typed_members,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape, StructureShape

    from embedded_aws.services.cloudformation_types import Answer, Properties

    Call = Callable[[str, Mapping[str, Any]], tuple[int, dict[str, Any]]]

_NAME_LENGTH = 100
_OK = 200
_MISSING = "NotFoundException"


def resource_providers(call: Call, caller: Callable[[], tuple[str, str]]) -> dict[str, ResourceProvider]:
    """Return the type, by name. `call` carries out an operation of AWS Budgets, `caller` returns account and region."""
    budget = _Budget(call, caller)
    return {
        "AWS::Budgets::Budget": ResourceProvider(
            create=budget.create,
            update=budget.update,
            delete=budget.delete,
            replacing=("NotificationsWithSubscribers",),
            tags="ResourceTags",
        )
    }


@dataclass(frozen=True)
class _Budget:
    call: Call
    caller: Callable[[], tuple[str, str]]

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the budget with its notifications."""
        del stack_name
        if "Budget" not in properties:
            raise ProvisioningError("Properties validation failed: #: required key [Budget] not found")
        request = typed_members(_properties(), properties)
        name = str(_described(request).setdefault("BudgetName", generated_name(logical_id, longest=_NAME_LENGTH)))
        self._ask("CreateBudget", request)
        return name, {"Id": name}

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change the budget in place; with another name in the template it is a new one."""
        if _described(old).get("BudgetName") != _described(new).get("BudgetName"):
            return self.create(stack_name, new, stack_name)
        request = typed_members(_properties(), new)
        self._ask("UpdateBudget", {"NewBudget": {**_described(request), "BudgetName": physical_id}})
        self._retag(physical_id, _tags(old), _tags(new))
        return physical_id, {"Id": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the budget with its notifications; one that is gone already is fine."""
        del properties
        self._ask("DeleteBudget", {"BudgetName": physical_id}, accepted=_MISSING)

    def _retag(self, name: str, was: dict[str, str], becomes: dict[str, str]) -> None:
        account, _ = self.caller()
        arn = f"arn:aws:budgets::{account}:budget/{name}"
        if gone := sorted(was.keys() - becomes.keys()):
            self._ask("UntagResource", {"ResourceARN": arn, "ResourceTagKeys": gone})
        if set_now := [{"Key": key, "Value": value} for key, value in becomes.items()]:
            self._ask("TagResource", {"ResourceARN": arn, "ResourceTags": set_now})

    def _ask(self, operation: str, request: Mapping[str, Any], *, accepted: str | None = None) -> None:
        """Carry out an operation. Raises ProvisioningError with the refusal, unless its code is `accepted`."""
        status, answer = self.call(operation, request)
        if status != _OK and answer["__type"] != accepted:
            raise api_error("AWSBudgets", status=status, code=answer["__type"], message=answer["message"])


def _properties() -> Mapping[str, Shape]:
    """Return the type's properties: CreateBudget's members less the account, which CloudFormation knows."""
    model = service_model("budgets")
    shape = cast("StructureShape", model.operation_model("CreateBudget").input_shape)
    return {name: member for name, member in shape.members.items() if name != "AccountId"}


def _described(properties: Properties) -> dict[str, Any]:
    budget: dict[str, Any] = properties["Budget"]
    return budget


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in properties.get("ResourceTags", ())}
