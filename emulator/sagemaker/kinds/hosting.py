"""Models, endpoint configs and endpoints.

Wording of the errors, and who quotes it: `Could not find …`, `Cannot create already existing …`
(terraform-provider-aws, moto, ACK's controller); `Cannot update in-progress endpoint …`, for DeleteEndpoint too (ACK's
controller, logs).
That a Failed endpoint can only be deleted: botocore's model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.kinds.kind import Kind, Rule, named

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINT = 'Cannot update in-progress endpoint "{arn}".'


def _models_of_variants(request: Mapping[str, Any]) -> list[str]:
    variants = [*request.get("ProductionVariants", ()), *request.get("ShadowProductionVariants", ())]
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


MODEL = Kind(
    name="Model",
    arn_type="model",
    defaults={"EnableNetworkIsolation": False},
    not_found='Could not find model "{arn}".',
    exists='Cannot create already existing model "{arn}".',
)

ENDPOINT_CONFIG = Kind(
    name="EndpointConfig",
    arn_type="endpoint-config",
    defaults={"EnableNetworkIsolation": False},
    references={"Model": _models_of_variants},
    not_found='Could not find endpoint configuration "{arn}".',
    exists='Cannot create already existing endpoint configuration "{arn}".',
)

ENDPOINT = Kind(
    name="Endpoint",
    arn_type="endpoint",
    verbs=("Create", "Describe", "List", "Update", "Delete"),
    status="EndpointStatus",
    first_status="Creating",
    rules={
        "Update": Rule(("InService", "OutOfService", "UpdateRollbackFailed"), _ENDPOINT),
        "Delete": Rule(("InService", "OutOfService", "UpdateRollbackFailed", "Failed"), _ENDPOINT),
    },
    references={"EndpointConfig": named("EndpointConfigName")},
    usage="endpoint",
    idle=("Failed", "Deleting", "OutOfService"),
    not_found='Could not find endpoint "{arn}".',
    exists='Cannot create already existing endpoint "{arn}".',
)
