"""Service Quotas, for the one service whose quotas are kept: SageMaker.

Errors as users quote them from AWS: "The request failed because the specified service does not exist.", "… the
specified quota and service do not exist.", "You must provide a quota value greater than the current quota value". An
increase is granted at once: PENDING in the answer, as on AWS, APPROVED from then on; AWS takes minutes to weeks and may
say no. A quota for a resource is refused. Which actions have a quota to name, and the key servicequotas:service: the
service authorization reference. Not compared with AWS: the sentences about tokens and request ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services import json_protocol
from embedded_aws.services.sagemaker.authorization import RequiredPermission, check
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.service_quotas import quotas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.json_protocol import Request, Response
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.service_quotas.quotas import AppliedQuotas, Quota, QuotaIncrease

SERVICE_CODE = "sagemaker"
_SERVICE = {"ServiceCode": SERVICE_CODE, "ServiceName": "Amazon SageMaker"}
_MISSING = "NoSuchResourceException"
_ILLEGAL = "IllegalArgumentException"
_ON_A_QUOTA = {"GetServiceQuota", "ListRequestedServiceQuotaChangeHistoryByQuota", "RequestServiceQuotaIncrease"}
_PAGE = 100  # items, unless MaxResults says otherwise


class ServiceQuotas:
    """The embedded Service Quotas.

    `caller` returns account and region of the current request, `principal` who signed it (None: no policies are asked).
    """

    def __init__(
        self,
        quotas: AppliedQuotas,
        *,
        caller: Callable[[], tuple[str, str]],
        principal: Callable[[Mapping[str, str]], Principal | None] = lambda _headers: None,
    ) -> None:
        self._quotas = quotas
        self._caller, self._principal = caller, principal
        self._protocol = json_protocol.JsonProtocol(
            "service-quotas", title="Service Quotas", operations=_OPERATIONS, unavailable="ServiceException"
        )

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one HTTP request (awsJson1.1)."""
        del method, path, query  # the protocol has one of each
        who = self._principal(headers)
        return self._protocol.answer(headers, body, lambda operation, asked: self._answer(operation, asked, who))

    def _answer(self, operation: str, request: Request, who: Principal | None) -> Request:
        account, region = self._caller()
        check(who, iter([_permission(operation, request, account=account, region=region)]))
        return _OPERATIONS[operation](_Requests(quotas=self._quotas, account=account, region=region), request)


