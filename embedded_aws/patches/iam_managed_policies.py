"""IAM has AWS's managed policies, all of them; ministack has some thirty.

They are what `arn:aws:iam::aws:policy/AmazonSageMakerFullAccess` and its like grant. moto reads them from an account
for each release (Apache 2; its data is all that is used of it), so that a newer pin brings what AWS has changed. Who
attaches one that is not there is refused, as users quote IAM. A list of policies comes in pages.
"""

from __future__ import annotations

import importlib.util
import json
import runpy
from collections import UserDict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.services import iam

from embedded_aws.patches import patching
from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response

    Operation = Callable[[Mapping[str, Any]], Response]

_PAGE = 100  # IAM's reference, for MaxItems
_KINDS = ("Role", "User", "Group")
_PACKAGE = "moto"
_FILE = "iam/aws_managed_policies.py"
_NAME = "aws_managed_policies_data"


patches = patching.Patches()


def apply() -> None:
    """Let IAM answer for them, roles have what they grant, and templates and callers attach only what there is."""
    patching.assign(__name__, iam, "_aws_managed_policies", _ManagedPolicies(iam._aws_managed_policies))
    for kind in _KINDS:
        _wrap_operation(f"Attach{kind}Policy", _attach)
    _wrap_operation("ListPolicies", _list)
    patches.apply()


def _wrap_operation(operation: str, function: Callable[..., Response]) -> None:
    patching.wrap_item(iam._IAM_HANDLERS, operation, "ministack.services.iam._IAM_HANDLERS", function)


@patches.wraps(iam.attach_managed_policy)
def _attach_managed_policy(
    original: Callable[[dict[str, Any], str], None], entity: dict[str, Any], policy_arn: str
) -> None:
    if not iam.policy_known(policy_arn):
        raise api_error("Iam", status=404, code="NoSuchEntity", message=_missing(policy_arn))
    original(entity, policy_arn)


class _ManagedPolicies(UserDict[str, dict[str, Any]]):
    """Policies by their ARNs, read when the first is asked for; `described` are ministack's, with descriptions."""

    def __init__(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        self._described = described

    @cached_property
    def data(self) -> dict[str, dict[str, Any]]:  # type: ignore[override]  # UserDict assigns it
        """Every policy by its ARN."""
        prefix = iam._AWS_MANAGED_POLICY_PREFIX
        return {f"{prefix}{name}": self._record(name, policy) for name, policy in read().items()}

    def _record(self, name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
        described = self._described.get(f"{iam._AWS_MANAGED_POLICY_PREFIX}{name}", {}).get("Description", "")
        record = iam._make_aws_managed_record(name, json.dumps(policy["Document"]), described)
        version = policy["DefaultVersionId"]
        [made] = record["Versions"].values()
        created, updated = (_time(policy[when]) for when in ("CreateDate", "UpdateDate"))
        dates = {"CreateDate": created, "UpdateDate": updated, "DefaultVersionId": version}
        return {**record, **dates, "Versions": {version: {**made, "VersionId": version, "CreateDate": updated}}}


def _time(text: str) -> str:
    return text.replace("+00:00", "Z")


def _missing(arn: str) -> str:
    return f"Policy {arn} does not exist or is not attachable."


def _attach(original: Operation, parameters: Mapping[str, Any]) -> Response:
    arn = iam._p(parameters, "PolicyArn")
    if not iam.policy_known(arn):
        return iam._error(404, "NoSuchEntity", _missing(arn), ns="iam")
    return original(parameters)


def _list(_original: Operation, parameters: Mapping[str, Any]) -> Response:
    """Answer ListPolicies: the account's own, then AWS's, as many as a page holds."""
    scope, prefix = iam._p(parameters, "Scope") or "All", iam._p(parameters, "PathPrefix") or "/"
    own = {} if scope == "AWS" else dict(iam._policies.items())
    managed = {} if scope == "Local" else dict(iam._aws_managed_policies)
    found = [arn for arn, policy in {**own, **managed}.items() if policy.get("Path", "/").startswith(prefix)]
    if iam._p(parameters, "OnlyAttached") == "true":
        found = [arn for arn in found if _attachments(arn)]
    start, size = int(iam._p(parameters, "Marker") or 0), int(iam._p(parameters, "MaxItems") or _PAGE)
    page, more = found[start : start + size], len(found) > start + size
    usage = iam._boundary_usage_counts()
    members = "".join(f"<member>{iam._managed_policy_xml(arn, usage)}</member>" for arn in page)
    marker = f"<Marker>{start + size}</Marker>" if more else ""
    result = f"<Policies>{members}</Policies><IsTruncated>{str(more).lower()}</IsTruncated>{marker}"
    return iam._xml(200, "ListPoliciesResponse", f"<ListPoliciesResult>{result}</ListPoliciesResult>", ns="iam")


def _attachments(arn: str) -> int:
    managed = iam._aws_managed_attachment_counts.get(arn, 0)
    return int(managed or iam._policies.get(arn, {}).get("AttachmentCount", 0))


def read() -> dict[str, dict[str, Any]]:
    """Return every policy by its ARN's resource, path and name: document, version and dates, in 0.17 seconds.

    Without its description, and of each the version that is the default one.
    """
    # The package itself is not imported: it would take seconds.
    found = importlib.util.find_spec(_PACKAGE)
    [folder] = (found and found.submodule_search_locations) or [""]
    policies = json.loads(runpy.run_path(str(Path(folder, _FILE)))[_NAME])
    return {f"{policy['Path'].lstrip('/')}{name}": policy for name, policy in policies.items()}
