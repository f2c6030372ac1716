"""IAM has AWS's managed policies, all of them; ministack has some thirty.

Who attaches one that is not there is refused, as users quote IAM. A list of policies comes in pages.
"""

from __future__ import annotations

import json
from collections import UserDict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ministack.services import iam
from ministack.services.cloudformation import provisioners

from embedded_aws.services import managed_policies
from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response

_PAGE = 100  # IAM's reference, for MaxItems
_KINDS = ("Role", "User", "Group")


def have_managed_policies() -> None:
    """Let IAM answer for them, roles have what they grant, and templates and callers attach only what there is."""
    iam._aws_managed_policies = _Managed(iam._aws_managed_policies)
    for kind in _KINDS:
        operation = f"Attach{kind}Policy"
        iam._IAM_HANDLERS[operation] = _attaching(iam._IAM_HANDLERS[operation])
    iam._IAM_HANDLERS["ListPolicies"] = _list
    attach = iam.attach_managed_policy

    def attached(entity: Mapping[str, Any], arn: str) -> None:
        if not iam.policy_known(arn):
            raise api_error("Iam", status=404, code="NoSuchEntity", message=_missing(arn))
        attach(entity, arn)

    provisioners._iam.attach_managed_policy = attached


class _Managed(UserDict[str, dict[str, Any]]):
    """Policies by their ARNs, read when the first is asked for; `described` are ministack's, with descriptions."""

    def __init__(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        self._described = described

    @cached_property
    def data(self) -> dict[str, dict[str, Any]]:  # type: ignore[override]  # UserDict assigns it
        """What the dictionary holds."""
        prefix = iam._AWS_MANAGED_POLICY_PREFIX
        return {f"{prefix}{name}": self._record(name, policy) for name, policy in managed_policies.read().items()}

    def _record(self, name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
        described = self._described.get(f"{iam._AWS_MANAGED_POLICY_PREFIX}{name}", {}).get("Description", "")
        record: dict[str, Any] = iam._make_aws_managed_record(name, json.dumps(policy["Document"]), described)
        version = policy["DefaultVersionId"]
        [made] = record["Versions"].values()
        created, updated = (_time(policy[when]) for when in ("CreateDate", "UpdateDate"))
        dates = {"CreateDate": created, "UpdateDate": updated, "DefaultVersionId": version}
        return {**record, **dates, "Versions": {version: {**made, "VersionId": version, "CreateDate": updated}}}


def _time(text: str) -> str:
    return text.replace("+00:00", "Z")


def _missing(arn: str) -> str:
    return f"Policy {arn} does not exist or is not attachable."


def _attaching(answer: Callable[[Any], Response]) -> Callable[[Any], Response]:
    def attached(parameters: Mapping[str, Any]) -> Response:
        arn = iam._p(parameters, "PolicyArn")
        if not iam.policy_known(arn):
            refused: Response = iam._error(404, "NoSuchEntity", _missing(arn), ns="iam")
            return refused
        return answer(parameters)

    return attached


def _list(parameters: Mapping[str, Any]) -> Response:
    """ListPolicies: the account's own, then AWS's, as many as a page holds."""
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
    answer: Response = iam._xml(
        200, "ListPoliciesResponse", f"<ListPoliciesResult>{result}</ListPoliciesResult>", ns="iam"
    )
    return answer


def _attachments(arn: str) -> int:
    managed = iam._aws_managed_attachment_counts.get(arn, 0)
    return int(managed or iam._policies.get(arn, {}).get("AttachmentCount", 0))