@dataclass(frozen=True, kw_only=True)
class _Requests:
    """Answers the requests of one account in one region."""

    quotas: AppliedQuotas
    account: str
    region: str

    def list_services(self, request: Request) -> Request:
        return _paged("Services", [_SERVICE], request)

    def get_quota(self, request: Request) -> Request:
        return {"Quota": self._applied(_quota(request))}

    def get_default(self, request: Request) -> Request:
        return {"Quota": self._default(_quota(request))}

    def list_quotas(self, request: Request) -> Request:
        _check_service(request)
        wanted = request.get("QuotaCode")
        found = [self._applied(q) for q in quotas.quotas().values() if wanted in (None, q.code)]
        return _paged("Quotas", found, request)

    def list_defaults(self, request: Request) -> Request:
        _check_service(request)
        return _paged("Quotas", [self._default(quota) for quota in quotas.quotas().values()], request)

    def request_increase(self, request: Request) -> Request:
        quota = _quota(request)
        try:
            made = self.quotas.increase(quota, request["DesiredValue"], account=self.account, region=self.region)
        except ValueError as error:
            message = "You must provide a quota value greater than the current quota value"
            raise ServiceError(_ILLEGAL, message) from error
        return {"RequestedQuota": self._requested(made, "PENDING")}

    def get_change(self, request: Request) -> Request:
        made = next((one for one in self._increases() if one.id == request["RequestId"]), None)
        if made is None:
            message = "The request failed because the specified quota increase request does not exist."
            raise ServiceError(_MISSING, message)
        return {"RequestedQuota": self._requested(made)}

    def list_changes(self, request: Request) -> Request:
        if "ServiceCode" in request:
            _check_service(request)
        if "QuotaCode" in request:
            _quota(request)
        asked = [one for one in self._increases() if request.get("QuotaCode") in (None, one.quota.code)]
        if request.get("Status") not in (None, "APPROVED"):
            asked = []
        return _paged("RequestedQuotas", [self._requested(one) for one in asked], request)

    def _increases(self) -> list[QuotaIncrease]:
        return self.quotas.increases(account=self.account, region=self.region)

    def _applied(self, quota: Quota) -> dict[str, Any]:
        value = self.quotas.value(quota, account=self.account, region=self.region)
        return {**self._described(quota, self.account), "Value": value, "QuotaAppliedAtLevel": "ACCOUNT"}

    def _default(self, quota: Quota) -> dict[str, Any]:
        return {**self._described(quota, ""), "Value": quota.default}

    def _described(self, quota: Quota, account: str) -> dict[str, Any]:
        return {**self._named(quota, account), "Unit": "None", "Adjustable": True, "GlobalQuota": False}

    def _requested(self, made: QuotaIncrease, status: str = "APPROVED") -> dict[str, Any]:
        return {
            **self._named(made.quota, self.account),
            "Id": made.id,
            "DesiredValue": made.desired_value,
            "Status": status,
            "Created": made.created,
            "LastUpdated": made.created,
            "GlobalQuota": False,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        }

    def _named(self, quota: Quota, account: str) -> dict[str, Any]:
        arn = f"arn:aws:servicequotas:{self.region}:{account}:{SERVICE_CODE}/{quota.code}"
        return {**_SERVICE, "QuotaArn": arn, "QuotaCode": quota.code, "QuotaName": quota.name}


_OPERATIONS: Mapping[str, Callable[[_Requests, Request], Request]] = {
    "GetAWSDefaultServiceQuota": _Requests.get_default,
    "GetRequestedServiceQuotaChange": _Requests.get_change,
    "GetServiceQuota": _Requests.get_quota,
    "ListAWSDefaultServiceQuotas": _Requests.list_defaults,
    "ListRequestedServiceQuotaChangeHistory": _Requests.list_changes,
    "ListRequestedServiceQuotaChangeHistoryByQuota": _Requests.list_changes,
    "ListServiceQuotas": _Requests.list_quotas,
    "ListServices": _Requests.list_services,
    "RequestServiceQuotaIncrease": _Requests.request_increase,
}


def _permission(operation: str, request: Request, *, account: str, region: str) -> RequiredPermission:
    """Return what a request needs: on the quota that it names, where the action has one."""
    service, code = request.get("ServiceCode", ""), request.get("QuotaCode", "")
    action = f"servicequotas:{operation}"
    if operation not in _ON_A_QUOTA:
        return RequiredPermission(action, "*")
    quota = f"arn:aws:servicequotas:{region}:{account}:{service}/{code}"
    return RequiredPermission(action, quota, {"servicequotas:service": service})


def _paged(member: str, items: Sequence[Any], request: Request) -> Request:
    invalid = ServiceError("InvalidPaginationTokenException", "Invalid token was used.")
    return json_protocol.page(member, items, request, size=_PAGE, invalid_token=invalid)


def _check_service(request: Request) -> None:
    if request["ServiceCode"] != SERVICE_CODE:
        raise ServiceError(_MISSING, "The request failed because the specified service does not exist.")


def _quota(request: Request) -> Quota:
    """Return the quota that a request names. Raises NoSuchResourceException."""
    if "ContextId" in request:
        raise ServiceError(
            _MISSING, "The request failed because applied value for the specified context Id do not exist."
        )
    found = quotas.quotas().get(request["QuotaCode"]) if request["ServiceCode"] == SERVICE_CODE else None
    if found is None:
        raise ServiceError(_MISSING, "The request failed because the specified quota and service do not exist.")
    return found
