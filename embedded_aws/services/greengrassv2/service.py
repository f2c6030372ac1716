"""Greengrass's components: each version's recipe, with the hashes of its artifacts, as an account has made them.

Sources: botocore's model; the guide's "Create custom components" (a version never changes; artifacts are read with the
caller's permissions when it is made, and their hashes put into the recipe); the states are those of its API reference.
The sentence about a version that is there already: aws-greengrass/aws-greengrass-gdk-cli#300. Not compared with AWS:
the wording of what is not found; that a version is deployable at once; the order of a recipe's members in GetComponent.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from packaging.version import Version

from embedded_aws.runtime import s3_uris
from embedded_aws.services import json_protocol, rest_protocol
from embedded_aws.services.greengrassv2 import recipe as recipes
from embedded_aws.services.records import Records, Scope
from embedded_aws.services.sagemaker.authorization import RequiredPermission, check
from embedded_aws.services.sagemaker.errors import CONFLICT, ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from botocore.model import ServiceModel

    from embedded_aws.database import Database
    from embedded_aws.services.records import Document
    from embedded_aws.services.rest_protocol import Request, Response
    from embedded_aws.services.root_clients import RootClients
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.clock import Clock

_COMPONENT = "component"
_NAMED = ("arn", "componentName", "componentVersion", "creationTimestamp")
_PAGE = 50
_WORKERS = 4
NOT_FOUND = "ResourceNotFoundException"


class GreengrassV2:
    """The embedded AWS IoT Greengrass V2.

    `caller` returns account and region of the current request, `principal` who signed it (None: no policies are
    checked).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        clients: RootClients,
        caller: Callable[[], tuple[str, str]],
        principal: Callable[[Mapping[str, str]], Principal | None] = lambda _headers: None,
        database: Database | None = None,
    ) -> None:
        self._clock, self._clients, self._caller, self._principal = clock, clients, caller, principal
        self._records = Records("greengrassv2", database)
        self._protocol = rest_protocol.RestProtocol(
            "greengrassv2",
            title="AWS IoT Greengrass V2",
            operations=_OPERATIONS,
            unavailable="InternalServerException",
        )
        self._changing = threading.Lock()  # held while a version is made, changed or removed
        # It asks S3, which answers on the event loop.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="greengrass")

    @property
    def model(self) -> ServiceModel:
        """Return botocore's model of it."""
        return self._protocol.model

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one HTTP request (restJson1)."""
        scope, principal = Scope(*self._caller()), self._principal(headers)
        return await asyncio.get_running_loop().run_in_executor(
            self._workers,
            lambda: self._protocol.answer(
                method,
                path,
                body,
                query,
                lambda operation, request: _OPERATIONS[operation](self, request, scope, principal),
            ),
        )

    def call(self, operation: str, request: dict[str, Any], *, account: str, region: str) -> Request:
        """Carry out an operation without a check of policies. Raises ServiceError, StateError."""
        return _OPERATIONS[operation](self, request, Scope(account, region), None)

    def discard(self, account: str) -> None:
        """Forget all that an account has."""
        self._records.forget(account)

    def close(self) -> None:
        """End."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _create(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        if "lambdaFunction" in request:
            raise validation_exception(
                "The embedded AWS makes no components of Lambda functions (lambdaFunction); give an inlineRecipe."
            )
        if "inlineRecipe" not in request:
            raise validation_exception("Invalid Input: One of inlineRecipe and lambdaFunction must be given")
        recipe = recipes.read(_decoded(request["inlineRecipe"]))
        name, version = (recipes.member(recipe, f"Component{part}") for part in ("Name", "Version"))
        check(principal, iter([RequiredPermission("greengrass:CreateComponentVersion", _arn(scope, name))]))
        arn = _arn(scope, name, version)
        with self._changing:
            if found := self._records.find(_COMPONENT, scope, arn):
                if found["token"] and found["token"] == request.get("clientToken"):
                    return _made(found)  # the same request, sent again
                raise ServiceError(
                    CONFLICT,
                    f"Component [{name} : {version}] for account [{scope.account}] already exists",
                    HTTPStatus.CONFLICT,
                    resourceId=arn,
                    resourceType="Component",
                )
            self._hash_artifacts(recipe, scope, principal)
            document: Document = {
                "arn": arn,
                "componentName": name,
                "componentVersion": version,
                "creationTimestamp": self._clock.now(),
                "publisher": recipes.member(recipe, "ComponentPublisher", ""),
                "description": recipes.member(recipe, "ComponentDescription", ""),
                "tags": dict(request.get("tags", {})),
                "recipe": recipe,
                "token": request.get("clientToken", ""),
            }
            self._records.put(_COMPONENT, scope, arn, document)
        return _made(document)

    def _hash_artifacts(self, recipe: recipes.Recipe, scope: Scope, principal: Principal | None) -> None:
        """Put the hash of each artifact into the recipe. Raises ValidationException for those that can't be read."""
        unreadable = []
        for artifact in recipes.artifacts(recipe):
            uri = recipes.member(artifact, "Uri")
            digest = self._digest(uri, scope, principal)
            if digest:
                artifact.update({"Digest": digest, "Algorithm": "SHA-256"})
            else:
                unreadable.append(uri)
        if unreadable:
            raise recipes.refusal_of_artifacts(unreadable)

    def _digest(self, uri: str, scope: Scope, principal: Principal | None) -> str:
        try:
            bucket, key = s3_uris.split(uri)
            check(principal, iter([RequiredPermission("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")]))
            body = self._clients.client("s3", *scope).get_object(Bucket=bucket, Key=key)["Body"]
            digest = hashlib.sha256()
            for part in body.iter_chunks(1 << 20):
                digest.update(part)
        except (ValueError, ClientError, ServiceError):
            return ""
        return base64.b64encode(digest.digest()).decode()

    def _describe(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        found = self._find("DescribeComponent", request["arn"], scope, principal)
        described = {key: found[key] for key in (*_NAMED, "publisher", "description") if found[key] != ""}
        platforms = [
            platform for manifest in recipes.member(found["recipe"], "Manifests") for platform in _of(manifest)
        ]
        state = {"componentState": "DEPLOYABLE", "message": "NONE", "errors": {}}
        return {**described, **_tags(found), "status": state, "platforms": platforms}

    def _get(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        found = self._find("GetComponent", request["arn"], scope, principal)
        output = request.get("recipeOutputFormat", "YAML")
        return {"recipeOutputFormat": output, "recipe": recipes.write(found["recipe"], output), **_tags(found)}

    def _list(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        check(principal, iter([RequiredPermission("greengrass:ListComponents", "*")]))
        if request.get("scope", "PRIVATE") == "PUBLIC":
            raise validation_exception("The embedded AWS has none of AWS's public components (scope PUBLIC).")
        versions: dict[str, list[Document]] = defaultdict(list)
        for each in self._records.all(_COMPONENT, scope):
            versions[each["componentName"]].append(each)
        latest = [_newest_first(each)[0] for each in versions.values()]
        return _page("components", [_listed(each, scope) for each in latest], request)

    def _list_versions(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        arn = request["arn"]
        check(principal, iter([RequiredPermission("greengrass:ListComponentVersions", arn)]))
        versions = [each for each in self._records.all(_COMPONENT, scope) if _arn(scope, each["componentName"]) == arn]
        keys = ("componentName", "componentVersion", "arn")
        listed = [{key: each[key] for key in keys} for each in _newest_first(versions)]
        return _page("componentVersions", listed, request)

    def _delete(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        with self._changing:
            found = self._find("DeleteComponent", request["arn"], scope, principal)
            self._records.remove(_COMPONENT, scope, found["arn"])
        return {}

    def _tag(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        return self._retag("TagResource", request, scope, principal, lambda own: {**own, **request["tags"]})

    def _untag(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        keys = request["tagKeys"]
        return self._retag(
            "UntagResource",
            request,
            scope,
            principal,
            lambda own: {key: value for key, value in own.items() if key not in keys},
        )

    def _list_tags(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        return _tags(self._find("ListTagsForResource", request["resourceArn"], scope, principal))

    def _retag(
        self,
        operation: str,
        request: Request,
        scope: Scope,
        principal: Principal | None,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> Request:
        with self._changing:
            found = self._find(operation, request["resourceArn"], scope, principal)
            self._records.put(_COMPONENT, scope, found["arn"], {**found, "tags": change(found["tags"])})
        return {}

    def _find(self, operation: str, arn: str, scope: Scope, principal: Principal | None) -> Document:
        """Return a version's document. Raises AccessDeniedException, ResourceNotFoundException."""
        check(principal, iter([RequiredPermission(f"greengrass:{operation}", arn)]))
        found = self._records.find(_COMPONENT, scope, arn)
        if found is None:
            raise ServiceError(
                NOT_FOUND,
                f"Component version {arn} is not found",
                HTTPStatus.NOT_FOUND,
                resourceId=arn,
                resourceType="Component",
            )
        return found


_OPERATIONS: dict[str, Callable[[GreengrassV2, Request, Scope, Principal | None], Request]] = {
    "CreateComponentVersion": GreengrassV2._create,  # noqa: SLF001 - the class's own table
    "DeleteComponent": GreengrassV2._delete,  # noqa: SLF001
    "DescribeComponent": GreengrassV2._describe,  # noqa: SLF001
    "GetComponent": GreengrassV2._get,  # noqa: SLF001
    "ListComponentVersions": GreengrassV2._list_versions,  # noqa: SLF001
    "ListComponents": GreengrassV2._list,  # noqa: SLF001
    "ListTagsForResource": GreengrassV2._list_tags,  # noqa: SLF001
    "TagResource": GreengrassV2._tag,  # noqa: SLF001
    "UntagResource": GreengrassV2._untag,  # noqa: SLF001
}


def _made(document: Document) -> Request:
    state = {"componentState": "REQUESTED", "message": "NONE", "errors": {}}
    return {**{key: document[key] for key in _NAMED}, "status": state}


def _arn(scope: Scope, name: str, version: str = "") -> str:
    component = f"arn:aws:greengrass:{scope.region}:{scope.account}:components:{name}"
    return f"{component}:versions:{version}" if version else component


def _decoded(blob: str) -> bytes:
    try:
        return base64.b64decode(blob, validate=True)
    except binascii.Error as error:
        raise validation_exception(f"Invalid Input: inlineRecipe is not base64: {error}") from None


def _of(manifest: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    platform = recipes.member(manifest, "Platform")
    if platform:
        yield {"name": recipes.member(manifest, "Name", ", ".join(platform.values())), "attributes": dict(platform)}


def _tags(found: Document) -> dict[str, Any]:
    return {"tags": found["tags"]} if found["tags"] else {}


def _newest_first(versions: list[Document]) -> list[Document]:
    """Return versions by their numbers, then by when they were made: those of one number differ in their labels."""

    def rank(version: Document) -> tuple[Version, Any]:
        numbers = version["componentVersion"].partition("-")[0].partition("+")[0]
        return Version(numbers), version["creationTimestamp"]

    return sorted(versions, key=rank, reverse=True)


def _listed(latest: Document, scope: Scope) -> dict[str, Any]:
    keys = ("arn", "componentVersion", "creationTimestamp", "description", "publisher")
    return {
        "arn": _arn(scope, latest["componentName"]),
        "componentName": latest["componentName"],
        "latestVersion": {key: latest[key] for key in keys if latest[key] != ""},
    }


def _page(member: str, items: list[dict[str, Any]], request: Request) -> Request:
    asked = {key[0].upper() + key[1:]: value for key, value in request.items()}
    invalid = validation_exception("Invalid Input: nextToken is none that was given out")
    found = json_protocol.page(member, items, asked, size=_PAGE, invalid_token=invalid)
    return {member: found[member], **({"nextToken": found["NextToken"]} if "NextToken" in found else {})}
